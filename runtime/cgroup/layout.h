/* Where this machine's cgroup hierarchies are mounted, and where in them we are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#define CGROUP_UNIFIED "unified" /* what we call version 2's hierarchy */

struct cgroup_mount {
	char *hierarchy; /* CGROUP_UNIFIED, or "cpu,cpuacct", "name=systemd" */
	char *path;      /* of the mount point */
	char *own;       /* our own cgroup: "/" or "/user.slice/..." */
};

struct cgroup_layout {
	struct cgroup_mount *mounts; /* version 1's first, version 2's last */
	size_t count;
	bool only_unified;          /* version 2 alone, at the usual place */
	struct strings controllers; /* that version 2's root offers */
};

#define auto_cgroup_layout \
	__attribute__((cleanup(cgroup_layout_free))) struct cgroup_layout

void cgroup_layout_free(struct cgroup_layout *layout);

/* root NULL: this machine; else a directory that stands for "/", whose file systems are
 * not asked what they are. Hierarchies that are not mounted are left out. */
int cgroup_layout_read(
	const char *root, struct cgroup_layout *ret, struct error *err) must_check;

/* Our own cgroup as a path below the mount point: "/" where the mount shows only a part
 * of the hierarchy, as inside a container. Owned by the caller. */
char *cgroup_layout_own(const struct cgroup_mount *mount);

/* Whether a hierarchy, as /proc/self/cgroup names it, has the controller. */
bool cgroup_hierarchy_has(const char *hierarchy, const char *controller);
