/* The place of a mount in a container that lives. */
#include "runtime/mounts/live_point.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/rootfs/mount_plan.h"

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

static int open_point(const struct live_root *root, const struct mount_plan *plan)
{
	return path_try_open_in_root(root->root_fd, plan->destination,
		O_PATH | (plan->destination_nofollow ? O_NOFOLLOW : 0), 0);
}

/* proc(5) has it for every kernel that we run on; statx(2) only since Linux 5.8. */
static int mount_id_of(const struct live_root *root, int fd)
{
	auto_free char *path = str_format("fdinfo/%d", fd);
	auto_free char *text = NULL;
	struct error ignored;
	const char *line;

	if (file_read_at(root->self_fd, path, 4096, &text, NULL, &ignored) < 0)
		return -1;
	line = strstr(text, "mnt_id:");
	return line ? atoi(line + strlen("mnt_id:")) : -1;
}

/* False if this part of the destination is missing. */
static bool note_part(
	const struct live_root *root, const char *part, struct live_point *point)
{
	auto_fd fd = path_try_open_in_root(root->root_fd, part, O_PATH, 0);

	if (fd < 0)
		return false;
	point->mount_id = mount_id_of(root, fd);
	return true;
}

void live_point_note(const struct live_root *root, const struct mount_plan *plan,
	struct live_point *ret)
{
	auto_free char *part = str_dup(plan->destination);

	*ret = (struct live_point){ .mount_id = mount_id_of(root, root->root_fd) };
	for (char *end = part; end && !ret->missing;) {
		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		if (!note_part(root, part, ret))
			ret->missing = strlen(part);
		if (end)
			*end = '/';
	}
	ret->noted = true;
}

static int unmount(const struct live_root *root, int fd)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "fd/%d", fd);
	/* umount2(2) knows names only. This one is the descriptor's own, whatever the
	 * container has mounted on its /proc. */
	if (fchdir(root->self_fd) < 0)
		return -1;
	return umount2(name, MNT_DETACH);
}

int live_point_unmount(const struct live_root *root, const struct mount_plan *plan)
{
	auto_fd fd = open_point(root, plan);

	return fd < 0 ? -1 : unmount(root, fd);
}

/* What was mounted shows by its number, also where the call that failed came after it. */
static void unmount_if_new(const struct live_root *root, const struct mount_plan *plan,
	const struct live_point *point)
{
	auto_fd fd = open_point(root, plan);

	if (fd >= 0 && mount_id_of(root, fd) != point->mount_id)
		(void)unmount(root, fd); /* there is nothing left to try */
}

/* A file, or a directory; one that was filled meanwhile stays, and a link was not ours. */
static void remove_empty(int dir_fd, const char *name)
{
	struct stat status;

	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno != ENOTDIR)
		return;
	if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(status.st_mode) && status.st_size == 0)
		(void)unlinkat(dir_fd, name, 0); /* as above */
}

static void unmake(int root_fd, const struct mount_plan *plan, size_t missing)
{
	auto_free char *path = str_dup(plan->destination);

	while (missing && strlen(path) >= missing) {
		auto_free char *parent = path_parent(path);
		auto_fd fd =
			path_try_open_in_root(root_fd, parent, O_PATH | O_DIRECTORY, 0);
		char *next;

		if (fd >= 0)
			remove_empty(fd, path_base(path));
		next = take_ptr(&parent);
		free(path);
		path = next;
		if (str_equal(path, "/"))
			return;
	}
}

void live_point_undo(const struct live_root *root, const struct mount_plan *plan,
	const struct live_point *point)
{
	if (!point->noted)
		return;
	unmount_if_new(root, plan, point);
	unmake(root->root_fd, plan, point->missing);
}

int live_point_expect_mount(int root_fd, const struct mount_plan *plan, struct error *err)
{
	int flags = O_PATH | (plan->destination_nofollow ? O_NOFOLLOW : 0);
	struct statx status;
	auto_fd fd = -1;

	if (str_equal(plan->destination, "/"))
		return fail(err, "/mounts/%zu/destination: the root stays as it is",
			plan->index);
	if (path_open_in_root(root_fd, plan->destination, flags, 0, &fd, err) < 0)
		return fail_while(err, "/mounts/%zu/destination", plan->index);
	/* Before Linux 5.8 unmounting itself will tell. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, 0, &status) == 0 &&
		status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT &&
		!(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return fail(err, "/mounts/%zu/destination: %s: nothing is mounted there",
			plan->index, plan->destination);
	return 0;
}
