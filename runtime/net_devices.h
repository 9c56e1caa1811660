/*
 * linux.netDevices: interfaces of the creator's network that move into the container's,
 * with their addresses.
 *
 *	parent                                init
 *	net_devices_plan   before clone:
 *	                   indexes, addresses
 *	net_devices_move   after clone
 *	                                      net_devices_configure  addresses, up
 *
 * Nothing is undone by hand: when the namespace goes, the kernel gives hardware back to the
 * first network and removes what is virtual, as the specification has it.
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
};

void net_devices_free(struct net_devices *devices);

int net_devices_plan(const struct oci_config *config, struct net_devices *ret,
	struct error *err) must_check;
int net_devices_move(
	const struct net_devices *devices, pid_t pid, struct error *err) must_check;
int net_devices_configure(
	const struct net_devices *devices, struct error *err) must_check;
