/*
 * Mounts of a container that lives: added to its mount namespace, or taken away there.
 *
 *	parent                        a child                        its child
 *	live_mounts_read: plans,
 *	sources opened
 *	clone
 *	                              the pid and other namespaces
 *	                              clone
 *	                                                             user and mount namespace
 *	                                                             all mounts, or none
 *	                                                             STAGE_READY
 *	(on failure: both again,
 *	to undo what was noted in
 *	memory that all share)
 *
 * Sources are opened by the caller, outside; destinations are looked up beneath the
 * container's root, as at create. No name is looked up with the caller's rights in a tree
 * that the container controls.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/container.h"
#include "runtime/rootfs/mount_plan.h"

struct live_mounts {
	const struct container *container; /* borrowed; locked */
	struct oci_config config;          /* the container's, with these mounts */
	struct mount_plan *plans;
	size_t count;
};

#define auto_live_mounts __attribute__((cleanup(live_mounts_free))) struct live_mounts
void live_mounts_free(struct live_mounts *mounts);

/* The file has the "mounts" of config.json: that object, or the array alone. */
struct live_mounts_request {
	const char *file; /* "-" is standard input */
	bool strict;      /* unknown members are errors */
	bool places;      /* only where they are counts: to be removed */
};
int live_mounts_read(const struct container *container,
	const struct live_mounts_request *request, struct live_mounts *ret,
	struct error *err) must_check;

/* All of them or none: what was mounted or made before a failure is taken away again. */
int live_mounts_add(struct live_mounts *mounts, struct error *err) must_check;

/* Only the destinations count. Nothing is unmounted unless all can be. */
int live_mounts_remove(struct live_mounts *mounts, struct error *err) must_check;
