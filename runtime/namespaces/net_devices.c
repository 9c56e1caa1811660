/* linux.netDevices, by rtnetlink(7) itself: three requests do not need a library. */
#include "runtime/namespaces/net_devices.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "spec/config.h"

#ifndef IFLA_NETNS_IMMUTABLE /* Linux 6.15 */
#define IFLA_NETNS_IMMUTABLE 67
#endif

/* An address as the kernel told it, to be said again in the other namespace. */
struct address {
	struct ifaddrmsg header;
	size_t length; /* of attributes */
	char attributes[128];
};

struct net_device {
	const char *host_name; /* borrowed from the config */
	const char *name;      /* inside; "eth%d": the kernel puts a number there */
	char transit
		[IFNAMSIZ]; /* the name of one whose own the kernel chooses, till then */
	unsigned index;
	bool was_up;
	struct address *addresses;
	size_t addresses_count;
};

/* A request under construction, or an answer. */
union message {
	struct nlmsghdr header;
	char bytes[16384];
};

void net_devices_free(struct net_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		free(devices->items[i].addresses);
	free(take_ptr(&devices->items));
	devices->count = 0;
	net_devices_settle(devices);
}

void net_devices_settle(struct net_devices *devices)
{
	devices->moved = 0;
	cleanup_fd(&devices->netns);
	devices->netns = -1;
}

static bool is_template(const struct net_device *device)
{
	return strchr(device->name, '%') != NULL;
}

/* ---- rtnetlink ---------------------------------------------------------------------- */

static void begin(union message *message, uint16_t type, uint16_t flags,
	const void *payload, size_t length)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = NLM_F_REQUEST | flags;
	message->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(length);
	memcpy(NLMSG_DATA(&message->header), payload, length);
}

static void append_raw(union message *message, const void *data, size_t length)
{
	size_t at = NLMSG_ALIGN(message->header.nlmsg_len);

	memcpy(message->bytes + at, data, length);
	message->header.nlmsg_len = (uint32_t)(at + length);
}

static void append(union message *message, uint16_t type, const void *data, size_t length)
{
	struct rtattr attribute = { .rta_type = type,
		.rta_len = (uint16_t)RTA_LENGTH(length) };

	append_raw(message, &attribute, sizeof(attribute));
	append_raw(message, data, length);
}

/* Sends, and waits for what the kernel has to say. -1 with errno, also where that is no. */
static int exchange(int sock, union message *message)
{
	const struct nlmsgerr *answer = NLMSG_DATA(&message->header);

	if (send(sock, message, message->header.nlmsg_len, 0) < 0 ||
		recv(sock, message, sizeof(*message), 0) <
			(ssize_t)NLMSG_LENGTH(sizeof(*answer)))
		return -1;
	if (message->header.nlmsg_type != NLMSG_ERROR)
		return 0;
	errno = -answer->error;
	return answer->error ? -1 : 0;
}

/* For the kernel's yes or no. */
static int ask(int sock, union message *message)
{
	message->header.nlmsg_flags |= NLM_F_ACK;
	if (exchange(sock, message) < 0)
		return -1;
	if (message->header.nlmsg_type == NLMSG_ERROR)
		return 0;
	errno = EPROTO;
	return -1;
}

static int open_netlink(int *ret_sock, struct error *err)
{
	*ret_sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return *ret_sock < 0 ? fail_errno(err, "opening a netlink socket") : 0;
}

/* ---- plan --------------------------------------------------------------------------- */

/* What lives on the wire comes along; link-local addresses the kernel makes anew. */
static void keep_address(struct net_device *device, const struct nlmsghdr *header)
{
	const struct ifaddrmsg *found = NLMSG_DATA(header);
	struct address *kept;

	if (found->ifa_index != device->index || found->ifa_scope != RT_SCOPE_UNIVERSE ||
		!(found->ifa_flags & IFA_F_PERMANENT) ||
		IFA_PAYLOAD(header) > sizeof(kept->attributes))
		return;
	device->addresses = str_realloc(device->addresses, device->addresses_count + 1,
		sizeof(*device->addresses));
	kept = &device->addresses[device->addresses_count++];
	*kept = (struct address){ .header = *found, .length = IFA_PAYLOAD(header) };
	memcpy(kept->attributes, IFA_RTA(found), kept->length);
}

static int read_addresses(int sock, struct net_device *device, struct error *err)
{
	const struct ifaddrmsg all = { .ifa_family = AF_UNSPEC };
	union message message;
	const struct nlmsghdr *part;
	ssize_t length;

	begin(&message, RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all));
	if (send(sock, &message, message.header.nlmsg_len, 0) < 0)
		return fail_errno(
			err, "asking for the addresses of %s", device->host_name);
	for (;;) {
		length = recv(sock, &message, sizeof(message), 0);
		if (length < 0)
			return fail_errno(
				err, "reading the addresses of %s", device->host_name);
		for (part = &message.header; NLMSG_OK(part, (size_t)length);
			part = NLMSG_NEXT(part, length)) {
			if (part->nlmsg_type == NLMSG_DONE)
				return 0;
			if (part->nlmsg_type == NLMSG_ERROR)
				return fail(err,
					"the kernel does not tell the addresses of %s",
					device->host_name);
			if (part->nlmsg_type == RTM_NEWADDR)
				keep_address(device, part);
		}
	}
}

/* Loopbacks and bridges, for instance. Kernels before 6.15 tell it of loopbacks only; of
 * the others they refuse the move. */
static bool stays_here(const struct nlmsghdr *header)
{
	const struct ifinfomsg *link = NLMSG_DATA(header);
	const struct rtattr *attribute = IFLA_RTA(link);
	size_t rest = IFLA_PAYLOAD(header);

	if (link->ifi_flags & IFF_LOOPBACK)
		return true;
	for (; RTA_OK(attribute, rest); attribute = RTA_NEXT(attribute, rest))
		if (attribute->rta_type == IFLA_NETNS_IMMUTABLE)
			return *(const uint8_t *)RTA_DATA(attribute);
	return false;
}

static int read_link(int sock, struct net_device *device, struct error *err)
{
	const struct ifinfomsg none = { .ifi_family = AF_UNSPEC };
	const struct ifinfomsg *link;
	union message message;

	begin(&message, RTM_GETLINK, 0, &none, sizeof(none));
	append(&message, IFLA_IFNAME, device->host_name, strlen(device->host_name) + 1);
	if (exchange(sock, &message) < 0)
		return fail_errno(err, "looking for the interface");
	link = NLMSG_DATA(&message.header);
	if (stays_here(&message.header))
		return fail(err, "the kernel lets no interface of this kind (a loopback, "
				 "a bridge) into another network namespace");
	device->index = (unsigned)link->ifi_index;
	device->was_up = link->ifi_flags & IFF_UP;
	return 0;
}

static int plan_one(int sock, const struct oci_net_device *wanted, struct net_device *ret,
	struct error *err)
{
	ret->host_name = wanted->host_name;
	ret->name = wanted->name && wanted->name[0] ? wanted->name : wanted->host_name;
	if (strlen(ret->name) >= IFNAMSIZ)
		return fail(err, "the name \"%s\" is longer than %d bytes", ret->name,
			IFNAMSIZ - 1);
	if (read_link(sock, ret, err) < 0)
		return -1;
	(void)snprintf(ret->transit, sizeof(ret->transit), "mkr%u", ret->index);
	return read_addresses(sock, ret, err);
}

int net_devices_plan(
	const struct oci_config *config, struct net_devices *ret, struct error *err)
{
	size_t count = config->linux.net_devices_count;
	auto_fd sock = -1;

	if (!count)
		return 0;
	if (!config_namespace(config, CLONE_NEWNET))
		return fail(err,
			"/linux/netDevices: interfaces can move only into a network "
			"namespace, and /linux/namespaces has none");
	if (open_netlink(&sock, err) < 0)
		return -1;
	ret->items = str_alloc(count * sizeof(*ret->items));
	ret->count = count;
	for (size_t i = 0; i < count; i++) {
		const struct oci_net_device *wanted = &config->linux.net_devices[i];

		if (plan_one(sock, wanted, &ret->items[i], err) < 0)
			return fail_while(err, "/linux/netDevices/%s", wanted->host_name);
	}
	return 0;
}

/* ---- move and configure ------------------------------------------------------------- */

static int set_link(int sock, unsigned index, unsigned flags, int netns, const char *name)
{
	const struct ifinfomsg link = {
		.ifi_index = (int)index, .ifi_flags = flags, .ifi_change = IFF_UP
	};
	union message message;

	begin(&message, RTM_NEWLINK, 0, &link, sizeof(link));
	if (netns >= 0)
		append(&message, IFLA_NET_NS_FD, &netns, sizeof(netns));
	if (name)
		append(&message, IFLA_IFNAME, name, strlen(name) + 1);
	return ask(sock, &message);
}

/* Under a name that nobody has: to be renamed inside, for of a name that is taken there the
 * kernel would tell only after the move. The move itself sets it down; before, a device that
 * the kernel will not move would lose its addresses and routes for nothing. */
int net_devices_move(
	struct net_devices *devices, int joined, pid_t pid, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/ns/net", pid);
	auto_fd sock = -1;

	if (!devices->count)
		return 0;
	devices->netns = joined >= 0 ? fcntl(joined, F_DUPFD_CLOEXEC, 3)
				     : open(path, O_RDONLY | O_CLOEXEC);
	if (devices->netns < 0)
		return fail_errno(err, "opening %s", path);
	if (open_netlink(&sock, err) < 0)
		return -1;
	for (size_t i = 0; i < devices->count; i++) {
		const struct net_device *device = &devices->items[i];

		if (set_link(sock, device->index, 0, devices->netns, device->transit) < 0)
			return fail_errno(err,
				"/linux/netDevices/%s: moving it into the container",
				device->host_name);
		devices->moved++;
	}
	return 0;
}

/* IPv4's label is the interface's name, or that with a suffix (":1"): programs that know
 * nothing newer find the address by it. */
static void append_label(union message *message, const char *label,
	const struct net_device *device, const char *name)
{
	const char *suffix = str_after(label, device->host_name);
	char renamed[IFNAMSIZ];

	(void)snprintf(renamed, sizeof(renamed), "%s%s", suffix ? name : label,
		suffix ? suffix : "");
	append(message, IFA_LABEL, renamed, strlen(renamed) + 1);
}

static int add_address(int sock, unsigned index, const struct net_device *device,
	const struct address *address, const char *name)
{
	const struct rtattr *attribute = (const void *)address->attributes;
	size_t rest = address->length;
	struct ifaddrmsg header = address->header;
	union message message;

	header.ifa_index = index;
	begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &header,
		sizeof(header));
	for (; RTA_OK(attribute, rest); attribute = RTA_NEXT(attribute, rest)) {
		if (attribute->rta_type == IFA_LABEL)
			append_label(&message, RTA_DATA(attribute), device, name);
		else
			append(&message, attribute->rta_type, RTA_DATA(attribute),
				RTA_PAYLOAD(attribute));
	}
	return ask(sock, &message);
}

/* name: what the interface is called there. */
static int add_addresses(
	int sock, unsigned index, const struct net_device *device, const char *name)
{
	for (size_t i = 0; i < device->addresses_count; i++) {
		if (add_address(sock, index, device, &device->addresses[i], name) < 0)
			return -1;
	}
	return 0;
}

/* Named before it goes up: one that is up keeps its name on older kernels. */
static int configure_one(int sock, const struct net_device *device, struct error *err)
{
	unsigned index = if_nametoindex(device->transit); /* may be another one in here */
	char chosen[IFNAMSIZ];
	const char *name = device->name;

	if (!index)
		return fail_errno(
			err, "looking for %s in the container", device->transit);
	if (set_link(sock, index, 0, -1, device->name) < 0)
		return fail_errno(err, "naming it %s in the container", device->name);
	if (is_template(device))
		name = if_indextoname(index, chosen);
	if (!name || add_addresses(sock, index, device, name) < 0)
		return fail_errno(err, "giving its addresses to %s", device->name);
	if (set_link(sock, index, IFF_UP, -1, NULL) < 0)
		return fail_errno(err, "setting %s up", device->name);
	return 0;
}

int net_devices_configure(const struct net_devices *devices, struct error *err)
{
	auto_fd sock = -1;

	if (!devices->count)
		return 0;
	if (open_netlink(&sock, err) < 0)
		return -1;
	for (size_t i = 0; i < devices->count; i++) {
		if (configure_one(sock, &devices->items[i], err) < 0)
			return fail_while(
				err, "/linux/netDevices/%s", devices->items[i].host_name);
	}
	return 0;
}

/* ---- give back ---------------------------------------------------------------------- */

/* Where init has put a number into its name, the index tells it, which the kernel keeps
 * wherever it is free, and the rest of the name. */
static unsigned index_there(const struct net_device *device)
{
	unsigned index = if_nametoindex(device->transit);
	char name[IFNAMSIZ];

	if (!index)
		index = if_nametoindex(device->name);
	if (index || !is_template(device) || !if_indextoname(device->index, name))
		return index;
	return strncmp(name, device->name, strcspn(device->name, "%")) == 0
		       ? device->index
		       : 0;
}

/* In the container's network: out of it. */
static int send_home(const struct net_device *device, int own, struct error *err)
{
	unsigned index = index_there(device);
	auto_fd sock = -1;

	if (open_netlink(&sock, err) < 0)
		return -1;
	if (!index || set_link(sock, index, 0, -1, NULL) < 0 ||
		set_link(sock, index, 0, own, device->host_name) < 0)
		return fail_errno(err, "giving the interface %s back", device->host_name);
	return 0;
}

static int restore(const struct net_device *device, struct error *err)
{
	unsigned index = if_nametoindex(device->host_name);
	auto_fd sock = -1;

	if (open_netlink(&sock, err) < 0)
		return -1;
	if (!index || add_addresses(sock, index, device, device->host_name) < 0 ||
		(device->was_up && set_link(sock, index, IFF_UP, -1, NULL) < 0))
		return fail_errno(err, "giving the interface %s its addresses back",
			device->host_name);
	return 0;
}

static int return_one(
	const struct net_device *device, int netns, int own, struct error *err)
{
	int result;

	if (setns(netns, CLONE_NEWNET) < 0)
		return fail_errno(err, "entering the container's network");
	result = send_home(device, own, err);
	if (setns(own, CLONE_NEWNET) < 0)
		return fail_errno(err, "leaving the container's network");
	return result < 0 ? -1 : restore(device, err);
}

int net_devices_return(struct net_devices *devices, struct error *err)
{
	auto_fd own = -1;
	struct error failure;
	int result = 0;

	if (!devices->moved)
		return 0;
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return fail_errno(err, "opening /proc/self/ns/net");
	for (size_t i = 0; i < devices->moved; i++) {
		if (return_one(&devices->items[i], devices->netns, own, &failure) == 0)
			continue;
		if (result == 0)
			*err = failure;
		result = -1;
	}
	net_devices_settle(devices);
	return result;
}
