/* The routes that an attachment has in its container's namespace. */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/netlink/netlink.h"

/* Calls for each: the network's own in their order, then the default route of each family
 * that has a gateway. The index is the interface's. */
int routes_each(const struct attachment *record, int index,
	int (*each)(void *argument, const struct netlink_route *route, struct error *err),
	void *argument, struct error *err) must_check;
