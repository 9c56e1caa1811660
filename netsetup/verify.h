/* Whether an attachment is still as it was made. */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/netlink/netlink.h"

/* Fails with what is damaged first: namespace, leases, the name server, host's end, bridge
 * and its addresses, limits, the interface inside, its state, MAC address, addresses, MTU,
 * routes. An MTU of 0 in the record is any. users: as of attachment_alive(). */
int verify_attachment(const struct places *places, const struct attachment *record,
	struct netns_users *users, struct error *err) must_check;

/* Whether the interface has the address, with that prefix. */
int verify_address(struct netlink *inside, const char *text,
	const struct netlink_link *link, struct error *err) must_check;
