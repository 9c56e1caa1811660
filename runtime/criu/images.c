/* Permissions are added, none is taken away. */
#include "runtime/criu/images.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

#define PARENT      "parent" /* criu's link to the images before these */
#define PARENTS_MAX 1000     /* a ring of them has no end */

static int lend(int fd, const char *name, gid_t group, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail_errno(err, "the images' %s", name);
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return 0;
	if (fchown(fd, (uid_t)-1, group) < 0 ||
		fchmod(fd, (status.st_mode & 07777) |
				   (S_ISDIR(status.st_mode) ? 0050 : 0040)) < 0)
		return fail_errno(
			err, "letting the container's root read the images' %s", name);
	return 0;
}

static int lend_directory(int dir_fd, gid_t group, struct error *err)
{
	auto_dir dir = path_list(dir_fd);
	const struct dirent *entry;

	if (!dir)
		return fail_errno(err, "listing the images");
	if (lend(dir_fd, "directory", group, err) < 0)
		return -1;
	while ((entry = path_next(dir))) {
		auto_fd fd = openat(dir_fd, entry->d_name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (entry->d_name[0] == '.' || fd < 0)
			continue; /* a link: the parent */
		if (lend(fd, entry->d_name, group, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "listing the images") : 0;
}

int images_lend(int dir_fd, gid_t group, struct error *err)
{
	auto_fd fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening the images");
	for (int i = 0; i < PARENTS_MAX; i++) {
		int parent;

		if (lend_directory(fd, group, err) < 0)
			return -1;
		parent = openat(fd, PARENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0)
			return 0;
		close(fd);
		fd = parent;
	}
	return 0;
}
