/*
 * The mount option "idmap=uids=0-1000-10#10-5000-1;gids=0-1000-10", which podman's volumes
 * may have and crun knows: id mappings of the mount's own, in one word. Each range is the
 * first id in the file system, the id that it becomes on the host, and how many. Behind an
 * "@" the second is an id inside the container.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "spec/linux.h"

struct idmap_option {
	struct oci_id_mapping *uids;
	size_t uids_count;
	struct oci_id_mapping *gids;
	size_t gids_count;
};

/* What follows "idmap=". `chapter` is for "@". Freed by the caller. */
int idmap_option_parse(const char *text, const struct oci_linux *chapter,
	struct idmap_option *ret, struct error *err) must_check;
void idmap_option_free(struct idmap_option *option);
