/*
 * Devices for a container in a user namespace, where nobody may make any: a creator who may
 * makes them, with the owner and the mode that config.json says, on a tmpfs that is mounted
 * nowhere. Init, in its own mount namespace, takes a mount of each from there.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct oci_config;

/* *ret is the tmpfs, whose file N is /linux/devices/N; -1 where the creator may make none,
 * or does not know the user namespace's mappings. */
int device_tree_make(
	const struct oci_config *config, int *ret, struct error *err) must_check;

/* Detached mounts, one for each of `count` devices, to be closed by the caller. /dev is
 * covered meanwhile. The tmpfs can be taken apart once. */
int device_tree_split(int tree_fd, int dev_fd, size_t count, int *ret_fds,
	struct error *err) must_check;
