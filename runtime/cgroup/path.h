/* Where in a hierarchy the container goes: the rules of linux.cgroupsPath. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

#define CGROUP_PARENT "mocker" /* where a container goes that names no path */

/* The path below the mount point, "/mocker/web". cgroups_path may be NULL. `own` is where
 * a relative one starts. Owned by the caller. */
int cgroup_path(const char *cgroups_path, const char *id, const char *own, char **ret,
	struct error *err) must_check;
