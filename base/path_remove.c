/* Removal of a tree that may be hostile: deep beyond every descriptor limit, full of links,
 * holding mounts. And of what is in a directory that stays. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"

/* Each level holds one descriptor. What lies deeper is moved up beside the tree and
 * removed after it. */
#define DEPTH_MAX 128

struct removal {
	int dir_fd;
	const char *name;
	struct strings deep; /* names in dir_fd that wait for their turn */
	size_t moved;
};

static int remove_entry(struct removal *removal, int parent_fd, const char *name,
	unsigned depth, struct error *err);

static int move_up(
	struct removal *removal, int parent_fd, const char *name, struct error *err)
{
	auto_free char *aside =
		str_format("%s.deep.%d.%zu", removal->name, getpid(), removal->moved++);

	if (renameat(parent_fd, name, removal->dir_fd, aside) < 0)
		return fail_errno(err, "moving %s aside to remove it", name);
	strings_add_take(&removal->deep, take_ptr(&aside));
	return 0;
}

static DIR *open_directory(int parent_fd, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd fd = openat(parent_fd, name, flags);
	DIR *dir;

	/* An unprivileged owner may have to give itself the right to look inside. */
	if (fd < 0 && errno == EACCES && fchmodat(parent_fd, name, 0700, 0) == 0)
		fd = openat(parent_fd, name, flags);
	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (dir)
		(void)take_fd(&fd);
	return dir;
}

/* Another file system, or a bind mount of the same one (kernel 5.8 tells). */
static bool is_mount_point(int parent_fd, int fd)
{
	struct statx parent, own;

	if (statx(parent_fd, "", AT_EMPTY_PATH, STATX_TYPE, &parent) < 0 ||
		statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &own) < 0)
		return true;
	return own.stx_attributes & STATX_ATTR_MOUNT_ROOT ||
	       own.stx_dev_major != parent.stx_dev_major ||
	       own.stx_dev_minor != parent.stx_dev_minor;
}

static int remove_children(struct removal *removal, int parent_fd, const char *name,
	unsigned depth, struct error *err)
{
	auto_dir dir = open_directory(parent_fd, name);
	struct dirent *entry;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir && errno == ENOTDIR) { /* then it is a file that must not be removed */
		errno = EPERM;
		return fail_errno(err, "removing %s", name);
	}
	if (!dir)
		return fail_errno(err, "opening %s", name);
	if (is_mount_point(parent_fd, dirfd(dir)))
		return fail_code(
			err, EBUSY, "removing %s: something is mounted there", name);
	while ((entry = path_next(dir))) {
		if (remove_entry(removal, dirfd(dir), entry->d_name, depth + 1, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "listing %s", name) : 0;
}

static int remove_entry(struct removal *removal, int parent_fd, const char *name,
	unsigned depth, struct error *err)
{
	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return fail_errno(err, "removing %s", name);
	if (depth == DEPTH_MAX)
		return move_up(removal, parent_fd, name, err);
	if (remove_children(removal, parent_fd, name, depth, err) < 0)
		return -1;
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return fail_errno(err, "removing %s", name);
	return 0;
}

int path_remove_tree(int dir_fd, const char *name, struct error *err)
{
	auto_free char *parent = path_parent(name);
	auto_fd fd = openat(dir_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct removal removal = { .dir_fd = fd, .name = path_base(name) };
	int result;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "opening %s", parent);
	result = remove_entry(&removal, fd, removal.name, 0, err);

	for (size_t i = 0; result == 0 && i < removal.deep.count; i++)
		result = remove_entry(&removal, fd, removal.deep.items[i], 0, err);
	strings_free(&removal.deep);
	return result;
}

int path_remove_children(int dir_fd, const char *name, struct error *err)
{
	auto_dir dir = path_list(dir_fd);
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "opening %s", name);
	while ((entry = path_next(dir))) {
		if (path_remove_tree(dir_fd, entry->d_name, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "listing %s", name) : 0;
}
