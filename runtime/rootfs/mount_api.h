/*
 * The kernel's calls on mounts, thin: each returns 0 or a descriptor, or -1 with errno.
 * ENOSYS is for the caller, who knows what stands in for it. The calls that work on
 * descriptors came with Linux 5.2, mount_setattr() with 5.12; some C libraries lack them,
 * and <sys/mount.h> quarrels with <linux/mount.h>: use this header instead of both.
 */
#pragma once

#include <linux/mount.h>
#include <stdbool.h>
#include <stdint.h>

/* Flags of open_tree(2) that <fcntl.h> has only for the C library's own names. */
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

/* What mount_setattr(2) changes. */
struct mnt_change {
	uint64_t set;   /* MOUNT_ATTR_* */
	uint64_t clear; /* MOUNT_ATTR_*; the whole of _ATIME to change access times */
	uint64_t propagation; /* MS_SHARED, MS_SLAVE ...; 0: as it is */
	int userns_fd;        /* with MOUNT_ATTR_IDMAP in `set` */
	bool recursive;
};

/* Whether this errno says that a call is not there. Old seccomp profiles of container
 * managers say EPERM for what they do not know: mount(2) then shows what is true. */
bool mnt_is_missing(int errnum);

/* OPEN_TREE_CLONE and AT_* flags; OPEN_TREE_CLOEXEC is added. */
int mnt_open_tree(int dir_fd, const char *path, unsigned flags);
/* A second mount of what `fd` has: a detached copy of it alone. */
int mnt_clone(int fd);
/* Attaches a detached mount, or moves an attached one. */
int mnt_move(int from_fd, int to_fd);
int mnt_change(int fd, const struct mnt_change *change);

int mnt_fsopen(const char *type);
int mnt_fsconfig(
	int fs_fd, unsigned command, const char *key, const void *value, int number);
int mnt_fsmount(int fs_fd, unsigned attributes);

/* mount(2); the target is a descriptor: by /proc/self/fd, of whatever /proc is here. */
int mnt_mount(const char *source, int target_fd, const char *type, unsigned long flags,
	const char *data);
int mnt_mount_path(const char *source, const char *target, const char *type,
	unsigned long flags, const char *data);
int mnt_detach(const char *path); /* umount2 with MNT_DETACH */
int mnt_pivot_root(const char *new_root, const char *put_old);

/* The MS_* flags of MOUNT_ATTR_* bits. */
unsigned long mnt_flags_of_attributes(uint64_t attributes);

/* What mnt_change() does to attributes of one attached mount, by mount(2): keeps the
 * flags that stand, as those that a user namespace locks must be. */
int mnt_remount(int fd, uint64_t set, uint64_t clear);
