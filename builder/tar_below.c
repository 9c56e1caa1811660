/* Looks from layer to layer, downwards. */
#include "builder/tar_below.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

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
