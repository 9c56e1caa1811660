/* What copies of trees share: tree.c, tree_changes.c. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "base/userns.h"
#include "builder/rootfs/hardlinks.h"

struct copier {
	int target_fd;
	bool onto; /* a layer, with its whiteouts, onto what is there */
	const struct userns_maps *maps; /* of the copy's owners; NULL: they stay */
	struct hardlinks links;
	struct str path; /* beneath the target, of the current directory: "a/b/" */
};

void copier_free(struct copier *copier);

#define auto_copier __attribute__((cleanup(copier_free))) struct copier

/* The directory that is worked in becomes "NAME/" in it; path.length as it was before goes
 * back to copier_leave(). */
size_t copier_enter(struct copier *copier, const char *name);
void copier_leave(struct copier *copier, size_t length);

int tree_open_below(int fd, const char *name, int *ret_fd, struct error *err) must_check;

/* One entry that is no directory, by its content or as one more link. */
int copier_add(struct copier *copier, int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err) must_check;

/* Owner, mode, attributes and times of from_fd/name. */
int tree_copy_attributes(int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err) must_check;
