/*
 * User namespaces that only hold a mapping of ids, for id-mapped mounts: made by a child
 * that does nothing else, and kept as a descriptor. For the creator, with its privileges.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "spec/mounts.h"

struct id_mappings {
	const struct oci_id_mapping *uids;
	size_t uids_count;
	const struct oci_id_mapping *gids;
	size_t gids_count;
};

int idmap_mount_userns(
	const struct id_mappings *mappings, int *ret_fd, struct error *err) must_check;

/* Maps a detached mount. `name` is for the error. */
int idmap_mount_apply(int tree_fd, int userns_fd, bool recursive, const char *name,
	struct error *err) must_check;
