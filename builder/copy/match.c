/*
 * Component by component: a fixed one is merely joined, one with wildcards is compared
 * with the names of its directory, `**` descends.
 */
#include "builder/copy/match.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/descent.h"
#include "base/path.h"
#include "builder/copy/glob.h"

struct matcher {
	int root_fd;
	const struct ignore *ignore;
	struct strings components;
	struct strings *found;
	unsigned depth;
	struct error *err;
};

static int descend(struct matcher *matcher, const char *path, size_t component);

static char *join(const char *directory, const char *name)
{
	return *directory ? str_format("%s/%s", directory, name) : str_dup(name);
}

/* The names in a directory; none of what is no directory. */
static int list(struct matcher *matcher, const char *path, struct strings *ret)
{
	auto_fd fd = path_try_open_in_root(
		matcher->root_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 && (errno == ENOTDIR || errno == ENOENT || errno == ELOOP))
		return 0;
	if (fd < 0)
		return fail_errno(matcher->err, "opening %s", path);
	return path_names(fd, path, ret, matcher->err);
}

/* A link among the names below `**` is matched, but not descended into. */
static bool is_real_directory(struct matcher *matcher, const char *path)
{
	int fd = path_try_open_in_root(
		matcher->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* No directory, then one after the other. */
static int match_directories(struct matcher *matcher, const char *path, size_t component)
{
	auto_strings names = { 0 };

	if (descend(matcher, path, component + 1) < 0 || list(matcher, path, &names) < 0)
		return -1;
	strings_each (name, &names) {
		auto_free char *child = join(path, *name);

		if (is_real_directory(matcher, child) &&
			descend(matcher, child, component) < 0)
			return -1;
	}
	return 0;
}

static int match_names(struct matcher *matcher, const char *path, size_t component)
{
	auto_glob glob = { 0 };
	auto_strings names = { 0 };

	if (glob_compile(matcher->components.items[component], &glob, matcher->err) < 0 ||
		list(matcher, path, &names) < 0)
		return -1;
	strings_each (name, &names) {
		auto_free char *child = join(path, *name);

		if (glob_matches(&glob, *name) &&
			descend(matcher, child, component + 1) < 0)
			return -1;
	}
	return 0;
}

static void found(struct matcher *matcher, const char *path)
{
	int fd;

	if (!*path || strings_contain(matcher->found, path))
		return;
	fd = path_try_open_in_root(matcher->root_fd, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return;
	close(fd);
	strings_add(matcher->found, path);
}

static int descend(struct matcher *matcher, const char *path, size_t component)
{
	const char *name;
	int result;

	if (component == matcher->components.count) {
		found(matcher, path);
		return 0;
	}
	if (++matcher->depth > DESCENT_MAX)
		return fail(matcher->err, "%s: directories are nested more than %d deep",
			path, DESCENT_MAX);
	name = matcher->components.items[component];
	if (strcmp(name, "**") == 0) {
		result = match_directories(matcher, path, component);
	} else if (glob_is_special(name)) {
		result = match_names(matcher, path, component);
	} else {
		auto_free char *child = join(path, name);

		result = descend(matcher, child, component + 1);
	}
	matcher->depth--;
	return result;
}

int match_paths(int root_fd, const char *pattern, const struct ignore *ignore,
	struct strings *ret, struct error *err)
{
	auto_strings matches = { 0 };
	struct matcher matcher = {
		.root_fd = root_fd, .ignore = ignore, .found = &matches, .err = err
	};
	int result;

	strings_split(&matcher.components, pattern, '/');
	result = descend(&matcher, "", 0);
	strings_free(&matcher.components);
	strings_each (path, &matches)
		if (!ignore || !ignore_matches(ignore, *path) ||
			ignore_may_except_below(ignore, *path))
			strings_add(ret, *path);
	return result;
}
