/* Addresses of interfaces, and of their neighbours. */
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"

static struct nl_msg *address_message(
	int type, int flags, const struct netlink_address *address)
{
	const struct address *ip = &address->address;
	struct ifaddrmsg info = {
		.ifa_family = (unsigned char)ip->family,
		.ifa_prefixlen = (unsigned char)ip->prefix,
		.ifa_index = (unsigned)address->index,
	};
	struct nl_msg *message;
	struct address last = address_last(ip);

	if (ip->family == AF_INET6 && !address->dad)
		info.ifa_flags = IFA_F_NODAD;
	message = netlink_message(type, flags, &info, sizeof(info));
	netlink_put(message, IFA_LOCAL, ip->bytes, address_length(ip));
	netlink_put(message, IFA_ADDRESS, ip->bytes, address_length(ip));
	if (type == RTM_NEWADDR && ip->family == AF_INET && ip->prefix < 31)
		netlink_put(message, IFA_BROADCAST, last.bytes, address_length(ip));
	return message;
}

void netlink_add_address(struct netlink *netlink, const struct netlink_address *address)
{
	netlink_queue(netlink,
		address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address),
		"adding the address %s to interface %d",
		address_text_prefix(&address->address).text, address->index);
}

void netlink_delete_address(
	struct netlink *netlink, const struct netlink_address *address)
{
	netlink_queue(netlink, address_message(RTM_DELADDR, 0, address),
		"removing the address %s from interface %d",
		address_text_prefix(&address->address).text, address->index);
}

void netlink_correct_neighbour(struct netlink *netlink, int index,
	const struct address *neighbour, const struct netlink_mac *mac)
{
	const struct ndmsg info = {
		.ndm_family = (unsigned char)neighbour->family,
		.ndm_ifindex = index,
		.ndm_state = NUD_STALE,
	};
	struct nl_msg *message =
		netlink_message(RTM_NEWNEIGH, NLM_F_REPLACE, &info, sizeof(info));

	netlink_put(message, NDA_DST, neighbour->bytes, address_length(neighbour));
	netlink_put(message, NDA_LLADDR, mac, sizeof(*mac));
	netlink_tolerate(netlink, ENOENT); /* it remembers nothing */
	netlink_queue(netlink, message, "correcting the neighbour %s",
		address_text(neighbour).text);
}

struct each_address {
	int index;
	int (*each)(
		void *argument, const struct netlink_address *address, struct error *err);
	void *argument;
};

static int give_address(void *argument, struct nlmsghdr *header, struct error *err)
{
	const struct each_address *each = argument;
	const struct ifaddrmsg *info = nlmsg_data(header);
	struct nlattr *parts[IFA_MAX + 1];
	struct netlink_address address = { .index = (int)info->ifa_index };
	struct nlattr *ip;

	if (nlmsg_parse(header, sizeof(*info), parts, IFA_MAX, NULL) < 0)
		return fail(err, "the kernel's description of an address is malformed");
	ip = parts[IFA_LOCAL] ? parts[IFA_LOCAL] : parts[IFA_ADDRESS];
	address.address.family = info->ifa_family;
	address.address.prefix = info->ifa_prefixlen;
	/* A kernel without strict checking answers with all interfaces. */
	if (!ip || (each->index && address.index != each->index) ||
		nla_len(ip) != (int)address_length(&address.address))
		return 0;
	memcpy(address.address.bytes, nla_data(ip), (size_t)nla_len(ip));
	return each->each(each->argument, &address, err);
}

int netlink_each_address(struct netlink *netlink, int index,
	int (*each)(
		void *argument, const struct netlink_address *address, struct error *err),
	void *argument, struct error *err)
{
	struct ifaddrmsg info = { .ifa_index = (unsigned)index };
	struct each_address all = { index, each, argument };

	return netlink_ask(netlink,
		netlink_message(RTM_GETADDR, NLM_F_DUMP, &info, sizeof(info)),
		(struct netlink_answers){ .each = give_address,
			.argument = &all,
			.what = "listing the addresses" },
		err);
}
