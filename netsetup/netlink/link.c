/* Links: asking for them, making and changing them. */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"

#define OPER_UP 6 /* IF_OPER_UP of linux/if.h, which net/if.h excludes */

/* ---- names and MAC addresses --------------------------------------------------------- */

int netlink_check_name(const char *name, const char *what, struct error *err)
{
	if (!name[0] || strlen(name) >= IFNAMSIZ || strpbrk(name, "/:\"*\\ \t\n\v\f\r") ||
		str_equal(name, ".") || str_equal(name, ".."))
		return fail_code(err, EINVAL,
			"%s: \"%.64s\" cannot be a network interface's name: expected 1 to "
			"15 bytes without \"/\", \":\", \"*\", quotes, backslashes and spaces",
			what, name);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int netlink_mac_parse(const char *text, struct netlink_mac *ret, struct error *err)
{
	struct netlink_mac mac;
	bool well = strlen(text) == 17;

	for (size_t i = 0; well && i < 6; i++) {
		int high = hex_digit(text[3 * i]);
		int low = hex_digit(text[3 * i + 1]);

		well = high >= 0 && low >= 0 && (i == 5 || text[3 * i + 2] == ':');
		mac.bytes[i] = (unsigned char)((unsigned)high << 4 | (unsigned)low);
	}
	if (!well)
		return fail_code(err, EINVAL,
			"\"%.64s\" is no MAC address; expected six pairs of hexadecimal "
			"digits such as 02:00:00:00:00:01",
			text);
	if (mac.bytes[0] & 1)
		return fail_code(err, EINVAL,
			"the MAC address %s is a multicast address; make the first byte "
			"even",
			text);
	*ret = mac;
	return 0;
}

struct netlink_mac_text netlink_mac_text(struct netlink_mac mac)
{
	struct netlink_mac_text ret;

	snprintf(ret.text, sizeof(ret.text), "%02x:%02x:%02x:%02x:%02x:%02x",
		mac.bytes[0], mac.bytes[1], mac.bytes[2], mac.bytes[3], mac.bytes[4],
		mac.bytes[5]);
	return ret;
}

/* ---- asking -------------------------------------------------------------------------- */

static void read_kind(struct nlattr *info, struct netlink_link *link)
{
	struct nlattr *parts[IFLA_INFO_MAX + 1];
	struct nlattr *data;

	if (nla_parse_nested(parts, IFLA_INFO_MAX, info, NULL) < 0 ||
		!parts[IFLA_INFO_KIND])
		return;
	snprintf(link->kind, sizeof(link->kind), "%s",
		nla_get_string(parts[IFLA_INFO_KIND]));
	if (!str_equal(link->kind, "bridge") || !parts[IFLA_INFO_DATA])
		return;
	data = nla_find(nla_data(parts[IFLA_INFO_DATA]), nla_len(parts[IFLA_INFO_DATA]),
		IFLA_BR_VLAN_FILTERING);
	link->vlan_filtering = data && nla_get_u8(data);
}

static int read_link(struct nlmsghdr *header, struct netlink_link *ret, struct error *err)
{
	const struct ifinfomsg *info = nlmsg_data(header);
	struct nlattr *parts[IFLA_MAX + 1];
	struct netlink_link link = { .index = info->ifi_index, .flags = info->ifi_flags };

	if (nlmsg_parse(header, sizeof(*info), parts, IFLA_MAX, NULL) < 0 ||
		!parts[IFLA_IFNAME])
		return fail(err, "the kernel's description of a link is malformed");
	snprintf(link.name, sizeof(link.name), "%s", nla_get_string(parts[IFLA_IFNAME]));
	if (parts[IFLA_ADDRESS] && nla_len(parts[IFLA_ADDRESS]) == sizeof(link.mac))
		memcpy(&link.mac, nla_data(parts[IFLA_ADDRESS]), sizeof(link.mac));
	if (parts[IFLA_MTU])
		link.mtu = nla_get_u32(parts[IFLA_MTU]);
	if (parts[IFLA_OPERSTATE])
		link.operating = nla_get_u8(parts[IFLA_OPERSTATE]) == OPER_UP;
	if (parts[IFLA_GROUP])
		link.group = nla_get_u32(parts[IFLA_GROUP]);
	if (parts[IFLA_TXQLEN])
		link.txqlen = nla_get_u32(parts[IFLA_TXQLEN]);
	if (parts[IFLA_MASTER])
		link.master = (int)nla_get_u32(parts[IFLA_MASTER]);
	if (parts[IFLA_LINK])
		link.peer = (int)nla_get_u32(parts[IFLA_LINK]);
	if (parts[IFLA_LINKINFO])
		read_kind(parts[IFLA_LINKINFO], &link);
	*ret = link;
	return 0;
}

static int keep_link(void *argument, struct nlmsghdr *header, struct error *err)
{
	return read_link(header, argument, err);
}

static int ask_link(struct netlink *netlink, int index, const char *name,
	struct netlink_link *ret, struct error *err)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct nl_msg *message = netlink_message(RTM_GETLINK, 0, &info, sizeof(info));
	char what[64];

	if (name)
		netlink_put_text(message, IFLA_IFNAME, name);
	snprintf(what, sizeof(what), "looking for the interface %.*s", IFNAMSIZ,
		name ? name : "by its index");
	return netlink_ask(netlink, message,
		(struct netlink_answers){
			.each = keep_link, .argument = ret, .what = what },
		err);
}

int netlink_get_link(struct netlink *netlink, const char *name, struct netlink_link *ret,
	struct error *err)
{
	return ask_link(netlink, 0, name, ret, err);
}

int netlink_get_link_by_index(
	struct netlink *netlink, int index, struct netlink_link *ret, struct error *err)
{
	return ask_link(netlink, index, NULL, ret, err);
}

struct each_link {
	int (*each)(void *argument, const struct netlink_link *link, struct error *err);
	void *argument;
};

static int give_link(void *argument, struct nlmsghdr *header, struct error *err)
{
	const struct each_link *each = argument;
	struct netlink_link link;

	if (read_link(header, &link, err) < 0)
		return -1;
	return each->each(each->argument, &link, err);
}

int netlink_each_link(struct netlink *netlink,
	int (*each)(void *argument, const struct netlink_link *link, struct error *err),
	void *argument, struct error *err)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct each_link all = { each, argument };

	return netlink_ask(netlink,
		netlink_message(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info)),
		(struct netlink_answers){ .each = give_link,
			.argument = &all,
			.what = "listing the interfaces" },
		err);
}

/* ---- making -------------------------------------------------------------------------- */

static struct nl_msg *change_by_name(const char *name, uint32_t flags)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_flags = flags,
		.ifi_change = flags,
	};
	struct nl_msg *message = netlink_message(RTM_NEWLINK, 0, &info, sizeof(info));

	netlink_put_text(message, IFLA_IFNAME, name);
	return message;
}

/* No link-local address of the kernel's: a port needs none, and a bridge only one where
 * its network has IPv6 (bridge.c). Cannot be said when the link is made, and must be
 * before it is up. */
static void queue_no_link_local(struct netlink *netlink, const char *name)
{
	struct nl_msg *message = change_by_name(name, 0);
	uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
	struct nlattr *families = netlink_nest(message, IFLA_AF_SPEC);
	struct nlattr *inet6 = netlink_nest(message, AF_INET6);

	netlink_put(message, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	nla_nest_end(message, inet6);
	nla_nest_end(message, families);
	netlink_tolerate(netlink, EAFNOSUPPORT); /* a kernel without IPv6 */
	netlink_queue(netlink, message, "keeping %s without a link-local address", name);
}

static void queue_up(struct netlink *netlink, const char *name)
{
	netlink_queue(netlink, change_by_name(name, IFF_UP), "bringing up %s", name);
}

static struct nl_msg *new_link(const char *name, uint32_t mtu)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *message = netlink_message(
		RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));

	netlink_put_text(message, IFLA_IFNAME, name);
	if (mtu)
		netlink_put_u32(message, IFLA_MTU, mtu);
	return message;
}

void netlink_add_bridge(struct netlink *netlink, const struct netlink_bridge *bridge)
{
	struct nl_msg *message = new_link(bridge->name, bridge->mtu);
	struct nlattr *info;
	struct nlattr *data;
	uint8_t filtering = bridge->vlan_filtering;
	uint8_t snooping = 0;
	uint16_t pvid = 0;

	netlink_put(message, IFLA_ADDRESS, &bridge->mac, sizeof(bridge->mac));
	netlink_put_u32(message, IFLA_GROUP, bridge->group);
	info = netlink_nest(message, IFLA_LINKINFO);
	netlink_put_text(message, IFLA_INFO_KIND, "bridge");
	data = netlink_nest(message, IFLA_INFO_DATA);
	netlink_put(message, IFLA_BR_MCAST_SNOOPING, &snooping, 1);
	if (bridge->vlan_filtering)
		netlink_put(message, IFLA_BR_VLAN_FILTERING, &filtering, 1);
	if (bridge->no_default_pvid)
		netlink_put(message, IFLA_BR_VLAN_DEFAULT_PVID, &pvid, sizeof(pvid));
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	netlink_queue(netlink, message, "making the bridge %s", bridge->name);
	queue_no_link_local(netlink, bridge->name);
}

static void put_peer(struct nl_msg *message, const struct netlink_veth *veth)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nlattr *peer = netlink_nest(message, VETH_INFO_PEER);

	if (nlmsg_append(message, &info, sizeof(info), NLMSG_ALIGNTO) < 0)
		str_out_of_memory();
	netlink_put_text(message, IFLA_IFNAME, veth->peer_name);
	netlink_put_u32(message, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns_fd);
	if (veth->mtu)
		netlink_put_u32(message, IFLA_MTU, veth->mtu);
	if (veth->has_mac)
		netlink_put(
			message, IFLA_ADDRESS, &veth->peer_mac, sizeof(veth->peer_mac));
	nla_nest_end(message, peer);
}

void netlink_add_veth(struct netlink *netlink, const struct netlink_veth *veth)
{
	struct nl_msg *message = new_link(veth->name, veth->mtu);
	struct nlattr *info;
	struct nlattr *data;

	if (veth->master)
		netlink_put_u32(message, IFLA_MASTER, (uint32_t)veth->master);
	info = netlink_nest(message, IFLA_LINKINFO);
	netlink_put_text(message, IFLA_INFO_KIND, "veth");
	data = netlink_nest(message, IFLA_INFO_DATA);
	put_peer(message, veth);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	netlink_queue(netlink, message, "making the veth pair %s and %s", veth->name,
		veth->peer_name);
	queue_no_link_local(netlink, veth->name);
	if (veth->up)
		queue_up(netlink, veth->name);
}

static void put_mode(struct nl_msg *message, const struct netlink_upper *upper)
{
	uint16_t mode = (uint16_t)upper->mode;

	if (str_equal(upper->kind, "macvlan"))
		netlink_put_u32(message, IFLA_MACVLAN_MODE, upper->mode);
	else if (str_equal(upper->kind, "ipvlan"))
		netlink_put(message, IFLA_IPVLAN_MODE, &mode, sizeof(mode));
	else
		netlink_put(message, IFLA_VLAN_ID, &mode, sizeof(mode));
}

void netlink_add_upper(struct netlink *netlink, const struct netlink_upper *upper)
{
	struct nl_msg *message = new_link(upper->name, upper->mtu);
	struct nlattr *info;
	struct nlattr *data;

	netlink_put_u32(message, IFLA_LINK, (uint32_t)upper->parent);
	if (upper->netns_fd >= 0)
		netlink_put_u32(message, IFLA_NET_NS_FD, (uint32_t)upper->netns_fd);
	if (upper->has_mac)
		netlink_put(message, IFLA_ADDRESS, &upper->mac, sizeof(upper->mac));
	info = netlink_nest(message, IFLA_LINKINFO);
	netlink_put_text(message, IFLA_INFO_KIND, upper->kind);
	data = netlink_nest(message, IFLA_INFO_DATA);
	put_mode(message, upper);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	netlink_queue(
		netlink, message, "making the %s interface %s", upper->kind, upper->name);
}

void netlink_add_ifb(struct netlink *netlink, const char *name, uint32_t mtu)
{
	struct nl_msg *message = new_link(name, mtu);
	struct nlattr *info;

	info = netlink_nest(message, IFLA_LINKINFO);
	netlink_put_text(message, IFLA_INFO_KIND, "ifb");
	nla_nest_end(message, info);
	netlink_queue(netlink, message, "making the ifb interface %s", name);
	queue_no_link_local(netlink, name);
	queue_up(netlink, name);
}

void netlink_delete_link(struct netlink *netlink, const char *name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *message = netlink_message(RTM_DELLINK, 0, &info, sizeof(info));

	netlink_put_text(message, IFLA_IFNAME, name);
	netlink_queue(netlink, message, "deleting the interface %s", name);
}

void netlink_change_link(
	struct netlink *netlink, int index, const struct netlink_change *change)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = change->flags,
		.ifi_change = change->flags | change->clear,
	};
	struct nl_msg *message = netlink_message(RTM_NEWLINK, 0, &info, sizeof(info));

	if (change->mtu)
		netlink_put_u32(message, IFLA_MTU, change->mtu);
	if (change->name)
		netlink_put_text(message, IFLA_IFNAME, change->name);
	if (change->mac)
		netlink_put(message, IFLA_ADDRESS, change->mac, sizeof(*change->mac));
	if (change->netns_fd > 0)
		netlink_put_u32(message, IFLA_NET_NS_FD, (uint32_t)change->netns_fd);
	if (change->group)
		netlink_put_u32(message, IFLA_GROUP, change->group);
	if (change->has_txqlen)
		netlink_put_u32(message, IFLA_TXQLEN, change->txqlen);
	netlink_queue(netlink, message, "%s interface %d",
		change->flags & IFF_UP ? "bringing up" : "changing", index);
}
