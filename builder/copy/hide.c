/*
 * hide_ignored(): the walk of a directory and, beside it, of the directory of whiteouts.
 * The latter is made only where it gets one, with the attributes of the former: it is the
 * one whose attributes the overlay shows.
 */
#include "builder/copy/hide.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descent.h"
#include "base/path.h"
#include "builder/rootfs/overlay_marks.h"

struct hiding {
	const struct ignore *ignore;
	int hide_fd;
	bool any;
	struct descent descent;
	struct error *err;
};

/* One directory of the walk. */
struct level {
	struct level *up;
	const char *path; /* beneath the context; "" is the context */
	int fd;
	struct ignore_level ignore;
};

static int copy_owner_and_mode(struct hiding *hiding, const struct level *level, int to)
{
	struct stat st;

	if (fstat(level->fd, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
		fchmod(to, st.st_mode & 07777) < 0)
		return fail_errno(
			hiding->err, "hiding what is ignored in \"%s\"", level->path);
	return 0;
}

/* The directory of whiteouts that stands for the level, made with all that are above. */
static int open_place(struct hiding *hiding, const struct level *level, int *ret_fd)
{
	auto_fd above = -1;
	auto_fd fd = -1;
	const char *name = path_base(level->path);
	bool made;

	if (!level->up) {
		fd = openat(hiding->hide_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		if (open_place(hiding, level->up, &above) < 0)
			return -1;
		made = mkdirat(above, name, 0700) == 0;
		if (made || errno == EEXIST)
			fd = openat(above, name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return fail_errno(
			hiding->err, "hiding what is ignored in \"%s\"", level->path);
	if (copy_owner_and_mode(hiding, level, fd) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Whatever was made below a name that goes as a whole goes first. */
static int add_whiteout(
	struct hiding *hiding, const struct level *level, const char *name)
{
	auto_fd place = -1;

	if (open_place(hiding, level, &place) < 0 ||
		path_remove_tree(place, name, hiding->err) < 0)
		return -1;
	if (overlay_make_whiteout(place, name) < 0)
		return fail_errno(hiding->err, "hiding \"%s/%s\"", level->path, name);
	hiding->any = true;
	return 0;
}

static int walk(struct hiding *hiding, struct level *level, bool *ret_visible);

/* An ignored directory goes as a whole unless an exception shows something in it. */
static int walk_directory(struct hiding *hiding, struct level *up, const char *name,
	struct level *level, bool *ret_visible)
{
	auto_fd fd = -1;
	bool visible = false;

	if (level->ignore.ignored &&
		!ignore_may_except_below(hiding->ignore, level->path))
		return add_whiteout(hiding, up, name);
	if (descent_open(&hiding->descent, up->fd, name, &fd, hiding->err) < 0)
		return -1;
	level->fd = fd;
	if (walk(hiding, level, &visible) < 0)
		return -1;
	descent_back(&hiding->descent);
	visible |= !level->ignore.ignored;
	*ret_visible |= visible;
	return visible ? 0 : add_whiteout(hiding, up, name);
}

static int walk_entry(
	struct hiding *hiding, struct level *up, const char *name, bool *ret_visible)
{
	auto_free char *path = *up->path ? path_join(up->path, name) : str_dup(name);
	struct level level = {
		.up = up,
		.path = path,
		.fd = -1,
		.ignore = ignore_descend(hiding->ignore, &up->ignore, path),
	};
	struct stat st;
	int result = 0;

	if (fstatat(up->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		result = fail_errno(hiding->err, "reading %s", path);
	else if (S_ISDIR(st.st_mode))
		result = walk_directory(hiding, up, name, &level, ret_visible);
	else if (level.ignore.ignored)
		result = add_whiteout(hiding, up, name);
	else
		*ret_visible = true;
	ignore_level_free(&level.ignore);
	return result;
}

static int walk(struct hiding *hiding, struct level *level, bool *ret_visible)
{
	auto_strings names = { 0 };
	int result = 0;

	if (path_names(level->fd, level->path, &names, hiding->err) < 0)
		return -1;
	strings_each (name, &names)
		if (result == 0)
			result = walk_entry(hiding, level, *name, ret_visible);
	return result;
}

/* From the top down to the path, each component one level; then the walk below it. */
static int descend(struct hiding *hiding, struct level *up, const char *rest)
{
	auto_free char *name = str_dup_n(rest, strcspn(rest, "/"));
	auto_free char *path = NULL;
	struct level level = { .up = up, .fd = -1 };
	auto_fd fd = -1;
	bool visible = false;
	int result;

	if (!*rest)
		return walk(hiding, up, &visible);
	path = *up->path ? path_join(up->path, name) : str_dup(name);
	level.path = path;
	level.ignore = ignore_descend(hiding->ignore, &up->ignore, path);
	rest += strlen(name);
	rest += strspn(rest, "/");
	fd = openat(up->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	level.fd = fd;
	if (level.ignore.ignored && !ignore_may_except_below(hiding->ignore, path))
		result = fail_code(hiding->err, ENOENT,
			"\"%s\" is not in the build context: the ignore file leaves it out",
			path);
	else if (fd < 0 && (*rest || errno != ENOTDIR))
		result = fail_errno(hiding->err, "opening %s", path);
	else
		result = fd < 0 ? 0 : descend(hiding, &level, rest);
	ignore_level_free(&level.ignore);
	return result;
}

int hide_ignored(int root_fd, const char *path, const struct ignore *ignore, int hide_fd,
	bool *ret_any, struct error *err)
{
	struct hiding hiding = { .ignore = ignore, .hide_fd = hide_fd, .err = err };
	struct level top = { .path = "", .fd = root_fd };
	int result = 0;

	if (ignore && ignore->count > 0) {
		hiding.descent = descent_begin();
		result = descend(&hiding, &top, path + strspn(path, "/"));
		descent_end(&hiding.descent);
	}
	if (result == 0)
		*ret_any = hiding.any;
	return result;
}
