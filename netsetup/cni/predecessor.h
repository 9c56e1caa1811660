/*
 * A configuration whose "type" was another plugin's until a moment ago: its containers live
 * on, with addresses that host-local gave them, and are detached by us.
 */
#pragma once

#include "netsetup/cni/call.h"

/* The directory of host-local's leases of this network, in which addresses are names of
 * files; NULL: there is none. Owned by the caller. */
char *predecessor_leases(const struct cni_call *call);

/* The interface of a container that we have no record of, its rules in iptables and its
 * leases there; nothing of them is success. */
int predecessor_remove(const struct cni_call *call, struct error *err) must_check;

/* predecessor_rules.c: the rules alone, those of the firewall plugin by the container's
 * addresses, and the device that limits its bandwidth. NULL: only what its ports have. */
int predecessor_remove_rules(const struct cni_call *call, const struct strings *addresses,
	struct error *err) must_check;
