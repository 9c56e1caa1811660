/*
 * File descriptors: whole reads and writes, bounded; atomic replacement of a file; locks;
 * copies. Every descriptor made here is O_CLOEXEC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/* All of it, through EINTR and short writes; -1 with errno set. */
int fd_write_all(int fd, const void *data, size_t length) must_check;

/* Reads to the end of file into a terminated buffer (owned by the caller); what is over
 * `limit` bytes, or is no regular file while `regular_only`, is an error that names
 * `name`. ret_length may be NULL. */
struct fd_read_options {
	size_t limit;
	bool regular_only; /* an image's /etc/passwd may be a FIFO or a device */
};
int fd_read_all(int fd, const char *name, struct fd_read_options options, char **ret,
	size_t *ret_length, struct error *err) must_check;

/* Opens as openat() does, links and ".." followed: for paths that no image controls. Reads
 * as above. */
int file_read_at(int dir_fd, const char *path, size_t limit, char **ret,
	size_t *ret_length, struct error *err) must_check;

/* One write() to an existing file of /proc, /sys or a cgroup; the error shows path and
 * value. */
int file_write_at(
	int dir_fd, const char *path, const char *value, struct error *err) must_check;

/* Writes beside and renames: readers see the old file or the new. Not synced to disk
 * unless `sync`. */
struct file_replace_options {
	mode_t mode;
	bool sync;
};
int file_replace_at(int dir_fd, const char *path, const void *data, size_t length,
	struct file_replace_options options, struct error *err) must_check;

/* flock() on an open file. `name` is for the error. With LOCK_NB in the operation, a lock
 * that another holds fails with errnum EWOULDBLOCK. */
int fd_lock(int fd, int operation, const char *name, struct error *err) must_check;

/* Copies to the end of `from`: reflink, then copy_file_range, then read and write.
 * Offsets of both must be 0. */
int fd_copy(int from, int to, const char *name, struct error *err) must_check;

/* Standard input, output and error that the caller closed become /dev/null: otherwise the
 * next file that is opened is taken for one of them. Before anything is opened. */
void fd_fill_standard(void);

/* Marks every descriptor from `first` close-on-exec (close_range, or /proc/self/fd where
 * the kernel has none). */
int fd_cloexec_from(int first, struct error *err) must_check;

/* Closes every descriptor from `first` but these, of which negative ones are none. */
void fd_close_but(int first, const int *kept, size_t count);

/* "/proc/self/fd/N", in a buffer of its own by value. */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);
