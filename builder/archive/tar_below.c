/* Looks from layer to layer, downwards. */
#include "builder/archive/tar_below.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/rootfs/overlay_marks.h"

static int adopt(int from_fd, int to_fd)
{
	struct stat stat;

	if (fstat(from_fd, &stat) < 0)
		return -1;
	if (!S_ISDIR(stat.st_mode)) /* it hides what is further down */
		return 0;
	if (fchown(to_fd, stat.st_uid, stat.st_gid) < 0)
		return -1;
	return fchmod(to_fd, stat.st_mode & 07777);
}

static int adopt_below(void *argument, const char *path, int fd)
{
	const struct strings *roots = argument;

	strings_each (root, roots) {
		auto_fd root_fd = open(*root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int at;
		int result;

		if (root_fd < 0)
			return -1;
		at = path_try_open_in_root(root_fd, path, O_PATH | O_NOFOLLOW, 0);
		if (at < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return -1;
		if (at < 0)
			continue;
		result = adopt(at, fd);
		close(at);
		return result;
	}
	return 0;
}

struct path_mkdir_options tar_parent_options(const struct strings *below)
{
	return (struct path_mkdir_options){
		.mode = 0755,
		.uid = (uid_t)-1,
		.made = below ? adopt_below : NULL,
		.argument = (void *)below,
	};
}

static bool is_in_opaque(int root_fd, const char *path)
{
	auto_free char *parent = path_parent(path);
	auto_fd fd = path_try_open_in_root(
		root_fd, parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd >= 0 && overlay_is_opaque(fd))
		return true;
	return strcmp(parent, ".") != 0 && is_in_opaque(root_fd, parent);
}

bool tar_shows_below(int root_fd, const char *path, const struct strings *below)
{
	if (!below)
		return true;
	if (is_in_opaque(root_fd, path))
		return false;
	strings_each (root, below) {
		auto_fd fd = open(*root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		auto_fd at =
			fd < 0 ? -1
			       : path_try_open_in_root(fd, path, O_PATH | O_NOFOLLOW, 0);
		struct stat stat;

		if (at >= 0)
			return fstat(at, &stat) < 0 || !S_ISCHR(stat.st_mode) ||
			       stat.st_rdev != makedev(0, 0);
		if (fd < 0 || (errno != ENOENT && errno != ENOTDIR))
			return true;
	}
	return false;
}

int tar_drop_whiteouts(int fd, struct error *err)
{
	auto_strings names = { 0 };
	struct stat stat;

	if (path_names(fd, "an opaque directory", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (fstatat(fd, *name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
			overlay_is_whiteout(fd, *name, &stat) &&
			unlinkat(fd, *name, 0) < 0)
			return fail_errno(err, "removing the whiteout %s", *name);
	}
	return 0;
}
