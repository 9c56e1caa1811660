/* The step that makes the veth pair, the container's end in its place from the start. */
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "netsetup/links/bridge.h"
#include "netsetup/links/sysctl.h"
#include "netsetup/steps.h"

/* Follows from the IPv4 address: a container that gets an address again has the MAC that
 * its neighbours remember for it. */
static bool mac_of_address(const struct attachment *record, struct netlink_mac *ret)
{
	struct netlink_mac mac = { { 0x0a, 0x6d } }; /* locally administered */
	struct address address;
	struct error ignored;

	for (size_t i = 0; i < record->addresses_count; i++) {
		if (address_parse_prefix(record->addresses[i].address, "address",
			    &address, &ignored) < 0 ||
			address.family != AF_INET)
			continue;
		memcpy(mac.bytes + 2, address.bytes, 4);
		*ret = mac;
		return true;
	}
	return false;
}

/* Before the rules, which may know it. */
int mac_choose(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_mac mac;
	bool follows;

	if (record->mac || record->chained || record->network.kind != NETWORK_BRIDGE)
		return 0;
	follows = mac_of_address(record, &mac);
	attach->mac_follows = follows && record->addresses_count == 1;
	if (!follows) {
		if (getrandom(&mac, sizeof(mac), 0) < 0)
			return fail_errno(err, "making up a MAC address");
		mac.bytes[0] = 0x0a; /* locally administered, of one station */
	}
	record->mac = str_dup(netlink_mac_text(mac).text);
	return 0;
}

static void queue_vlans(struct netlink *host, const struct network *network, int index)
{
	const struct netlink_vlan own = { .first = (uint16_t)network->vlan,
		.last = (uint16_t)network->vlan,
		.untagged = true };

	if (network->vlan)
		netlink_add_vlan(host, index, &own);
	for (size_t i = 0; i < network->vlan_trunk_count; i++) {
		const struct netlink_vlan vlan = {
			.first = (uint16_t)network->vlan_trunk[i].first,
			.last = (uint16_t)network->vlan_trunk[i].last
		};

		netlink_add_vlan(host, index, &vlan);
	}
}

/* A port's switches, where another than the kernel's is wanted. With br_netfilter a
 * container's packet to its own published port turns round in the bridge. */
static int set_port(struct attach *attach, struct netlink *host, struct error *err)
{
	const struct network *network = &attach->record.network;
	const struct netlink_port port = { .hairpin = network->hairpin ||
						      attach->record.publish_count > 0,
		.isolated = network->isolated_ports };
	struct netlink_link link;

	if (!port.hairpin && !port.isolated && !network->vlan &&
		!network->vlan_trunk_count)
		return 0;
	if (netlink_get_link(host, attach->record.link, &link, err) < 0)
		return -1;
	if (port.hairpin || port.isolated)
		netlink_set_port(host, link.index, &port);
	queue_vlans(host, network, link.index);
	return netlink_commit(host, err);
}

/* The host's own 127.0.0.1:PORT leads to the container too; firewall.c guards the way
 * back. */
static int open_loopback(const struct attachment *record, struct error *err)
{
	if (record->publish_count == 0 || record->network.keep_sources)
		return 0;
	return sysctl_set_interface(
		"ipv4", record->network.interface, "route_localnet", "1", err);
}

/* IPv6 has no such switch. An answer that was translated back to ::1 is taken in where a
 * route of its interface says so; the wire brings none, for the kernel looks at packets for
 * ::1 before it translates any. Where br_netfilter translates for it on the bridge already,
 * that look comes too late, and [::1]:PORT is not to be had. */
static int open_loopback6(struct attach *attach, struct netlink *host, struct error *err)
{
	const struct netlink_route route = {
		.destination = { .family = AF_INET6,
			.bytes = { [15] = 1 },
			.prefix = 128 },
		.index = attach->bridge.index,
		.has_priority = true,
		.priority = 4096, /* after lo's own */
		.local = true,
	};

	if (attach->record.publish_count == 0 || attach->record.network.keep_sources ||
		!bridge_has_family(attach->ranges, attach->ranges_count, AF_INET6))
		return 0;
	netlink_tolerate(host, EEXIST);
	netlink_add_route(host, &route);
	return netlink_commit(host, err);
}

int veth_create(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_veth veth = {
		.name = record->link,
		.peer_name = record->interface,
		.peer_netns_fd = attach->netns_fd,
		.has_mac = true,
		/* Another program may want to speak through it, to ask for an address;
		 * otherwise inside.c brings it up. */
		.up = attach->ipam_take,
	};
	struct netlink *host;

	if (record->chained)
		return open_loopback(record, err);
	if (attach_host(attach, &host, err) < 0 ||
		bridge_ensure(host, &record->network, attach->ranges,
			attach->ranges_count, &attach->bridge, err) < 0 ||
		netlink_mac_parse(record->mac, &veth.peer_mac, err) < 0)
		return -1;
	if (open_loopback(record, err) < 0 || open_loopback6(attach, host, err) < 0 ||
		(!attach->mac_follows &&
			bridge_break_macs(host, &attach->bridge, err) < 0))
		return -1;
	record->mtu = record->network.mtu ? record->network.mtu : attach->bridge.mtu;
	veth.master = attach->bridge.index;
	veth.mtu = record->mtu;
	netlink_add_veth(host, &veth);
	if (netlink_commit(host, err) < 0) {
		if (err->errnum == EEXIST)
			return fail_hint(err, "does the container have an interface %s?",
				record->interface);
		return -1;
	}
	if (sysctl_set_interface("ipv6", record->link, "disable_ipv6", "1", err) < 0)
		return -1;
	return set_port(attach, host, err);
}

/* Its port of the bridge lets nothing through any more, without the wait that taking the
 * interface down is. A bridge that runs STP decides on its ports itself. */
int veth_silence(struct attach *attach, struct error *err)
{
	const struct netlink_change down = { .clear = IFF_UP };
	struct netlink_link link;
	struct netlink *host;

	if (!attach->record.link || attach->record.chained)
		return 0;
	if (attach_host(attach, &host, err) < 0)
		return -1;
	if (netlink_get_link(host, attach->record.link, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	if (link.master) {
		netlink_disable_port(host, link.index);
		if (netlink_commit(host, err) == 0)
			return 0;
	}
	netlink_tolerate(host, ENODEV);
	netlink_change_link(host, link.index, &down);
	return netlink_commit(host, err);
}

/* Most of DEL's time: the kernel waits until it has freed all that it was to free later, 20
 * of 23 ms. So it does for each end that moves to another namespace, which makes a namespace
 * to be thrown away no way round. */
int veth_delete(struct attach *attach, struct error *err)
{
	struct netlink *host;

	if (!attach->record.link || attach->record.chained)
		return 0;
	if (attach_host(attach, &host, err) < 0)
		return -1;
	netlink_tolerate(host, ENODEV); /* it goes with the container's namespace */
	netlink_delete_link(host, attach->record.link);
	return netlink_commit(host, err);
}
