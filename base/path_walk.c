/*
 * Walks component by component. Each directory on the way stays open, so that ".." is the
 * directory we came from and not whatever the kernel finds there by now; every open is
 * O_NOFOLLOW, and links are read and put before what is left of the path.
 */
#include "base/path_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

#define LINKS_MAX 40  /* as the kernel's own limit */
#define DEPTH_MAX 256 /* directories held open at once */

struct walk {
	int fds[DEPTH_MAX]; /* from the root down to where we are */
	unsigned depth;     /* of them are open; at least 1 */
	char *rest;         /* what is still to be resolved; owned */
	unsigned links;
};

static void leave_to(struct walk *walk, unsigned depth)
{
	while (walk->depth > depth)
		close(walk->fds[--walk->depth]);
}

static int here(const struct walk *walk)
{
	return walk->fds[walk->depth - 1];
}

static int enter(struct walk *walk, int fd)
{
	if (walk->depth == DEPTH_MAX) {
		close(fd);
		errno = ENAMETOOLONG;
		return -1;
	}
	walk->fds[walk->depth++] = fd;
	return 0;
}

/* Cuts the next component off walk->rest into `name`; false at the end of the path. */
static bool next_component(struct walk *walk, char name[static NAME_MAX + 2])
{
	char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");

	if (!length)
		return false;
	/* A longer name cannot exist: cut to one byte too many, the kernel refuses it. */
	memcpy(name, start, MIN(length, (size_t)NAME_MAX + 1));
	name[MIN(length, (size_t)NAME_MAX + 1)] = '\0';
	memmove(walk->rest, start + length, strlen(start + length) + 1);
	return true;
}

static bool is_link(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Puts the link's target before the rest. */
static int follow(struct walk *walk, int link_fd)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(link_fd, "", target, sizeof(target) - 1);
	char *joined;

	if (length < 0)
		return -1;
	if (++walk->links > LINKS_MAX) {
		errno = ELOOP;
		return -1;
	}
	target[length] = '\0';
	if (target[0] == '/')
		leave_to(walk, 1);
	joined = str_format("%s%s", target, walk->rest); /* rest is "" or "/…" */
	if (strlen(joined) >= PATH_MAX) {
		free(joined);
		errno = ENAMETOOLONG;
		return -1;
	}
	free(walk->rest);
	walk->rest = joined;
	return 0;
}

/* One component on the way, which must become a directory. */
static int step_into(struct walk *walk, const char *name)
{
	auto_fd fd = openat(here(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (is_link(fd))
		return follow(walk, fd);
	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return enter(walk, take_fd(&fd));
}

/* The last component, with the caller's flags. *ret_fd stays -1 if it was a link that the
 * walk has to go on with. */
static int open_last(
	struct walk *walk, const char *name, int flags, mode_t mode, int *ret_fd)
{
	bool keep_link = flags & O_NOFOLLOW || (flags & O_CREAT && flags & O_EXCL);

	if (!keep_link) {
		auto_fd fd = openat(here(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 && is_link(fd))
			return follow(walk, fd);
	}
	*ret_fd = openat(here(walk), name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	return *ret_fd < 0 ? -1 : 0;
}

static bool only_slashes(const char *text)
{
	return !text[strspn(text, "/")];
}

static int resolve(struct walk *walk, int flags, mode_t mode, int *ret_fd)
{
	char name[NAME_MAX + 2];

	while (next_component(walk, name)) {
		bool slash = *walk->rest == '/';
		bool last = only_slashes(walk->rest);

		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			leave_to(walk, MAX(walk->depth - 1, 1u));
			continue;
		}
		if (!last) {
			if (step_into(walk, name) < 0)
				return -1;
			continue;
		}
		if (open_last(walk, name, slash ? flags | O_DIRECTORY : flags, mode,
			    ret_fd) < 0)
			return -1;
		if (*ret_fd >= 0)
			return 0;
	}
	/* The path ended in a directory that is open already. */
	*ret_fd = openat(here(walk), ".", (flags & ~(O_CREAT | O_EXCL)) | O_CLOEXEC, 0);
	return *ret_fd < 0 ? -1 : 0;
}

int path_walk_open(int root_fd, const char *path, int flags, mode_t mode)
{
	struct walk walk = { .rest = str_dup(path) };
	int fd = -1;
	int root = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0 && enter(&walk, root) == 0 && *path == '\0')
		errno = ENOENT;
	else if (root >= 0)
		(void)!resolve(&walk, flags, mode, &fd); /* fd stays -1, errno is set */
	leave_to(&walk, 0);
	cleanup_free(&walk.rest);
	return fd;
}
