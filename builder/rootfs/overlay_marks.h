/*
 * The marks of overlayfs in an upper directory. A whiteout is a 0/0 character device, which
 * every user namespace can make since Linux 5.8; where it cannot, nor on an overlay, where
 * nothing is stacked but by copies, it is an empty file with user.overlay.whiteout, as
 * overlayfs itself knows it since 6.8. That a directory is opaque is said by an
 * extended attribute: trusted.overlay.opaque where the overlay belongs to the machine's
 * root, user.overlay.opaque (and the mount option userxattr) in a user namespace, from
 * where trusted.* cannot be written.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* As the system calls: 0, or -1 with errno. */
int overlay_make_whiteout(int dir_fd, const char *name);
int overlay_mark_opaque(int fd);

/* `stat` is of dir_fd/name. */
bool overlay_is_whiteout(int dir_fd, const char *name, const struct stat *stat);
bool overlay_is_opaque(int fd);

/* Whether an attribute is overlayfs's own, of either kind: none of them is content. */
bool overlay_is_mark(const char *attribute);

/* What an overlay that is mounted here needs among its options, or NULL. */
const char *overlay_marks_option(void);
