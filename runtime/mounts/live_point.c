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
#include "base/path.h"
#include "base/str.h"
#include "runtime/rootfs/mount_plan.h"

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

void live_points_free(struct live_point *points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(points[i].destination);
		free(points[i].missing);
	}
	free(points);
}

static bool exists(int root_fd, const char *path)
{
	auto_fd fd = path_try_open_in_root(root_fd, path, O_PATH, 0);

	return fd >= 0;
}

void live_point_note(int root_fd, const char *destination, struct live_point *ret)
{
	auto_free char *part = str_dup(destination);

	*ret = (struct live_point){ .destination = str_dup(destination) };
	for (char *end = part; end && !ret->missing;) {
		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		if (!exists(root_fd, part))
			ret->missing = str_dup(part);
		if (end)
			*end = '/';
	}
}

int live_point_unmount(int root_fd, int numbers_fd, const struct live_point *point)
{
	auto_fd fd = path_try_open_in_root(root_fd, point->destination,
		O_PATH | (point->nofollow ? O_NOFOLLOW : 0), 0);
	char number[16];

	if (fd < 0)
		return -1;
	(void)snprintf(number, sizeof(number), "%d", fd);
	/* umount2(2) knows names only. This one is the descriptor's own, whatever the
	 * container has mounted on its /proc. */
	if (fchdir(numbers_fd) < 0)
		return -1;
	return umount2(number, MNT_DETACH);
}

void live_point_unmake(int root_fd, const struct live_point *point)
{
	auto_free char *path = str_dup(point->destination);

	while (point->missing && strlen(path) >= strlen(point->missing)) {
		auto_free char *parent = path_parent(path);
		auto_fd fd =
			path_try_open_in_root(root_fd, parent, O_PATH | O_DIRECTORY, 0);
		char *next;

		/* A file, or a directory; one that was filled meanwhile stays. */
		if (fd >= 0 && unlinkat(fd, path_base(path), AT_REMOVEDIR) < 0 &&
			errno == ENOTDIR)
			(void)unlinkat(fd, path_base(path), 0); /* as it says */
		next = take_ptr(&parent);
		free(path);
		path = next;
		if (str_equal(path, "/"))
			return;
	}
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
