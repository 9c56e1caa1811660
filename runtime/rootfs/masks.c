/* Each path is opened in the root and covered by way of its descriptor. */
#include "runtime/rootfs/masks.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/rootfs/attach.h"
#include "runtime/rootfs/mount_api.h"

/* Something that covers: a mount to be copied. Before Linux 6.15 only what is attached
 * can be; so the first use attaches the mount itself, and the others copy it from there. */
struct cover {
	int fd;
	bool attached;
};

static int open_null(int *ret_fd, struct error *err)
{
	auto_fd fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, "the host's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return fail(err, "the host's /dev/null is not the null device");
	*ret_fd = take_fd(&fd);
	return 0;
}

static int make_empty_directory(const char *label, struct cover *ret, struct error *err)
{
	auto_fd fs_fd = mnt_fsopen("tmpfs");
	int fd;

	if (fs_fd < 0)
		return fail_errno(err, "tmpfs");
	if (mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", "tmpfs", 0) < 0 ||
		mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
		mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "nr_inodes", "2", 0) < 0 ||
		(label && mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "context", label, 0) <
				  0) ||
		mnt_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
		mnt_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_errno(err, "making an empty tmpfs");
	fd = mnt_fsmount(fs_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		return fail_errno(err, "mounting an empty tmpfs");
	*ret = (struct cover){ .fd = fd };
	return 0;
}

/* Moves the cover itself, or a copy of it. */
static int cover_path(struct cover *cover, int target_fd)
{
	auto_fd copy_fd = -1;

	if (!cover->attached) {
		if (mnt_move(cover->fd, target_fd) < 0)
			return -1;
		cover->attached = true;
		return 0;
	}
	copy_fd = mnt_clone(cover->fd);
	return copy_fd < 0 ? -1 : mnt_move(copy_fd, target_fd);
}

static int hide_directory(
	struct cover *empty, int target_fd, const char *label, struct error *err)
{
	auto_free char *data = NULL;

	if (empty->fd < 0 && make_empty_directory(label, empty, err) < 0 &&
		!mnt_is_missing(err->errnum))
		return -1;
	if (empty->fd >= 0 && cover_path(empty, target_fd) == 0)
		return 0;
	data = label ? str_format("mode=755,nr_inodes=2,context=\"%s\"", label)
		     : str_dup("mode=755,nr_inodes=2");
	if ((empty->fd >= 0 && !mnt_is_missing(errno)) ||
		mnt_mount("tmpfs", target_fd, "tmpfs",
			MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, data) < 0)
		return fail_errno(err, "covering it with an empty tmpfs");
	return 0;
}

/* The node is the host's own, and whoever is root inside may be its owner: by this mount
 * nobody changes its mode, owner or times. To write to a device is no write to its file
 * system. */
static int protect_node(int fd, struct error *err)
{
	if (attach_read_only(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err) < 0)
		return fail_while(err, "the mount of /dev/null");
	return 0;
}

static int hide_file_classic(
	int root_fd, const char *path, int target_fd, struct error *err)
{
	auto_fd device_fd = -1;
	auto_fd fd = -1;

	if (open_null(&device_fd, err) < 0)
		return -1;
	if (mnt_mount(fd_path(device_fd).text, target_fd, NULL, MS_BIND, NULL) < 0)
		return fail_errno(err, "covering it with /dev/null");
	if (path_open_in_root(root_fd, path, O_PATH, 0, &fd, err) < 0)
		return -1;
	return protect_node(fd, err);
}

static int hide_file(struct cover *null, int root_fd, const char *path, int target_fd,
	struct error *err)
{
	bool first = !null->attached;
	auto_fd device_fd = -1;

	if (null->fd < 0) {
		if (open_null(&device_fd, err) < 0)
			return -1;
		null->fd = mnt_clone(device_fd);
	}
	if (null->fd >= 0 && cover_path(null, target_fd) == 0)
		return first ? protect_node(null->fd, err) : 0; /* copies are as it is */
	if (!mnt_is_missing(errno))
		return fail_errno(err, "covering it with /dev/null");
	return hide_file_classic(root_fd, path, target_fd, err);
}

/* Where the kernel is older than the numbers of mounts, all of them are zero. */
static bool same_place(int a_fd, int b_fd)
{
	const unsigned wanted = STATX_INO | STATX_MNT_ID;
	struct statx a = { 0 }, b = { 0 };

	return statx(a_fd, "", AT_EMPTY_PATH, wanted, &a) == 0 &&
	       statx(b_fd, "", AT_EMPTY_PATH, wanted, &b) == 0 &&
	       a.stx_ino == b.stx_ino && a.stx_mnt_id == b.stx_mnt_id &&
	       a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
}

struct opened {
	int fd;       /* O_PATH; owned */
	bool is_root; /* covering it is of no effect: the process's root stays beneath */
};

/* True if there is something to open, or nothing by a failure that is one; what is not
 * there needs no mask. */
static bool open_path(int root_fd, const char *path, struct opened *ret)
{
	auto_free char *clean = path_clean(path);
	bool unlinked;

	*ret = (struct opened){ .fd = path_try_open_unlinked_in_root(
					root_fd, path, O_PATH, &unlinked) };
	if (ret->fd < 0)
		return errno != ENOENT && errno != ENOTDIR;
	ret->is_root = unlinked ? strcmp(clean, "/") == 0 : same_place(ret->fd, root_fd);
	return true;
}

struct covers {
	struct cover empty;
	struct cover null;
	const char *label;
};

static int hide(int root_fd, const char *path, struct covers *covers, struct error *err)
{
	struct opened opened;
	auto_fd target_fd = -1;
	struct stat st;

	if (!open_path(root_fd, path, &opened))
		return 0;
	target_fd = opened.fd;
	if (target_fd < 0 || fstat(target_fd, &st) < 0)
		return fail_errno(err, "opening it");
	if (opened.is_root)
		return fail(err, "it is the root directory, which cannot be hidden");
	if (S_ISDIR(st.st_mode))
		return hide_directory(&covers->empty, target_fd, covers->label, err);
	return hide_file(&covers->null, root_fd, path, target_fd, err);
}

int masks_hide(
	int root_fd, const struct strings *paths, const char *label, struct error *err)
{
	struct covers covers = {
		.empty.fd = -1,
		.null.fd = -1,
		.label = label,
	};
	int result = 0;

	for (size_t i = 0; i < paths->count && result == 0; i++) {
		result = hide(root_fd, paths->items[i], &covers, err);
		if (result < 0)
			(void)fail_while(err, "/linux/maskedPaths/%zu: masking %s", i,
				paths->items[i]);
	}
	cleanup_fd(&covers.empty.fd);
	cleanup_fd(&covers.null.fd);
	return result;
}

static int protect_classic(
	int root_fd, const char *path, int target_fd, struct error *err)
{
	auto_fd fd = -1;

	if (mnt_mount(fd_path(target_fd).text, target_fd, NULL, MS_BIND | MS_REC, NULL) <
		0)
		return fail_errno(err, "binding it on itself");
	if (path_open_in_root(root_fd, path, O_PATH, 0, &fd, err) < 0)
		return -1;
	return attach_read_only(fd, 0, err);
}

static int protect(int root_fd, const char *path, struct error *err)
{
	struct opened opened;
	auto_fd target_fd = -1;
	auto_fd tree_fd = -1;

	if (!open_path(root_fd, path, &opened))
		return 0;
	target_fd = opened.fd;
	if (target_fd < 0)
		return fail_errno(err, "opening it");
	if (opened.is_root)
		return attach_read_only(root_fd, 0, err);
	tree_fd = mnt_open_tree(
		target_fd, "", OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH);
	if (tree_fd < 0 || mnt_move(tree_fd, target_fd) < 0)
		return mnt_is_missing(errno)
			       ? protect_classic(root_fd, path, target_fd, err)
			       : fail_errno(err, "binding it on itself");
	/* Attached already: mount(2), which stands in for the newer call, needs that. */
	return attach_read_only(tree_fd, 0, err);
}

int masks_make_read_only(int root_fd, const struct strings *paths, struct error *err)
{
	for (size_t i = 0; i < paths->count; i++) {
		if (protect(root_fd, paths->items[i], err) < 0)
			return fail_while(err, "/linux/readonlyPaths/%zu: protecting %s",
				i, paths->items[i]);
	}
	return 0;
}
