/* Names of systemd's units, from linux.cgroupsPath as "SLICE:PREFIX:NAME". */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

/* Absent parts have defaults: system.slice (user.slice for a user's manager), "mocker",
 * the id. The unit is PREFIX-NAME.scope, or NAME itself if it is a slice. Both results
 * are owned by the caller. */
int systemd_names(const char *cgroups_path, const char *id, bool user, char **ret_slice,
	char **ret_unit, struct error *err) must_check;

/* Where a slice is in the tree: "a-b.slice" is "/a.slice/a-b.slice", "-.slice" is "/".
 * Owned by the caller. */
int systemd_slice_path(const char *slice, char **ret, struct error *err) must_check;
