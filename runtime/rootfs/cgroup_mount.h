/*
 * The container's view of its cgroups, mounted as the machine has them: one hierarchy
 * (version 2), or a directory with one for each group of controllers (version 1) and
 * perhaps "unified" beside them. In a cgroup namespace the file systems are mounted anew
 * and show the container's own directory as "/"; without one that directory is bound.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/rootfs/attach.h"
#include "runtime/rootfs/mount_plan.h"

/* For the types "cgroup" and "cgroup2". ret_fd: what is at the destination. Init must be
 * in the container's cgroups. `label`: SELinux context or NULL, for the tmpfs of version
 * 1; the hierarchies themselves are the machine's. */
struct cgroup_mount_options {
	bool cgroup_namespace;
	const char *label;
};
int cgroup_mount(const struct mount_plan *plan, const struct attach_place *place,
	struct cgroup_mount_options options, int *ret_fd, struct error *err) must_check;
