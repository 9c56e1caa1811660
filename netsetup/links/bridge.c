/*
 * bridge_ensure() is idempotent: a bridge that is down gets its switches before it is
 * brought up, and what a gateway needs is looked at each time, so that a process killed
 * on the way leaves a bridge that the next one finishes.
 */
#include "netsetup/links/bridge.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/log.h"
#include "netsetup/addresses/occupied.h"
#include "netsetup/firewall/forwarding.h"
#include "netsetup/links/sysctl.h"

bool bridge_has_family(const struct pool_range *ranges, size_t count, int family)
{
	for (size_t i = 0; i < count; i++)
		if (ranges[i].subnet.family == family)
			return true;
	return false;
}

/* The link group of a bridge that we made, as long as all MAC addresses on it follow from
 * the IPv4 addresses: then no neighbour remembers a wrong one. After that another, which
 * says only that the bridge is ours. Said on the bridge itself, for it is true as long as
 * that lives, and from its first moment on: of all that could say it, the group alone is
 * taken with the request that makes a link. */
#define GROUP_OURS        0x6d6f6301
#define GROUP_MACS_FOLLOW 0x6d6f6302

static bool is_ours(const struct netlink_link *bridge)
{
	return bridge->group == GROUP_OURS || bridge->group == GROUP_MACS_FOLLOW;
}

/* ---- making -------------------------------------------------------------------------- */

/* The MTU of the way out, which larger packets of containers could not take; the kernel's
 * own where there is none. Asked with addresses that are nobody's: of documentation, by IPv6
 * only where IPv4 has no way. */
static uint32_t mtu_of_default_route(struct netlink *host)
{
	static const struct address outside[] = {
		{ .family = AF_INET, .prefix = 32, .bytes = { 192, 0, 2, 1 } },
		{ .family = AF_INET6,
			.prefix = 128,
			.bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		struct netlink_route route = { 0 };
		struct netlink_link link;
		struct error ignored;

		if (netlink_find_route(host, &outside[i], &route, &ignored) == 0 &&
			netlink_get_link_by_index(host, route.index, &link, &ignored) ==
				0 &&
			!(link.flags & IFF_LOOPBACK)) /* an "unreachable" route's */
			return link.mtu;
	}
	return 0;
}

static int fail_of_vlans(struct error *err)
{
	return err->errnum == EOPNOTSUPP
		       ? fail_hint(err,
				 "does this kernel have VLANs, and those of bridges?")
		       : -1;
}

static int make(struct netlink *host, const struct network *network, struct error *err)
{
	struct netlink_bridge bridge = {
		.name = network->interface,
		.group = GROUP_MACS_FOLLOW,
		.mtu = network->mtu ? network->mtu : mtu_of_default_route(host),
		.vlan_filtering = network->vlan || network->vlan_trunk_count,
	};

	bridge.no_default_pvid = bridge.vlan_filtering && !network->keep_default_vlan;
	if (getrandom(&bridge.mac, sizeof(bridge.mac), 0) < 0)
		return fail_errno(err, "making up a MAC address");
	bridge.mac.bytes[0] = 0x02; /* locally administered, of one station */
	netlink_add_bridge(host, &bridge);
	if (netlink_commit(host, err) < 0) {
		if (err->errnum == EEXIST) /* another process was faster */
			return 0;
		return bridge.vlan_filtering ? fail_of_vlans(err) : -1;
	}
	return 0;
}

static int find_or_make(struct netlink *host, const struct network *network,
	struct netlink_link *ret, struct error *err)
{
	if (netlink_get_link(host, network->interface, ret, err) < 0) {
		if (err->errnum != ENODEV)
			return -1;
		if (network->unmanaged)
			return fail_hint(err,
				"network \"%s\" is unmanaged, its bridge must exist",
				network->name);
		if (make(host, network, err) < 0 ||
			netlink_get_link(host, network->interface, ret, err) < 0)
			return -1;
	}
	if (!str_equal(ret->kind, "bridge"))
		return fail_code(err, EEXIST,
			"the interface %s exists and is no bridge%s%s; choose another name",
			network->interface, ret->kind[0] ? " but of kind " : "",
			ret->kind);
	return 0;
}

/* ---- addresses ----------------------------------------------------------------------- */

struct wanted_address {
	const struct network *network;
	struct netlink *host;
	struct address wanted;
	bool found;
};

/* What the bridge has: the one wanted, or one that is in its way. */
static int compare_address(
	void *argument, const struct netlink_address *has, struct error *err)
{
	struct wanted_address *search = argument;

	if (address_compare(&has->address, &search->wanted) == 0 &&
		has->address.prefix == search->wanted.prefix) {
		search->found = true;
		return 0;
	}
	if (has->address.family != search->wanted.family ||
		!address_overlaps(&has->address, &search->wanted))
		return 0;
	if (search->network->force_address) {
		netlink_delete_address(search->host, has);
		return 0;
	}
	return fail_code(err, EEXIST,
		"the bridge %s has the address %s, not %s; forceAddress replaces it",
		search->network->interface, address_text_prefix(&has->address).text,
		address_text_prefix(&search->wanted).text);
}

static int skip_detection(
	const struct network *network, const char *name, struct error *err)
{
	if (network->duplicate_detection)
		return 0;
	return sysctl_set_interface("ipv6", name, "accept_dad", "0", err);
}

/* What the host forwards to a container it asks for in the name of the gateway's address of
 * the link: without one, or while that is looked for elsewhere, for no container. */
static int enable_inet6(
	const struct network *network, const char *name, struct error *err)
{
	if (skip_detection(network, name, err) < 0 ||
		sysctl_set_interface("ipv6", name, "addr_gen_mode", "0", err) < 0)
		return -1;
	return sysctl_set_interface("ipv6", name, "disable_ipv6", "0", err);
}

/* Every link has fe80::/64. */
static bool is_of_every_link(const struct address *subnet)
{
	return subnet->family == AF_INET6 && subnet->bytes[0] == 0xfe &&
	       (subnet->bytes[1] & 0xc0) == 0x80;
}

/* With the same subnet on two interfaces the host would reach the containers of one only, by
 * which came first. Other overlaps are the configuration's to know: the narrower wins. */
static int refuse_elsewhere(const struct netlink_link *carrier,
	const struct address *wanted, struct error *err)
{
	const struct address ours = address_subnet(wanted);
	auto_occupied occupied = { 0 };

	if (is_of_every_link(&ours))
		return 0;
	if (occupied_load(carrier->name, false, &occupied, err) < 0)
		return -1;
	for (size_t i = 0; i < occupied.count; i++) {
		const struct occupied_subnet *theirs = &occupied.items[i];

		if (theirs->subnet.prefix == ours.prefix &&
			address_compare(&theirs->subnet, &ours) == 0)
			return fail_code(err, EEXIST,
				"the host's %s has the subnet %s already",
				theirs->interface, address_text_prefix(&ours).text);
	}
	return 0;
}

static int ensure_address(struct netlink *host, const struct network *network,
	const struct netlink_link *carrier, const struct address *wanted,
	struct error *err)
{
	struct wanted_address search = { network, host, *wanted, false };

	if (netlink_each_address(host, carrier->index, compare_address, &search, err) < 0)
		return -1;
	if (search.found)
		return 0;
	if (refuse_elsewhere(carrier, wanted, err) < 0)
		return -1;
	/* A network without IPv6 may have made the bridge. */
	if (wanted->family == AF_INET6 && enable_inet6(network, carrier->name, err) < 0)
		return -1;
	netlink_tolerate(host, EEXIST); /* another process was faster */
	netlink_add_address(host,
		&(struct netlink_address){ .address = *wanted, .index = carrier->index });
	return netlink_commit(host, err);
}

/* ---- switches ------------------------------------------------------------------------ */

/* A container could otherwise give the host routes and addresses. Looked at each time: on a
 * bridge that somebody else made and brought up it is on. */
static int refuse_advertisements(const char *name, struct error *err)
{
	return sysctl_set_interface("ipv6", name, "accept_ra", "0", err);
}

/* Of an interface that is not up yet, and has no addresses of others. */
static int set_family(const char *name, const struct pool_range *ranges, size_t count,
	struct error *err)
{
	bool inet6 = bridge_has_family(ranges, count, AF_INET6);

	if (count == 0)
		return 0;
	return sysctl_set_interface("ipv6", name, "disable_ipv6", inet6 ? "0" : "1", err);
}

/* ---- VLANs --------------------------------------------------------------------------- */

struct bridge_carrier bridge_carrier(const struct network *network)
{
	struct bridge_carrier carrier;

	if (network->vlan)
		snprintf(carrier.name, sizeof(carrier.name), "%.10s.%u",
			network->interface, network->vlan & 0xfff);
	else
		snprintf(carrier.name, sizeof(carrier.name), "%.*s", IFNAMSIZ - 1,
			network->interface);
	return carrier;
}

static int ensure_vlan_interface(struct netlink *host, const struct network *network,
	const struct pool_range *ranges, size_t count, const struct netlink_link *bridge,
	struct netlink_link *ret, struct error *err)
{
	const struct bridge_carrier carrier = bridge_carrier(network);
	const char *name = carrier.name;
	const struct netlink_vlan vlan = { .first = (uint16_t)network->vlan,
		.last = (uint16_t)network->vlan,
		.self = true };

	if (netlink_get_link(host, name, ret, err) == 0)
		return refuse_advertisements(name, err);
	if (err->errnum != ENODEV)
		return -1;
	netlink_add_vlan(host, bridge->index, &vlan);
	netlink_tolerate(host, EEXIST);
	netlink_add_upper(host, &(struct netlink_upper){ .kind = "vlan",
					.name = name,
					.parent = bridge->index,
					.netns_fd = -1,
					.mode = network->vlan });
	if (netlink_commit(host, err) < 0)
		return fail_of_vlans(err);
	if (netlink_get_link(host, name, ret, err) < 0 ||
		skip_detection(network, name, err) < 0 ||
		refuse_advertisements(name, err) < 0 ||
		set_family(name, ranges, count, err) < 0)
		return -1;
	netlink_change_link(
		host, ret->index, &(struct netlink_change){ .flags = IFF_UP });
	return netlink_commit(host, err);
}

/* ---- all ----------------------------------------------------------------------------- */

static int ensure_gateways(struct netlink *host, const struct network *network,
	const struct pool_range *ranges, size_t count, const struct netlink_link *bridge,
	struct error *err)
{
	struct netlink_link carrier = *bridge;

	if (!network->gateway || network->unmanaged)
		return 0;
	if (network->vlan && ensure_vlan_interface(host, network, ranges, count, bridge,
				     &carrier, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (ensure_address(host, network, &carrier, &ranges[i].gateway, err) < 0)
			return -1;
	return forwarding_ensure(host, network, ranges, count, err);
}

int bridge_ensure(struct netlink *host, const struct network *network,
	const struct pool_range *ranges, size_t count, struct netlink_link *ret,
	struct error *err)
{
	struct netlink_link bridge;
	struct netlink_change up = { .flags = IFF_UP };

	if (find_or_make(host, network, &bridge, err) < 0)
		return -1;
	if (network->promiscuous)
		up.flags |= IFF_PROMISC;
	if (!network->unmanaged && refuse_advertisements(bridge.name, err) < 0)
		return -1;
	if (!(bridge.flags & IFF_UP) && !network->unmanaged &&
		set_family(bridge.name, ranges, count, err) < 0)
		return -1;
	/* A VLAN's interface comes up on a bridge that is up. */
	if ((bridge.flags & up.flags) != up.flags) {
		netlink_change_link(host, bridge.index, &up);
		if (netlink_commit(host, err) < 0)
			return -1;
	}
	if (ensure_gateways(host, network, ranges, count, &bridge, err) < 0)
		return -1;
	*ret = bridge;
	return 0;
}

bool bridge_macs_follow(const struct netlink_link *bridge)
{
	return bridge->group == GROUP_MACS_FOLLOW;
}

int bridge_break_macs(
	struct netlink *host, struct netlink_link *bridge, struct error *err)
{
	if (!bridge_macs_follow(bridge))
		return 0;
	bridge->group = GROUP_OURS;
	netlink_change_link(
		host, bridge->index, &(struct netlink_change){ .group = GROUP_OURS });
	return netlink_commit(host, err);
}

struct port_search {
	int bridge;
	bool found;
};

static int see_port(void *argument, const struct netlink_link *link, struct error *err)
{
	struct port_search *search = argument;

	search->found = search->found || link->master == search->bridge;
	return 0;
}

int bridge_delete(struct netlink *host, const struct network *network, struct error *err)
{
	struct port_search search = { 0 };
	struct netlink_link link;

	if (network->kind != NETWORK_BRIDGE || network->unmanaged)
		return 0;
	if (netlink_get_link(host, network->interface, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	if (!str_equal(link.kind, "bridge"))
		return 0;
	if (!is_ours(&link)) {
		log_info("the bridge %s was not made here and stays", link.name);
		return 0;
	}
	search.bridge = link.index;
	if (netlink_each_link(host, see_port, &search, err) < 0)
		return -1;
	if (search.found) {
		log_info("the bridge %s has ports of others and stays", link.name);
		return 0;
	}
	netlink_tolerate(host, ENODEV);
	netlink_delete_link(host, network->interface);
	return netlink_commit(host, err);
}
