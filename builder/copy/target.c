/*
 * Names are made relative to directories that are held open, so that nothing on the way
 * can be exchanged. The caller has set the umask to 0.
 */
#include "builder/copy/target.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "builder/copy/attributes.h"
#include "builder/rootless.h"

#define LINKS_MAX 40 /* as the kernel */

static uid_t owner_uid(const struct copy_target *target, const struct stat *st)
{
	return target->has_owner    ? target->owner.uid
	       : target->keep_owner ? st->st_uid
				    : 0;
}

static gid_t owner_gid(const struct copy_target *target, const struct stat *st)
{
	return target->has_owner    ? target->owner.gid
	       : target->keep_owner ? st->st_gid
				    : 0;
}

static mode_t mode_of(const struct copy_target *target, mode_t mode)
{
	return target->has_mode ? mode_apply(&target->mode, mode) : mode & 07777;
}

static struct timespec time_of(const struct copy_target *target, const struct stat *st)
{
	if (target->epoch >= 0 && st->st_mtim.tv_sec >= target->epoch)
		return (struct timespec){ .tv_sec = target->epoch };
	return st->st_mtim;
}

bool target_is_directory(const struct copy_target *target, const char *path)
{
	auto_fd fd =
		path_try_open_in_root(target->root_fd, path, O_PATH | O_DIRECTORY, 0);

	return fd >= 0;
}

/* The path that the link holds; NULL: there is no link. */
static char *read_link(const struct copy_target *target, const char *path)
{
	auto_free char *parent = path_parent(path);
	auto_fd fd =
		path_try_open_in_root(target->root_fd, parent, O_PATH | O_DIRECTORY, 0);
	char text[PATH_MAX];
	ssize_t length =
		fd < 0 ? -1 : readlinkat(fd, path_base(path), text, sizeof(text) - 1);

	if (length <= 0)
		return NULL;
	while (length > 1 && text[length - 1] == '/')
		length--;
	text[length] = '\0';
	return *text == '/' ? str_dup(text) : path_join(parent, text);
}

int target_follow(
	const struct copy_target *target, const char *path, char **ret, struct error *err)
{
	auto_free char *at = str_dup(path);

	for (int i = 0; i < LINKS_MAX; i++) {
		char *next = read_link(target, at);

		if (!next) {
			*ret = take_ptr(&at);
			return 0;
		}
		free(at);
		at = next;
	}
	return fail_code(err, ELOOP, "%s: the links of the image lead nowhere", path);
}

/* The directory of the same path in the upper directory; -1 where there is none. */
static int open_in_upper(const struct copy_target *target, int fd)
{
	char root[PATH_MAX] = "", path[PATH_MAX] = "";
	const char *rest;

	if (readlink(fd_path(target->root_fd).text, root, sizeof(root) - 1) <= 0 ||
		readlink(fd_path(fd).text, path, sizeof(path) - 1) <= 0)
		return -1;
	rest = str_after(path, root);
	if (!rest || *rest != '/')
		return -1;
	return path_try_open_in_root(
		target->upper_fd, rest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* A directory that is new in the merged tree hides everything below it, so it can be
 * filled in the upper directory itself, where a file costs half of what it costs through
 * overlayfs. */
static void prefer_upper(const struct copy_target *target, int *fd)
{
	int upper = target->upper_fd >= 0 ? open_in_upper(target, *fd) : -1;

	if (upper < 0)
		return;
	close(*fd);
	*fd = upper;
}

int target_open_directory(const struct copy_target *target, const char *path, int *ret_fd,
	bool *ret_made, struct error *err)
{
	struct path_mkdir_options options = { .mode = 0755, .uid = 0, .gid = 0 };
	auto_fd fd = -1;

	*ret_made = false;
	*ret_fd = path_try_open_in_root(target->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOTDIR)
		return fail(err, "%s is a file, where a directory is needed", path);
	if (errno != ENOENT)
		return fail_errno(err, "opening %s", path);
	if (target->has_owner) {
		options.uid = target->owner.uid;
		options.gid = target->owner.gid;
	}
	if (path_mkdirs_in_root(target->root_fd, path, options, &fd, err) < 0)
		return -1;
	*ret_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return fail_errno(err, "opening %s", path);
	*ret_made = true;
	prefer_upper(target, ret_fd);
	return 0;
}

int target_make_directory(const struct copy_target *target, int parent_fd,
	const char *path, int *ret_fd, bool *ret_made, struct error *err)
{
	const char *name = path_base(path);

	*ret_made = mkdirat(parent_fd, name, 0700) == 0;
	if (!*ret_made && errno != EEXIST)
		return fail_errno(err, "making the directory %s", path);
	*ret_fd =
		openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0 &&
		(errno == ELOOP || errno == ENOTDIR)) /* a link, maybe to one */
		*ret_fd = path_try_open_in_root(
			target->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
	if (*ret_fd < 0 && (errno == ENOTDIR || errno == ENOENT))
		return fail(err,
			"%s is no directory in the image, and a directory cannot replace it",
			path);
	if (*ret_fd < 0)
		return fail_errno(err, "opening %s", path);
	if (*ret_made)
		prefer_upper(target, ret_fd);
	return 0;
}

/* Makes room for a new entry; a directory stays. */
static int remove_old(int parent_fd, const char *path, struct error *err)
{
	const char *name = path_base(path);
	struct stat st;

	if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode))
		return fail(err,
			"%s is a directory in the image, and a file cannot replace it",
			path);
	if (unlinkat(parent_fd, name, 0) < 0 && errno != ENOENT)
		return fail_errno(err, "replacing %s", path);
	return 0;
}

int target_make_file(const struct copy_target *target, int parent_fd, const char *path,
	const struct stat *st, int *ret_fd, struct error *err)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	mode_t mode = mode_of(target, st->st_mode) & 0777;
	const char *name = path_base(path);

	*ret_fd = openat(parent_fd, name, flags, mode);
	if (*ret_fd < 0 && errno == EEXIST) {
		if (remove_old(parent_fd, path, err) < 0)
			return -1;
		*ret_fd = openat(parent_fd, name, flags, mode);
	}
	if (*ret_fd < 0)
		return fail_errno(err, "creating %s", path);
	return 0;
}

static int fail_owner(const struct copy_target *target, const char *path,
	const struct stat *st, struct error *err)
{
	(void)!fail_errno(err, "setting the owner of %s", path);
	return rootless_fail_owner(owner_uid(target, st), owner_gid(target, st), err);
}

/* Owner and time of something that cannot be opened. */
static int finish_at(const struct copy_target *target, int parent_fd, const char *path,
	const struct stat *st, struct error *err)
{
	struct timespec times[2] = { time_of(target, st), time_of(target, st) };
	const char *name = path_base(path);

	if (fchownat(parent_fd, name, owner_uid(target, st), owner_gid(target, st),
		    AT_SYMLINK_NOFOLLOW) < 0)
		return fail_owner(target, path, st, err);
	if (utimensat(parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "setting the time of %s", path);
	return 0;
}

int target_make_link(const struct copy_target *target, int parent_fd, const char *path,
	const struct stat *st, const char *text, struct error *err)
{
	const char *name = path_base(path);
	int result = symlinkat(text, parent_fd, name);

	if (result < 0 && errno == EEXIST) {
		if (remove_old(parent_fd, path, err) < 0)
			return -1;
		result = symlinkat(text, parent_fd, name);
	}
	if (result < 0)
		return fail_errno(err, "making the link %s", path);
	return finish_at(target, parent_fd, path, st, err);
}

int target_make_node(const struct copy_target *target, int parent_fd, const char *path,
	const struct stat *st, struct error *err)
{
	mode_t mode = (st->st_mode & S_IFMT) | (mode_of(target, st->st_mode) & 07777);

	if (remove_old(parent_fd, path, err) < 0)
		return -1;
	if (mknodat(parent_fd, path_base(path), mode, st->st_rdev) < 0)
		return fail_errno(err, "making the node %s", path);
	return finish_at(target, parent_fd, path, st, err);
}

/* Links do not cross from the merged tree to the upper directory. */
static int open_existing(const struct copy_target *target, const char *path)
{
	int fd = -1;

	if (target->upper_fd >= 0)
		fd = path_try_open_in_root(
			target->upper_fd, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		fd = path_try_open_in_root(target->root_fd, path, O_PATH | O_NOFOLLOW, 0);
	return fd;
}

bool target_make_hardlink(const struct copy_target *target, int parent_fd,
	const char *path, const char *existing)
{
	auto_fd fd = open_existing(target, existing);
	const char *name = path_base(path);
	struct error ignored;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (linkat(AT_FDCWD, fd_path(fd).text, parent_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return true;
	if (errno != EEXIST || remove_old(parent_fd, path, &ignored) < 0)
		return false;
	return linkat(AT_FDCWD, fd_path(fd).text, parent_fd, name, AT_SYMLINK_FOLLOW) ==
	       0;
}

int target_finish(const struct copy_target *target, int fd, const char *path,
	const struct stat *st, int source_fd, struct error *err)
{
	struct timespec times[2] = { time_of(target, st), time_of(target, st) };
	uid_t uid = owner_uid(target, st);
	gid_t gid = owner_gid(target, st);
	mode_t mode = mode_of(target, st->st_mode);
	struct stat now;

	if (fstat(fd, &now) < 0)
		return fail_errno(err, "reading %s", path);
	if ((now.st_uid != uid || now.st_gid != gid) && fchown(fd, uid, gid) < 0)
		return fail_owner(target, path, st, err);
	/* After the owner, whose change takes set-id bits and capabilities away. */
	if (((now.st_mode & 07777) != mode || (mode & 07000)) && fchmod(fd, mode) < 0)
		return fail_errno(err, "setting the mode of %s", path);
	if (source_fd >= 0 && attributes_copy(source_fd, fd, path, err) < 0)
		return -1;
	if (futimens(fd, times) < 0)
		return fail_errno(err, "setting the time of %s", path);
	return 0;
}
