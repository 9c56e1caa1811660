/* The system calls themselves, and mount(2) in place of mount_setattr(2). */
#include "runtime/rootfs/mount_api.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"

/* Numbers that are the same on every architecture; older C headers lack them. */
#ifndef SYS_open_tree
#define SYS_open_tree  428
#define SYS_move_mount 429
#define SYS_fsopen     430
#define SYS_fsconfig   431
#define SYS_fsmount    432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define DETACH 2 /* MNT_DETACH of umount2(2), which is only in <sys/mount.h> */

/* struct mount_attr, which kernel headers before 5.12 lack. */
struct attributes {
	uint64_t set;
	uint64_t clear;
	uint64_t propagation;
	uint64_t userns_fd;
};

static const struct {
	uint64_t attribute;
	unsigned long flag;
} flag_of_attribute[] = {
	{ MOUNT_ATTR_RDONLY, MS_RDONLY },
	{ MOUNT_ATTR_NOSUID, MS_NOSUID },
	{ MOUNT_ATTR_NODEV, MS_NODEV },
	{ MOUNT_ATTR_NOEXEC, MS_NOEXEC },
	{ MOUNT_ATTR_NOATIME, MS_NOATIME },
	{ MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
	{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },
	{ MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
};

bool mnt_is_missing(int errnum)
{
	return errnum == ENOSYS || errnum == EPERM;
}

int mnt_open_tree(int dir_fd, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, dir_fd, path, flags | OPEN_TREE_CLOEXEC);
}

int mnt_clone(int fd)
{
	return mnt_open_tree(fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
}

int mnt_move(int from_fd, int to_fd)
{
	return (int)syscall(SYS_move_mount, from_fd, "", to_fd, "",
		MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mnt_change(int fd, const struct mnt_change *change)
{
	struct attributes attributes = {
		.set = change->set,
		.clear = change->clear,
		.propagation = change->propagation,
	};

	if (change->set & MOUNT_ATTR_IDMAP)
		attributes.userns_fd = (uint64_t)change->userns_fd;
	return (int)syscall(SYS_mount_setattr, fd, "",
		AT_EMPTY_PATH | (change->recursive ? AT_RECURSIVE : 0), &attributes,
		sizeof(attributes));
}

int mnt_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

int mnt_fsconfig(
	int fs_fd, unsigned command, const char *key, const void *value, int number)
{
	return (int)syscall(SYS_fsconfig, fs_fd, command, key, value, number);
}

int mnt_fsmount(int fs_fd, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attributes);
}

int mnt_mount(const char *source, int target_fd, const char *type, unsigned long flags,
	const char *data)
{
	return mnt_mount_path(source, fd_path(target_fd).text, type, flags, data);
}

int mnt_mount_path(const char *source, const char *target, const char *type,
	unsigned long flags, const char *data)
{
	return (int)syscall(SYS_mount, source, target, type, flags, data);
}

int mnt_detach(const char *path)
{
	return (int)syscall(SYS_umount2, path, DETACH);
}

int mnt_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

unsigned long mnt_flags_of_attributes(uint64_t attributes)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flag_of_attribute); i++) {
		if (attributes & flag_of_attribute[i].attribute)
			flags |= flag_of_attribute[i].flag;
	}
	return flags;
}

/* ST_* of statfs(2) are the MS_* of the same names, but for the access times: there is no
 * ST_STRICTATIME, and MS_RELATIME has another number. */
static unsigned long present_flags(const struct statfs *fs)
{
	unsigned long present = (unsigned long)fs->f_flags;
	unsigned long flags = present & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC |
						MS_NOATIME | MS_NODIRATIME);

	if (present & 0x1000) /* ST_RELATIME */
		flags |= MS_RELATIME;
	if (present & 0x2000) /* ST_NOSYMFOLLOW */
		flags |= MS_NOSYMFOLLOW;
	if (!(flags & (MS_RELATIME | MS_NOATIME)))
		flags |= MS_STRICTATIME;
	return flags;
}

int mnt_remount(int fd, uint64_t set, uint64_t clear)
{
	struct statfs fs;
	unsigned long flags;

	if (fstatfs(fd, &fs) < 0)
		return -1;
	flags = present_flags(&fs);
	if (clear & MOUNT_ATTR__ATIME) {
		flags &= ~(unsigned long)(MS_RELATIME | MS_NOATIME | MS_STRICTATIME);
		if (!(set & MOUNT_ATTR__ATIME))
			flags |= MS_RELATIME;
	}
	flags &= ~mnt_flags_of_attributes(clear);
	flags |= mnt_flags_of_attributes(set);
	return mnt_mount(NULL, fd, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
}
