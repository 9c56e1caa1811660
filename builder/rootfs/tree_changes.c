/*
 * tree_remember() walks a tree and keeps of each name what tells whether it is touched
 * later; tree_write_changes() walks it again beside that. A file that was written, linked
 * or given attributes has another time of change, one that was exchanged another inode.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/rootfs/overlay_marks.h"
#include "builder/rootfs/tree.h"
#include "builder/rootfs/tree_internal.h"

#define TICK_NS 1000000 /* 1 ms */

struct tree_entry {
	char *name;
	ino_t inode;
	mode_t mode;
	struct timespec changed;
	struct tree_listing *below; /* of a directory */
};

/* A directory, sorted by names. */
struct tree_listing {
	struct timespec changed;
	struct tree_entry *entries;
	size_t count;
};

void tree_listing_free(struct tree_listing *listing)
{
	if (!listing)
		return;
	for (size_t i = 0; i < listing->count; i++) {
		free(listing->entries[i].name);
		tree_listing_free(listing->entries[i].below);
	}
	free(listing->entries);
	free(listing);
}

void tree_listing_cleanup(struct tree_listing **listing)
{
	tree_listing_free(*listing);
}

/* ---- before ---- */

static int remember(
	struct descent *descent, int fd, struct tree_listing **ret, struct error *err);

static int remember_entry(struct descent *descent, int fd, const char *name,
	struct tree_listing *listing, struct error *err)
{
	struct tree_entry *entry;
	auto_fd below = -1;
	struct stat stat;

	if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "looking at %s", name);
	listing->entries =
		str_grow(listing->entries, listing->count, sizeof(*listing->entries));
	entry = &listing->entries[listing->count++];
	*entry = (struct tree_entry){
		.name = str_dup(name),
		.inode = stat.st_ino,
		.mode = stat.st_mode,
		.changed = stat.st_ctim,
	};
	if (!S_ISDIR(stat.st_mode))
		return 0;
	if (descent_open(descent, fd, name, &below, err) < 0 ||
		remember(descent, below, &entry->below, err) < 0)
		return -1;
	descent_back(descent);
	return 0;
}

static int remember(
	struct descent *descent, int fd, struct tree_listing **ret, struct error *err)
{
	auto_tree_listing listing = str_alloc(sizeof(*listing));
	auto_strings names = { 0 };
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "looking at a directory");
	listing->changed = stat.st_ctim;
	if (path_names(fd, "a directory", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (remember_entry(descent, fd, *name, listing, err) < 0)
			return -1;
	}
	*ret = take_ptr(&listing);
	return 0;
}

/* Times of change come from a clock that ticks some hundred times a second: what changes
 * later must be later by it. */
static void await_tick(void)
{
	const struct timespec pause = { .tv_nsec = TICK_NS };
	struct timespec start, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &start);
	do {
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == start.tv_sec && now.tv_nsec == start.tv_nsec);
}

int tree_remember(int fd, const char *name, struct tree_listing **ret, struct error *err)
{
	auto_descent descent = descent_begin();

	if (remember(&descent, fd, ret, err) < 0)
		return fail_while(err, "looking at %s before it changes", name);
	await_tick();
	return 0;
}

/* ---- after ---- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static const struct tree_entry *find(const struct tree_listing *listing, const char *name)
{
	size_t low = 0, high = listing ? listing->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, listing->entries[middle].name);

		if (order == 0)
			return &listing->entries[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int write_whiteouts(const struct tree_listing *before, const struct strings *now,
	int upper_fd, bool *ret_any, struct error *err)
{
	size_t next = 0; /* both are sorted */

	for (size_t i = 0; before && i < before->count; i++) {
		const char *name = before->entries[i].name;

		while (next < now->count && strcmp(now->items[next], name) < 0)
			next++;
		if (next < now->count && strcmp(now->items[next], name) == 0)
			continue;
		if (overlay_make_whiteout(upper_fd, name) < 0)
			return fail_errno(err, "making the whiteout of %s", name);
		*ret_any = true;
	}
	return 0;
}

static int write_directory(struct copier *copier, const struct tree_listing *before,
	int fd, int upper_fd, bool *ret_any, struct error *err);

/* A directory that is another than before hides what that one held. */
static int write_subdirectory(struct copier *copier, const struct tree_entry *before,
	int fd, int upper_fd, const char *name, const struct stat *stat, bool *ret_any,
	struct error *err)
{
	bool same = before && before->inode == stat->st_ino && before->below;
	bool any = !same || !same_time(&before->changed, &stat->st_ctim);
	auto_fd from = -1;
	auto_fd to = -1;
	size_t length;

	if (copier_enter(copier, fd, name, &from, &length, err) < 0)
		return -1;
	if (mkdirat(upper_fd, name, 0700) < 0)
		return fail_errno(err, "making %s", name);
	if (tree_open_below(upper_fd, name, &to, err) < 0)
		return -1;
	if (before && !same && overlay_mark_opaque(to) < 0)
		return fail_errno(err, "marking %s as opaque", name);
	if (write_directory(copier, same ? before->below : NULL, from, to, &any, err) < 0)
		return -1;
	copier_leave(copier, length);
	*ret_any |= any;
	if (any)
		return tree_copy_attributes(fd, upper_fd, name, stat, err);
	return unlinkat(upper_fd, name, AT_REMOVEDIR) < 0
		       ? fail_errno(err, "removing %s", name)
		       : 0;
}

static int write_entry(struct copier *copier, const struct tree_entry *before, int fd,
	int upper_fd, const char *name, bool *ret_any, struct error *err)
{
	struct stat stat;

	if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "looking at %s", name);
	if (S_ISDIR(stat.st_mode))
		return write_subdirectory(
			copier, before, fd, upper_fd, name, &stat, ret_any, err);
	if (before && before->inode == stat.st_ino &&
		(before->mode & S_IFMT) == (stat.st_mode & S_IFMT) &&
		same_time(&before->changed, &stat.st_ctim))
		return 0;
	*ret_any = true;
	return copier_add(copier, fd, upper_fd, name, &stat, err);
}

static int write_directory(struct copier *copier, const struct tree_listing *before,
	int fd, int upper_fd, bool *ret_any, struct error *err)
{
	auto_strings now = { 0 };

	if (path_names(fd, "a directory", &now, err) < 0)
		return -1;
	strings_each (name, &now) {
		if (write_entry(copier, find(before, *name), fd, upper_fd, *name, ret_any,
			    err) < 0)
			return -1;
	}
	return write_whiteouts(before, &now, upper_fd, ret_any, err);
}

int tree_write_changes(const struct tree_listing *before, int fd, int upper_fd,
	const char *name, struct error *err)
{
	auto_copier copier = { .target_fd = upper_fd, .descent = descent_begin() };
	bool any = false;
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "looking at %s", name);
	if (write_directory(&copier, before, fd, upper_fd, &any, err) < 0)
		return fail_while(err, "taking over what changed in %s%.200s", name,
			copier.path.data ? copier.path.data : "");
	return tree_copy_attributes(fd, upper_fd, ".", &stat, err);
}
