/* What copies of trees share: tree.c, tree_changes.c. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/descent.h"
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
	struct descent descent;
	struct str path; /* beneath the target, of the current directory: "a/b/" */
};

void copier_free(struct copier *copier);

#define auto_copier __attribute__((cleanup(copier_free))) struct copier

/* The directory that is worked in becomes "NAME/" in it, that of the source is opened; what
 * path.length was before goes back to copier_leave(). */
int copier_enter(struct copier *copier, int from_fd, const char *name, int *ret_fd,
	size_t *ret_length, struct error *err) must_check;
void copier_leave(struct copier *copier, size_t length);

/* A directory of the target, which is as deep as the source; that is counted. */
int tree_open_below(int fd, const char *name, int *ret_fd, struct error *err) must_check;

/* One entry that is no directory, by its content or as one more link. */
int copier_add(struct copier *copier, int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err) must_check;

/* Owner, mode, attributes and times of from_fd/name. */
int tree_copy_attributes(int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err) must_check;
