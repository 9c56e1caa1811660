/* The host's forwarding of packets, which a network with a gateway needs. */
#pragma once

#include "netsetup/addresses/pool.h"
#include "netsetup/netlink/netlink.h"
#include "netsetup/network.h"

/* Switches it on for the families of the ranges, and says so. It is not switched off again:
 * others may need it by then. */
int forwarding_ensure(struct netlink *host, const struct network *network,
	const struct pool_range *ranges, size_t count, struct error *err) must_check;
