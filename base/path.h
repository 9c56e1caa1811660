/*
 * Paths: names beneath a root that an untrusted image controls, and plain text work.
 *
 * The _in_root functions resolve as if `root` were "/": absolute symbolic links and ".."
 * stay inside. They use openat2(RESOLVE_IN_ROOT); where the kernel has none, they walk
 * component by component with O_NOFOLLOW, resolving links by hand. A path that another
 * process exchanges meanwhile can lead elsewhere inside the root, never outside.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* open(2) inside the root. flags gain O_CLOEXEC; O_NOFOLLOW concerns the last component.
 * mode counts with O_CREAT. */
int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode, int *ret_fd,
	struct error *err) must_check;

/* The same without the error's words: returns the descriptor or -1 with errno. For
 * callers to whom ENOENT is an answer. */
int path_try_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/* The same, and whether the text of the path alone says where it leads: true only if no
 * symbolic link was met. False where the kernel does not tell. */
int path_try_open_unlinked_in_root(
	int root_fd, const char *path, int flags, bool *ret_unlinked);

/* mkdir -p inside the root; opens the last directory (O_PATH). What exists stays as it
 * is; new directories get `mode` and the owner (uid, gid) unless that is (uid_t)-1. */
struct path_mkdir_options {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	/* For each that was made; -1 with errno ends it. NULL: nothing. */
	int (*made)(void *argument, const char *path, int fd);
	void *argument;
};
int path_mkdirs_in_root(int root_fd, const char *path, struct path_mkdir_options options,
	int *ret_fd, struct error *err) must_check;

/* mkdir -p in plain text, for directories of ours that no image controls. */
int path_mkdirs(const char *path, mode_t mode, struct error *err) must_check;

/* Lexical: "/a/./b//../c" is "/a/c"; ".." does not pass "/". Owned by the caller. */
char *path_clean(const char *path);
char *path_join(const char *directory, const char *name); /* one "/" between */
const char *path_base(const char *path);                  /* after the last "/" */
char *path_parent(const char *path);                      /* "/" of "/a", "." of "a" */

/* Removes the tree at dir_fd/name without crossing mounts or following links; a name that
 * does not exist is success. */
int path_remove_tree(int dir_fd, const char *name, struct error *err) must_check;
/* What is in the open directory, which may be a mount point; name is for messages. */
int path_remove_children(int dir_fd, const char *name, struct error *err) must_check;

/* What is in an open directory, from its start whatever was read of it before; name is for
 * messages. A list that breaks off is an error. */
int path_names(int dir_fd, const char *name, struct strings *ret, struct error *err)
	must_check; /* sorted, without "." and ".."; owned by the caller */
int path_is_empty(int dir_fd, const char *name, bool *ret, struct error *err) must_check;
/* The same, an entry at a time. NULL with errno where it cannot be opened. */
DIR *path_list(int dir_fd);
/* Without "." and "..". NULL: errno is 0 at the end, else the list breaks off. */
struct dirent *path_next(DIR *dir);
bool path_is_dots(const char *name);

/* Where PATH has the program; owned by the caller. NULL: nowhere. */
char *path_of_program(const char *program);

/* The absolute path of a sibling executable: beside ours, else libexecdir, else PATH; an
 * environment variable (MOCKER_RUNTIME for "mocker-runtime") goes before all three. */
int path_of_sibling(const char *program, char **ret, struct error *err) must_check;
