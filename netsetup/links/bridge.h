/* The bridge of a network: made on first use, mended where it lacks something. */
#pragma once

#include "netsetup/addresses/pool.h"
#include "netsetup/netlink/netlink.h"
#include "netsetup/network.h"

/* Makes the bridge unless it is there, gives it the gateways' addresses, switches the
 * host's forwarding on where the network has a gateway (and says so). Nothing of it is
 * undone: other containers may use it already. */
int bridge_ensure(struct netlink *host, const struct network *network,
	const struct pool_range *ranges, size_t count, struct netlink_link *ret,
	struct error *err) must_check;

/* The interface that has the gateways' addresses: the bridge, or one on it that speaks the
 * network's VLAN, mocker0.42, cut to the length of a name. */
struct bridge_carrier {
	char name[IFNAMSIZ];
};
struct bridge_carrier bridge_carrier(const struct network *network);

/* Whether the network gives out addresses of this family. */
bool bridge_has_family(const struct pool_range *ranges, size_t count, int family);

/* Removes the bridge with the VLAN interfaces on it; none is success. */
int bridge_delete(struct netlink *host, const struct network *network,
	struct error *err) must_check;

/* Whether every MAC address on it follows from an IPv4 address, so that whoever has one
 * again has the MAC address that its neighbours remember. */
bool bridge_macs_follow(const struct netlink_link *bridge);
/* From now on not: before somebody with another comes. */
int bridge_break_macs(
	struct netlink *host, struct netlink_link *bridge, struct error *err) must_check;
