/*
 * linux.netDevices: interfaces of the creator's network that move into the container's,
 * with their addresses.
 *
 *	parent                                init
 *	net_devices_plan   before clone:
 *	                   indexes, addresses
 *	net_devices_move   after clone
 *	                                      net_devices_configure  addresses, up
 *	net_devices_return if the create fails
 *
 * Once there is a container nothing is undone by hand: when the namespace goes, the kernel
 * gives hardware back to the first network and removes what is virtual, as the
 * specification has it. A create that fails, however, must not cost the host a device.
 * Source: OCI runtime-spec 1.3.0, config-linux.md: Network Devices; rtnetlink(7).
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_config;
struct net_device;

struct net_devices {
	struct net_device *items; /* owned */
	size_t count;
	size_t moved; /* the first so many are in the container */
	int netns;    /* where that is; keeps them alive for net_devices_return(); -1 */
};

#define NET_DEVICES_NONE     \
	{                    \
		.netns = -1, \
	}

void net_devices_free(struct net_devices *devices);

int net_devices_plan(const struct oci_config *config, struct net_devices *ret,
	struct error *err) must_check;
/* Into the network to be joined, by its descriptor, for init may not be there yet; -1: into
 * that which init was born in. */
int net_devices_move(
	struct net_devices *devices, int joined, pid_t pid, struct error *err) must_check;
int net_devices_configure(
	const struct net_devices *devices, struct error *err) must_check;

/* Gives back to the caller's network what has moved, under its old name, with its addresses,
 * up if it was. All are tried; the error is that of the first that fails. */
int net_devices_return(struct net_devices *devices, struct error *err) must_check;
/* The container has them now; does nothing where there are none. */
void net_devices_settle(struct net_devices *devices);
