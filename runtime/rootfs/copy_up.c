/* A copy of a tree by descriptors: modes, owners, times and extended attributes too. */
#include "runtime/rootfs/copy_up.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#define DEPTH_MAX 128 /* each level is two descriptors and a stack frame */

static int copy_directory(
	int from_fd, int to_fd, unsigned depth, struct error *err) must_check;

/* Those that the new file system does not take (security.*, say) are left. */
static int copy_attributes(int from_fd, int to_fd)
{
	char names[4096], value[4096];
	ssize_t length = flistxattr(from_fd, names, sizeof(names));

	for (const char *name = names; length > 0 && name < names + length;
		name += strlen(name) + 1) {
		ssize_t size = fgetxattr(from_fd, name, value, sizeof(value));

		if (size >= 0 && fsetxattr(to_fd, name, value, (size_t)size, 0) < 0 &&
			errno != EOPNOTSUPP && errno != EPERM && errno != EINVAL)
			return -1;
	}
	return 0;
}

/* Owner before mode: chown() takes set-user-ID bits away. Times last. */
static int copy_metadata(int from_fd, int to_fd, const struct stat *st, const char *name,
	struct error *err)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(to_fd, st->st_uid, st->st_gid) < 0 ||
		fchmod(to_fd, st->st_mode & 07777) < 0 ||
		copy_attributes(from_fd, to_fd) < 0 || futimens(to_fd, times) < 0)
		return fail_errno(err, "copying owner and mode of %s", name);
	return 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st,
	struct error *err)
{
	auto_fd from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd to = -1;

	if (from < 0)
		return fail_errno(err, "opening %s", name);
	to = openat(
		to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail_errno(err, "making %s", name);
	if (fd_copy(from, to, name, err) < 0)
		return -1;
	return copy_metadata(from, to, st, name, err);
}

static int copy_subdirectory(int from_dir, int to_dir, const char *name,
	const struct stat *st, unsigned depth, struct error *err)
{
	auto_fd from = -1;
	auto_fd to = -1;

	if (depth == DEPTH_MAX)
		return fail(err, "%s: more than %d directories deep", name, DEPTH_MAX);
	from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return fail_errno(err, "opening %s", name);
	if (mkdirat(to_dir, name, 0700) < 0)
		return fail_errno(err, "making %s", name);
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return fail_errno(err, "opening %s", name);
	if (copy_directory(from, to, depth, err) < 0)
		return -1;
	return copy_metadata(from, to, st, name, err);
}

static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *st,
	struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (length < 0)
		return fail_errno(err, "reading the link %s", name);
	target[length] = '\0';
	if (symlinkat(target, to_dir, name) < 0 ||
		fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "making the link %s", name);
	return 0;
}

static int copy_node(
	int to_dir, const char *name, const struct stat *st, struct error *err)
{
	if (mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0 ||
		fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
		fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return fail_errno(err, "making %s", name);
	return 0;
}

static int copy_entry(
	int from_dir, int to_dir, const char *name, unsigned depth, struct error *err)
{
	struct stat st;

	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "%s", name);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(from_dir, to_dir, name, &st, err);
	case S_IFDIR:
		return copy_subdirectory(from_dir, to_dir, name, &st, depth + 1, err);
	case S_IFLNK:
		return copy_link(from_dir, to_dir, name, &st, err);
	default:
		return copy_node(to_dir, name, &st, err);
	}
}

/* Both are open for reading. */
static int copy_directory(int from_fd, int to_fd, unsigned depth, struct error *err)
{
	int listed_fd = fcntl(from_fd, F_DUPFD_CLOEXEC, 3);
	auto_dir dir = listed_fd < 0 ? NULL : fdopendir(listed_fd);
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "listing a directory");
	while ((entry = path_next(dir))) {
		if (copy_entry(from_fd, to_fd, entry->d_name, depth, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "listing a directory") : 0;
}

int copy_up(int from_fd, int to_fd, struct error *err)
{
	auto_fd from = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd to = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0 || to < 0)
		return fail_errno(err, "opening the directories of tmpcopyup");
	if (copy_directory(from, to, 0, err) < 0)
		return fail_while(err, "tmpcopyup");
	return 0;
}
