/* Copying a tree: one directory at a time, by descriptors. */
#include "builder/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/hardlinks.h"

#define XATTR_LIST_MAX 65536 /* the kernel's own limits */
#define XATTR_SIZE_MAX 65536

struct copier {
	int target_fd;
	struct hardlinks links;
	struct str path; /* beneath the target, of the current directory: "a/b/" */
};

static int copy_one_xattr(
	const char *from, const char *to, const char *attribute, struct error *err)
{
	auto_free char *value = str_realloc(NULL, XATTR_SIZE_MAX, 1);
	ssize_t size = lgetxattr(from, attribute, value, XATTR_SIZE_MAX);

	if (size < 0)
		return errno == ENODATA
			       ? 0
			       : fail_errno(err, "reading the attribute %s", attribute);
	if (lsetxattr(to, attribute, value, (size_t)size, 0) < 0 && errno != ENOTSUP)
		return fail_errno(err, "setting the attribute %s", attribute);
	return 0;
}

/* By path through /proc/self/fd, for links have no descriptor that takes attributes. */
static int copy_xattrs(int from_fd, int to_fd, const char *name, struct error *err)
{
	auto_free char *from = str_format("%s/%s", fd_path(from_fd).text, name);
	auto_free char *to = str_format("%s/%s", fd_path(to_fd).text, name);
	auto_free char *list = NULL;
	ssize_t length = llistxattr(from, NULL, 0);

	if (length == 0 || (length < 0 && errno == ENOTSUP))
		return 0;
	list = str_realloc(NULL, XATTR_LIST_MAX, 1);
	length = llistxattr(from, list, XATTR_LIST_MAX);
	if (length < 0)
		return fail_errno(err, "listing the attributes of %s", name);
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(list + at) + 1) {
		if (str_after(list + at, "trusted.overlay."))
			continue;
		if (copy_one_xattr(from, to, list + at, err) < 0)
			return fail_while(err, "%s", name);
	}
	return 0;
}

/* The owner first: changing it takes set-id bits away. */
static int copy_attributes(int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err)
{
	const struct timespec times[] = { stat->st_atim, stat->st_mtim };

	if (fchownat(to_fd, name, stat->st_uid, stat->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "setting the owner of %s", name);
	if (!S_ISLNK(stat->st_mode) &&
		fchmodat(to_fd, name, stat->st_mode & 07777, 0) < 0)
		return fail_errno(err, "setting the mode of %s", name);
	if (copy_xattrs(from_fd, to_fd, name, err) < 0)
		return -1;
	if (utimensat(to_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "setting the times of %s", name);
	return 0;
}

static int copy_file(int from_fd, int to_fd, const char *name, struct error *err)
{
	auto_fd from =
		openat(from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_fd to = -1;

	if (from < 0)
		return fail_errno(err, "opening %s", name);
	to = openat(
		to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail_errno(err, "making %s", name);
	return fd_copy(from, to, name, err);
}

static int copy_link(int from_fd, int to_fd, const char *name, struct error *err)
{
	char target[PATH_MAX + 1];
	ssize_t length = readlinkat(from_fd, name, target, sizeof(target) - 1);

	if (length < 0)
		return fail_errno(err, "reading the link %s", name);
	target[length] = '\0';
	if (symlinkat(target, to_fd, name) < 0)
		return fail_errno(err, "making the link %s", name);
	return 0;
}

static int copy_directory(
	struct copier *copier, int from_fd, int to_fd, struct error *err);

static int copy_subdirectory(struct copier *copier, int from_fd, int to_fd,
	const char *name, struct error *err)
{
	size_t length = copier->path.length;
	auto_fd from =
		openat(from_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd to = -1;
	int result;

	if (from < 0)
		return fail_errno(err, "opening %s", name);
	if (mkdirat(to_fd, name, 0700) < 0)
		return fail_errno(err, "making %s", name);
	to = openat(to_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return fail_errno(err, "opening the new %s", name);
	str_appendf(&copier->path, "%s/", name);
	result = copy_directory(copier, from, to, err);
	copier->path.length = length;
	copier->path.data[length] = '\0';
	return result;
}

static int copy_by_type(struct copier *copier, int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err)
{
	switch (stat->st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(from_fd, to_fd, name, err);
	case S_IFDIR:
		return copy_subdirectory(copier, from_fd, to_fd, name, err);
	case S_IFLNK:
		return copy_link(from_fd, to_fd, name, err);
	default:
		if (mknodat(to_fd, name, stat->st_mode, stat->st_rdev) < 0)
			return fail_errno(err, "making the special file %s", name);
		return 0;
	}
}

static int copy_entry(struct copier *copier, int from_fd, int to_fd, const char *name,
	struct error *err)
{
	auto_free char *path =
		str_format("%s%s", copier->path.data ? copier->path.data : "", name);
	const char *known;
	struct stat stat;

	/* Overlayfs lists a whiteout where a layer has one of what is not there anyway. */
	if (fstatat(from_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "looking at %s", name);
	known = hardlinks_meet(&copier->links, &stat, path);
	if (known) {
		if (linkat(copier->target_fd, known, to_fd, name, 0) < 0)
			return fail_errno(err, "linking %s to %s", name, known);
		return 0;
	}
	if (copy_by_type(copier, from_fd, to_fd, name, &stat, err) < 0)
		return -1;
	return copy_attributes(from_fd, to_fd, name, &stat, err);
}

static int copy_directory(
	struct copier *copier, int from_fd, int to_fd, struct error *err)
{
	int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "reading a directory");
	while ((errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (copy_entry(copier, from_fd, to_fd, entry->d_name, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "reading a directory") : 0;
}

int tree_copy(int from_fd, int to_fd, const char *name, struct error *err)
{
	struct copier copier = { .target_fd = to_fd };
	struct stat stat;
	int result;

	if (fstat(from_fd, &stat) < 0)
		return fail_errno(err, "looking at %s", name);
	result = copy_directory(&copier, from_fd, to_fd, err);
	if (result == 0)
		result = copy_attributes(from_fd, to_fd, ".", &stat, err);
	else
		(void)!fail_while(err, "copying %s%s", name,
			copier.path.data ? copier.path.data : "");
	hardlinks_free(&copier.links);
	str_free(&copier.path);
	return result;
}
