/*
 * A configuration whose "type" was another plugin's until a moment ago: its containers live
 * on, with addresses that host-local gave them, and are detached by us.
 */
#pragma once

#include "netsetup/cni/call.h"

/* The directory of host-local's leases of this network, in which addresses are names of
 * files; NULL: there is none. Owned by the caller. */
char *predecessor_leases(const struct cni_call *call);

/* The interface of a container that we have no record of, and its leases there; nothing of
 * either is success. What it has in iptables stays. */
int predecessor_remove(const struct cni_call *call, struct error *err) must_check;
