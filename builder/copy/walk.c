/*
 * copy_walk(): per source, resolve() finds the paths that it means, walk_named() opens
 * what they lead to (through links, beneath the root), walk_directory() goes down from
 * there, where links are entries like others.
 *
 * A directory that an ignore rule hides, but below which an exception may show something,
 * is a frame that is not announced until something below it is.
 */
#include "builder/copy/walk.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/descent.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "builder/copy/match.h"

struct walk {
	const struct copy_request *request;
	const struct copy_source *source;
	const struct copy_visitor *visitor;
	struct ignore exclude;
	struct str path;
	struct str target;
	size_t below; /* where in `path` the part begins that --exclude sees */
	bool only_match;
	struct descent descent;
	struct error *err;
};

struct frame {
	struct frame *up;
	struct copy_entry entry;
	size_t path_length;
	size_t target_length;
	bool announced;
	struct ignore_level ignore;
	struct ignore_level exclude;
};

static const char *text_of(const struct str *str)
{
	return str->data ? str->data : "";
}

static void append_name(struct str *str, const char *name)
{
	if (str->length)
		str_append_char(str, '/');
	str_append(str, name);
}

static void truncate_to(struct str *str, size_t length)
{
	str->length = length;
	if (str->data)
		str->data[length] = '\0';
}

/* ---- announcing ---- */

/* Calls the visitor for the directory of the frame, with the names as they were there. */
static int call_for_frame(struct walk *walk, struct frame *frame,
	int (*call)(void *, const struct copy_entry *, struct error *))
{
	auto_free char *path = str_dup_n(text_of(&walk->path), frame->path_length);
	auto_free char *target = str_dup_n(text_of(&walk->target), frame->target_length);

	frame->entry.path = path;
	frame->entry.target = target;
	return call(walk->visitor->argument, &frame->entry, walk->err);
}

static int announce(struct walk *walk, struct frame *frame)
{
	if (!frame || frame->announced)
		return 0;
	if (announce(walk, frame->up) < 0)
		return -1;
	frame->announced = true;
	return call_for_frame(walk, frame, walk->visitor->enter);
}

static int leave(struct walk *walk, struct frame *frame)
{
	return frame->announced ? call_for_frame(walk, frame, walk->visitor->leave) : 0;
}

/* ---- going down ---- */

static int walk_entries(struct walk *walk, struct frame *frame);

static int walk_directory(struct walk *walk, struct frame *up, struct copy_entry *entry,
	struct ignore_level ignore, struct ignore_level exclude)
{
	struct frame frame = {
		.up = up,
		.entry = *entry,
		.path_length = walk->path.length,
		.target_length = walk->target.length,
		.ignore = ignore,
		.exclude = exclude,
	};
	int result = 0;

	if (!ignore.ignored && !exclude.ignored)
		result = announce(walk, &frame);
	if (result == 0)
		result = walk_entries(walk, &frame);
	if (result == 0)
		result = leave(walk, &frame);
	return result;
}

static int walk_subdirectory(struct walk *walk, struct frame *up,
	struct copy_entry *entry, struct ignore_level ignore, struct ignore_level exclude)
{
	const char *path = text_of(&walk->path);
	auto_fd fd = -1;
	int result;

	if (ignore.ignored && !ignore_may_except_below(walk->source->ignore, path))
		return 0;
	if (exclude.ignored &&
		!ignore_may_except_below(&walk->exclude, path + walk->below))
		return 0;
	if (descent_open(&walk->descent, entry->parent_fd, entry->name, &fd, walk->err) <
		0)
		return fail_while(walk->err, "%.200s", path);
	entry->fd = fd;
	result = walk_directory(walk, up, entry, ignore, exclude);
	descent_back(&walk->descent);
	return result;
}

/* The path and target of the entry stand in `walk`. */
static int walk_entry(struct walk *walk, struct frame *up, const char *name)
{
	struct copy_entry entry = {
		.parent_fd = up->entry.fd,
		.name = name,
		.fd = -1,
	};
	const char *path = text_of(&walk->path);
	struct ignore_level ignore, exclude;
	int result = 0;

	if (fstatat(entry.parent_fd, name, &entry.st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(walk->err, "reading %s", path);
	ignore = ignore_descend(walk->source->ignore, &up->ignore, path);
	exclude = ignore_descend(&walk->exclude, &up->exclude, path + walk->below);
	if (S_ISDIR(entry.st.st_mode)) {
		result = walk_subdirectory(walk, up, &entry, ignore, exclude);
	} else if (!ignore.ignored && !exclude.ignored) {
		entry.path = path;
		entry.target = text_of(&walk->target);
		result = announce(walk, up);
		if (result == 0)
			result = walk->visitor->file(
				walk->visitor->argument, &entry, walk->err);
	}
	ignore_level_free(&ignore);
	ignore_level_free(&exclude);
	return result;
}

static int walk_entries(struct walk *walk, struct frame *frame)
{
	auto_strings names = { 0 };
	int result = 0;

	if (path_names(frame->entry.fd, text_of(&walk->path), &names, walk->err) < 0)
		return -1;
	strings_each (name, &names) {
		append_name(&walk->path, *name);
		append_name(&walk->target, *name);
		result = walk_entry(walk, frame, *name);
		truncate_to(&walk->path, frame->path_length);
		truncate_to(&walk->target, frame->target_length);
		if (result < 0)
			break;
	}
	return result;
}

/* ---- what a source names ---- */

/* The state of the ignore rules at a path, its parents considered. */
static struct ignore_level level_at(const struct ignore *ignore, const char *path)
{
	struct ignore_level level = { 0 };

	for (const char *end = path; *end;) {
		auto_free char *prefix = NULL;
		struct ignore_level below;

		end += strcspn(end, "/");
		prefix = str_dup_n(path, (size_t)(end - path));
		below = ignore_descend(ignore, &level, prefix);
		ignore_level_free(&level);
		level = below;
		end += *end == '/';
	}
	return level;
}

static int not_found(struct walk *walk, const char *path)
{
	return fail_code(
		walk->err, ENOENT, "\"%s\" is not in %s", path, walk->source->what);
}

/* Opens by its identity what an O_PATH descriptor is of. */
static int reopen(int fd, int flags)
{
	return open(fd_path(fd).text, flags | O_CLOEXEC);
}

static int open_named(struct walk *walk, const char *path, struct copy_entry *ret)
{
	auto_fd fd = path_try_open_in_root(
		walk->source->root_fd, *path ? path : ".", O_PATH, 0);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return not_found(walk, path);
	if (fd < 0)
		return fail_errno(walk->err, "opening %s", path);
	if (fstat(fd, &ret->st) < 0)
		return fail_errno(walk->err, "reading %s", path);
	if (!S_ISDIR(ret->st.st_mode) && !S_ISREG(ret->st.st_mode))
		return fail(walk->err, "\"%s\" of %s is no file and no directory", path,
			walk->source->what);
	ret->fd = reopen(fd, O_RDONLY | O_NONBLOCK);
	if (ret->fd < 0)
		return fail_errno(walk->err, "opening %s", path);
	return 0;
}

static int call_for_ancestor(struct walk *walk, const char *path, const char *target,
	int (*call)(void *, const struct copy_entry *, struct error *))
{
	struct copy_entry entry = { .parent_fd = -1, .fd = -1, .ancestor = true };
	int result = open_named(walk, path, &entry);

	entry.name = path_base(path);
	entry.path = path;
	entry.target = target;
	if (result == 0)
		result = call(walk->visitor->argument, &entry, walk->err);
	if (entry.fd >= 0)
		close(entry.fd);
	return result;
}

/* --parents: the directories between the pivot and the path; all are entered one after
 * the other and left in reverse order. */
static int visit_ancestors(
	struct walk *walk, const char *path, size_t pivot, bool entering)
{
	auto_strings targets = { 0 };

	if (!walk->request->parents)
		return 0;
	for (const char *slash = strchr(path + pivot, '/'); slash;
		slash = strchr(slash + 1, '/'))
		strings_add_take(
			&targets, str_dup_n(path + pivot,
					  (size_t)(slash - path - (ptrdiff_t)pivot)));
	for (size_t i = 0; i < targets.count; i++) {
		const char *target = targets.items[entering ? i : targets.count - 1 - i];
		auto_free char *whole = str_dup_n(path, pivot + strlen(target));

		if (call_for_ancestor(walk, whole, target,
			    entering ? walk->visitor->enter : walk->visitor->leave) < 0)
			return -1;
	}
	return 0;
}

static int walk_opened(struct walk *walk, struct copy_entry *entry)
{
	struct ignore_level ignore = level_at(walk->source->ignore, text_of(&walk->path));
	struct ignore_level exclude = { 0 };
	bool directory = S_ISDIR(entry->st.st_mode);
	bool hidden = ignore.ignored;
	int result = 0;

	entry->path = text_of(&walk->path);
	entry->target = text_of(&walk->target);
	if (directory && ignore_may_except_below(walk->source->ignore, entry->path))
		hidden = false;
	if (!directory)
		exclude = level_at(&walk->exclude, path_base(entry->path));
	if (hidden)
		result = fail_code(walk->err, ENOENT,
			"\"%s\" is not in %s: the ignore file leaves it out", entry->path,
			walk->source->what);
	else if (directory)
		result = walk_directory(walk, NULL, entry, ignore, exclude);
	else if (!exclude.ignored)
		result = walk->visitor->file(walk->visitor->argument, entry, walk->err);
	ignore_level_free(&ignore);
	ignore_level_free(&exclude);
	return result;
}

/* What a source names may be a link to what the ignore file hides: the rules look at the
 * path that it leads to. */
static void append_real_path(struct walk *walk, const char *path, int fd)
{
	char root[PATH_MAX] = "", real[PATH_MAX] = "";
	const char *rest;

	if (walk->source->ignore && fd >= 0 &&
		readlink(fd_path(walk->source->root_fd).text, root, sizeof(root) - 1) >
			0 &&
		readlink(fd_path(fd).text, real, sizeof(real) - 1) > 0) {
		rest = str_after(real, strcmp(root, "/") == 0 ? "" : root);
		if (rest && *rest == '/')
			path = rest + 1;
	}
	str_append(&walk->path, path);
	walk->below = walk->path.length ? walk->path.length + 1 : 0;
}

/* `pivot`: where in the path its part begins that --parents keeps. */
static int walk_named(struct walk *walk, const char *path, size_t pivot)
{
	struct copy_entry entry = {
		.parent_fd = -1,
		.name = path_base(path),
		.fd = -1,
		.named = true,
		.only_match = walk->only_match,
	};
	int result = open_named(walk, path, &entry);

	truncate_to(&walk->path, 0);
	truncate_to(&walk->target, 0);
	append_real_path(walk, path, entry.fd);
	if (walk->request->parents)
		str_append(&walk->target, path + pivot);
	else if (result == 0 && !S_ISDIR(entry.st.st_mode))
		str_append(&walk->target, entry.name);
	if (result == 0)
		result = visit_ancestors(walk, path, pivot, true);
	if (result == 0)
		result = walk_opened(walk, &entry);
	if (result == 0)
		result = visit_ancestors(walk, path, pivot, false);
	if (entry.fd >= 0)
		close(entry.fd);
	return result;
}

/* A source as a clean path without leading slash; ret_pivot is what "/./" marks. */
static char *clean_source(const char *source, size_t *ret_pivot)
{
	const char *mark = strstr(source, "/./");
	auto_free char *rooted = str_format("/%s", source);
	auto_free char *cleaned = path_clean(rooted);

	*ret_pivot = 0;
	if (mark) {
		auto_free char *before =
			str_format("/%.*s", (int)(mark - source), source);
		auto_free char *clean_before = path_clean(before);
		size_t length = strlen(clean_before + 1);

		*ret_pivot = length ? length + 1 : 0;
	}
	*ret_pivot = MIN(*ret_pivot, strlen(cleaned + 1));
	return str_dup(cleaned + 1);
}

static int walk_source(struct walk *walk, const char *source)
{
	auto_strings paths = { 0 };
	size_t pivot;
	auto_free char *path = clean_source(source, &pivot);

	walk->only_match = walk->request->sources.count + walk->request->text_count == 1;
	if (!glob_is_special(path))
		return walk_named(walk, path, pivot);
	if (match_paths(walk->source->root_fd, path, walk->source->ignore, &paths,
		    walk->err) < 0)
		return -1;
	/* As in BuildKit, where "file.txt*" is the way to say "if any". */
	if (paths.count == 0 && walk->visitor->warns)
		log_warning("\"%s\" matches nothing in %s", source, walk->source->what);
	walk->only_match &= paths.count == 1;
	strings_each (match, &paths)
		if (walk_named(walk, *match, MIN(pivot, strlen(*match))) < 0)
			return -1;
	return 0;
}

int copy_walk(const struct copy_request *request, const struct copy_source *source,
	const struct copy_visitor *visitor, struct error *err)
{
	struct walk walk = {
		.request = request,
		.source = source,
		.visitor = visitor,
		.descent = descent_begin(),
		.err = err,
	};
	int result = 0;

	strings_each (pattern, &request->exclude)
		if (result == 0)
			result = ignore_add(&walk.exclude, *pattern, err);
	strings_each (item, &request->sources)
		if (result == 0 && !copy_source_is_url(*item) &&
			!copy_source_is_git(*item))
			result = walk_source(&walk, *item);
	descent_end(&walk.descent);
	ignore_free(&walk.exclude);
	str_free(&walk.path);
	str_free(&walk.target);
	return result;
}

int copy_entry_open(struct copy_entry *entry, int *ret_fd, struct error *err)
{
	auto_fd fd = -1;

	if (entry->fd >= 0)
		fd = reopen(entry->fd, O_RDONLY | O_NONBLOCK);
	else
		fd = openat(entry->parent_fd, entry->name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s", entry->path);
	if (fstat(fd, &entry->st) < 0)
		return fail_errno(err, "reading %s", entry->path);
	if (!S_ISREG(entry->st.st_mode))
		return fail(err, "%s was exchanged while it was copied", entry->path);
	*ret_fd = take_fd(&fd);
	return 0;
}
