/*
 * A tree of files copied as it is: contents (reflinked where the file system can), owners,
 * modes, times, extended attributes, hard links, devices. Links are copied, never
 * followed.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/userns.h"

/* What from_fd holds into the existing, empty directory to_fd, which also gets the
 * attributes of from_fd. `name` is for errors. */
int tree_copy(int from_fd, int to_fd, const char *name, struct error *err) must_check;

/* The same for a user namespace: the owners in it are those of the original. */
int tree_copy_mapped(int from_fd, int to_fd, const char *name,
	const struct userns_maps *maps, struct error *err) must_check;

/* The same of a layer, the upper directory of an overlay, onto the files of those below it:
 * what its marks say is gone goes. */
int tree_copy_layer(
	int from_fd, int to_fd, const char *name, struct error *err) must_check;

/* What changes in a tree, by inode and time of change: remembered before, and written
 * after into an empty directory as overlayfs would have left it, marks and all. */
struct tree_listing;
int tree_remember(int fd, const char *name, struct tree_listing **ret,
	struct error *err) must_check;
int tree_write_changes(const struct tree_listing *before, int fd, int upper_fd,
	const char *name, struct error *err) must_check;
void tree_listing_free(struct tree_listing *listing); /* NULL allowed */
void tree_listing_cleanup(struct tree_listing **listing);

#define auto_tree_listing \
	__attribute__((cleanup(tree_listing_cleanup))) struct tree_listing *
