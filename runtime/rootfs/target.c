/* Opening and making destinations; who may be hidden behind a link of the image. */
#include "runtime/rootfs/target.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"

#define LINKS_MAX 8 /* dangling links followed to make one file */

static const struct path_mkdir_options target_directory = {
	.mode = 0755,
	.uid = (uid_t)-1,
	.gid = (gid_t)-1,
};

static int open_directory(
	int root_fd, const char *destination, int *ret_fd, struct error *err)
{
	return path_mkdirs_in_root(root_fd, destination, target_directory, ret_fd, err);
}

int target_open_parent(
	int root_fd, const char *destination, int *ret_fd, struct error *err)
{
	auto_free char *parent = path_parent(destination);

	return open_directory(root_fd, parent, ret_fd, err);
}

/* A link to a file that is missing, as /etc/resolv.conf often is: where it leads, as a
 * path in the root; NULL if the name is no link. Owned by the caller. */
static char *dangling_link(int parent_fd, const char *destination)
{
	char text[PATH_MAX];
	ssize_t length =
		readlinkat(parent_fd, path_base(destination), text, sizeof(text) - 1);
	auto_free char *parent = path_parent(destination);

	if (length < 0)
		return NULL;
	text[length] = '\0';
	return text[0] == '/' ? str_dup(text) : path_join(parent, text);
}

static int make_file(int root_fd, const char *destination, unsigned links, int *ret_fd,
	struct error *err)
{
	auto_fd parent_fd = -1;
	auto_fd made_fd = -1;
	auto_free char *next = NULL;

	if (target_open_parent(root_fd, destination, &parent_fd, err) < 0)
		return -1;
	next = dangling_link(parent_fd, destination);
	if (next && links == LINKS_MAX)
		return fail_code(err, ELOOP, "%s: too many symbolic links", destination);
	if (next)
		return make_file(root_fd, next, links + 1, ret_fd, err);
	made_fd = openat(parent_fd, path_base(destination),
		O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made_fd < 0 && errno != EEXIST)
		return fail_errno(err, "making the file %s", destination);
	return path_open_in_root(root_fd, destination, O_PATH, 0, ret_fd, err);
}

/* Each component by itself: that works as openat2's RESOLVE_NO_SYMLINKS does, and says
 * which of them is the link. */
static int open_without_links(
	int root_fd, const char *destination, int *ret_fd, struct error *err)
{
	auto_strings names = { 0 };
	auto_fd fd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	strings_split(&names, destination, '/');
	strings_each (name, &names) {
		const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		int next;

		if (!**name)
			continue;
		next = openat(fd, *name, flags);
		if (next < 0 && errno == ENOENT) {
			if (mkdirat(fd, *name, 0755) < 0 && errno != EEXIST)
				return fail_errno(
					err, "making the directory %s", destination);
			next = openat(fd, *name, flags);
		}
		if (next < 0 && (errno == ENOTDIR || errno == ELOOP))
			return fail(err,
				"%s: \"%s\" is no directory in the container's root; a "
				"symbolic link is not followed here",
				destination, *name);
		if (next < 0)
			return fail_errno(err, "opening %s", destination);
		close(fd);
		fd = next;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Beneath /proc is only what the configuration itself sends there: not what a link of the
 * image does, from an innocent name. */
static int check_no_hidden_proc(int fd, const char *destination, struct error *err)
{
	const char *below = str_after(destination, "/proc");
	struct statfs fs;

	if (below && (!*below || *below == '/'))
		return 0;
	if (fstatfs(fd, &fs) < 0)
		return fail_errno(err, "reading the file system of %s", destination);
	if (fs.f_type == PROC_SUPER_MAGIC)
		return fail(err,
			"%s: a symbolic link of the container's root leads it into "
			"procfs",
			destination);
	return 0;
}

static int check_kind(
	int fd, const char *destination, enum target_flags flags, struct error *err)
{
	bool directory;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_errno(err, "%s", destination);
	directory = S_ISDIR(st.st_mode);
	if (directory && flags & TARGET_FILE)
		return fail_code(err, EISDIR,
			"%s: is a directory in the container's root, what is mounted "
			"there is not",
			destination);
	if (!directory && !(flags & TARGET_FILE))
		return fail_code(err, ENOTDIR,
			"%s: is no directory in the container's root, what is mounted "
			"there is one",
			destination);
	return 0;
}

/* Mostly only the last component is missing. */
static int make_directory(
	int root_fd, const char *destination, int *ret_fd, struct error *err)
{
	auto_free char *parent = path_parent(destination);
	auto_fd parent_fd =
		path_try_open_in_root(root_fd, parent, O_PATH | O_DIRECTORY, 0);

	if (parent_fd >= 0 && mkdirat(parent_fd, path_base(destination), 0755) == 0) {
		*ret_fd = openat(parent_fd, path_base(destination),
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return *ret_fd < 0 ? fail_errno(err, "opening %s", destination) : 0;
	}
	return open_directory(root_fd, destination, ret_fd, err);
}

static int make(int root_fd, const char *destination, enum target_flags flags,
	struct target *ret, struct error *err)
{
	ret->made = true;
	if (flags & TARGET_FILE)
		return make_file(root_fd, destination, 0, &ret->fd, err);
	return make_directory(root_fd, destination, &ret->fd, err);
}

int target_open(int root_fd, const char *destination, enum target_flags flags,
	struct target *ret, struct error *err)
{
	struct target target = { .fd = -1 };
	int nofollow = flags & TARGET_NOFOLLOW ? O_NOFOLLOW : 0;

	if (flags & TARGET_NO_SYMLINKS) {
		*ret = target;
		return open_without_links(root_fd, destination, &ret->fd, err);
	}
	target.fd = path_try_open_in_root(root_fd, destination, O_PATH | nofollow, 0);
	if (target.fd < 0 && errno != ENOENT)
		return fail_errno(err, "opening %s in the container's root", destination);
	if (target.fd < 0 && make(root_fd, destination, flags, &target, err) < 0)
		return -1;
	if (check_kind(target.fd, destination, flags, err) < 0 ||
		check_no_hidden_proc(target.fd, destination, err) < 0) {
		cleanup_fd(&target.fd);
		return -1;
	}
	*ret = target;
	return 0;
}
