/*
 * The steps of an attachment, in their order in attach.c. Each is called with the record
 * as far as the steps before it made it; an undo knows only the record and takes "it is
 * not there" as success.
 */
#pragma once

#include "netsetup/attach.h"

/* addresses.c: of the network's pool; first of all, which set each wanted one is of */
int addresses_plan(struct attach *attach, struct error *err) must_check;
int addresses_take(struct attach *attach, struct error *err) must_check;
int addresses_release(struct attach *attach, struct error *err) must_check;

/* or of another program, once there is an interface; then the bridge's and the rules */
int delegated_take(struct attach *attach, struct error *err) must_check;
int delegated_release(struct attach *attach, struct error *err) must_check;

/* rules.c: the host's ports, then the firewall, then firewalld */
int ports_take(struct attach *attach, struct error *err) must_check;
int ports_release(struct attach *attach, struct error *err) must_check;
/* While it is not held, reload may restore what the records say; until record or attachment
 * are gone. */
int rules_hold(struct attach *attach, struct error *err) must_check;
int rules_add(struct attach *attach, struct error *err) must_check;
int rules_remove(struct attach *attach, struct error *err) must_check;

int zone_join(struct attach *attach, struct error *err) must_check;
int zone_leave(struct attach *attach, struct error *err) must_check;

/* device.c: a device of the host, which comes back */
int device_move(struct attach *attach, struct error *err) must_check;
int device_return(struct attach *attach, struct error *err) must_check;

/* veth.c: the pair, its host's end in the bridge; macvlan and ipvlan in upper.c */
int mac_choose(struct attach *attach, struct error *err) must_check;
int veth_create(struct attach *attach, struct error *err) must_check;
int veth_silence(struct attach *attach, struct error *err) must_check;
int veth_delete(struct attach *attach, struct error *err) must_check;

/* limits.c: bandwidth */
int limits_set(struct attach *attach, struct error *err) must_check;
int limits_remove(struct attach *attach, struct error *err) must_check;

/* Whether the limits of the record are there. */
int limits_check(const struct attachment *record, struct netlink *host,
	struct error *err) must_check;

/* inside.c: switches, addresses and routes in the container's namespace; of a chained one's
 * interface only what was changed is taken back */
int inside_configure(struct attach *attach, struct error *err) must_check;
int inside_restore(struct attach *attach, struct error *err) must_check;
