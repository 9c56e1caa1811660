/*
 * The sources of bind mounts, the id mappings of any mount, and file systems that show a
 * namespace: what the creator's privileges open before init exists, and what init opens
 * for itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/rootfs/mount_plan.h"

struct oci_config;

struct source_request {
	const struct oci_config *config;
	bool user_namespace; /* init will not be who we are */
	bool shared; /* rootfsPropagation lets mounts stay shared with the creator */
};

/* Parent: opens the sources that init could not open, or not in this form: all binds of a
 * container with a user namespace, id-mapped ones, and those that stay shared. A creator
 * without the privilege for it leaves them to init. */
int sources_open(struct mount_plan *plans, size_t count,
	const struct source_request *request, struct error *err) must_check;

/* Where the container's joined namespaces are entered, but its user namespace is not yet:
 * makes what shows one of the joined (mount_plan_view), which init will have no right to.
 * What cannot be made here is left to init as well. */
void sources_open_views(
	struct mount_plan *plans, size_t count, const struct oci_config *config);

/* Whether the mount is to be one with the creator's, in a root that allows it. */
bool source_asks_to_be_shared(const struct mount_plan *plan);

/* A detached copy of the source. Fails with ENOSYS where only mount(2) can do it. */
int source_open_tree(
	const struct mount_plan *plan, int *ret_fd, struct error *err) must_check;

/* The source itself (O_PATH), for mount(2). */
int source_open(const struct mount_plan *plan, int *ret_fd, struct error *err) must_check;
