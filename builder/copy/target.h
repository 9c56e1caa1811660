/*
 * The side that COPY writes to: one file, directory or link at a time, beneath the stage's
 * root, with the owner, mode and time that are due to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/copy/mode.h"
#include "builder/copy/owner.h"

struct copy_target {
	int root_fd;
	int upper_fd;   /* as in struct copy_destination */
	bool has_owner; /* --chown */
	struct owner owner;
	bool keep_owner; /* without --chown: as the source has it; else 0:0 */
	bool has_mode;   /* --chmod */
	struct mode_change mode;
	int64_t epoch; /* later times become this; -1: none */
};

/* Opens the directory for what will be made in it; missing ones are made. ret_made says
 * whether it is new. */
int target_open_directory(const struct copy_target *target, const char *path, int *ret_fd,
	bool *ret_made, struct error *err) must_check;
/* Whether it is a directory, or a link to one. */
bool target_is_directory(const struct copy_target *target, const char *path);
/* Where a file of that name is: a link there is followed, beneath the root, to what it
 * names, there or not. Owned by the caller. */
int target_follow(const struct copy_target *target, const char *path, char **ret,
	struct error *err) must_check;

/* One directory in another: made, or, if it is there already, opened, through a link to a
 * directory too. `path`: the whole path beneath the root. */
int target_make_directory(const struct copy_target *target, int parent_fd,
	const char *path, int *ret_fd, bool *ret_made, struct error *err) must_check;

/* All of these replace a file of the name, never a directory. */
int target_make_file(const struct copy_target *target, int parent_fd, const char *path,
	const struct stat *st, int *ret_fd, struct error *err) must_check;
int target_make_link(const struct copy_target *target, int parent_fd, const char *path,
	const struct stat *st, const char *text, struct error *err) must_check;
int target_make_node(const struct copy_target *target, int parent_fd, const char *path,
	const struct stat *st, struct error *err) must_check;
/* `existing`: a path beneath the root; false if it cannot be linked to. */
bool target_make_hardlink(const struct copy_target *target, int parent_fd,
	const char *path, const char *existing);

/* Owner, mode, time, attributes (of source_fd, if not -1) of what was filled. */
int target_finish(const struct copy_target *target, int fd, const char *path,
	const struct stat *st, int source_fd, struct error *err) must_check;
