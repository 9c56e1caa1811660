/*
 * Removing the container's directories, and those that it made inside, deepest first.
 * Processes that are on their way out hold a directory for a moment: version 2 tells when
 * the last has gone; for version 1 the waits grow from 50 µs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"
#include "runtime/process/procfs.h"

#define DEPTH_MAX    64
#define PAUSE_MAX_NS 5000000

static int remove_tree(const char *path, unsigned depth);

static int remove_children(const char *path, unsigned depth)
{
	const struct dirent *entry;
	auto_dir dir = opendir(path);

	if (!dir)
		return errno == ENOENT ? 0 : errno;
	while ((entry = path_next(dir))) {
		auto_free char *child = NULL;
		int errnum;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = path_join(path, entry->d_name);
		if ((errnum = remove_tree(child, depth + 1)))
			return errnum;
	}
	return errno;
}

/* rmdir of the tree; 0 or an errno. */
static int remove_tree(const char *path, unsigned depth)
{
	int errnum;

	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EBUSY && errno != ENOTEMPTY) || depth > DEPTH_MAX)
		return errno;
	if ((errnum = remove_children(path, depth)))
		return errnum;
	return rmdir(path) == 0 || errno == ENOENT ? 0 : errno;
}

/* Until the last process has left, or for a moment. */
static void wait_a_moment(const struct cgroup_dir *dir, long *pause_ns, int64_t deadline)
{
	struct timespec pause = { .tv_nsec = *pause_ns };
	auto_free char *events = path_join(dir->path, "cgroup.events");
	auto_fd fd = -1;
	char text[256] = "";

	*pause_ns = MIN(*pause_ns * 2, PAUSE_MAX_NS);
	if (str_equal(dir->hierarchy, CGROUP_UNIFIED))
		fd = open(events, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
		strstr(text, "populated 1")) {
		struct pollfd change = { .fd = fd, .events = POLLPRI };
		int64_t left = (deadline - clock_ns()) / 1000000;

		(void)poll(&change, 1,
			left > 0 ? (int)left : 0); /* the caller looks again */
		return;
	}
	(void)nanosleep(&pause, NULL); /* likewise */
}

static int explain(const struct cgroup_dir *dir, int errnum, struct error *err)
{
	auto_cgroup_pids pids = { 0 };
	auto_str who = { 0 };
	struct error ignored;

	errno = errnum;
	(void)fail_errno(err, "removing the cgroup %s", dir->path);
	if (errnum != EBUSY || cgroup_pids_in(dir->path, &pids, &ignored) < 0 ||
		!pids.count)
		return -1;
	for (size_t i = 0; i < pids.count && i < 5; i++) {
		str_append(&who, i ? ", " : "");
		procfs_describe(pids.items[i], &who);
	}
	return fail_hint(err,
		"it is held by %zu processes: %s%s; delete again once they end",
		pids.count, who.data, pids.count > 5 ? " ..." : "");
}

/* The parents that we made go too, unless others are in them by now. */
static void remove_parents(const struct cgroup_dir *dir)
{
	auto_free char *path = path_parent(dir->path);

	for (uint32_t level = 1; level < dir->made; level++) {
		char *above;

		if (rmdir(path) < 0)
			return;
		above = path_parent(path);
		free(take_ptr(&path));
		path = above;
	}
}

static int remove_dir(const struct cgroup *cgroup, const struct cgroup_dir *dir,
	int64_t deadline, struct error *err)
{
	bool ours = dir->made || cgroup->unit; /* systemd's are gone, or to be hurried */
	long pause_ns = 50000;
	int errnum;

	while ((errnum = ours ? remove_tree(dir->path, 0)
			      : remove_children(dir->path, 0))) {
		if (errnum != EBUSY || clock_ns() >= deadline)
			return explain(dir, errnum, err);
		wait_a_moment(dir, &pause_ns, deadline);
	}
	remove_parents(dir);
	return 0;
}

int cgroup_remove(const struct cgroup *cgroup, int timeout_ms, struct error *err)
{
	int64_t deadline = clock_ns() + (int64_t)timeout_ms * 1000000;
	int result = 0;

	if (cgroup->unit && cgroup_systemd_stop(cgroup, err) < 0)
		return -1;
	/* All of them are tried; the first failure is the one to be told. */
	for (size_t i = cgroup->dirs_count; i-- > 0;) {
		struct error another;

		if (remove_dir(cgroup, &cgroup->dirs[i], deadline,
			    result ? &another : err) < 0)
			result = -1;
	}
	return result;
}

void cgroup_undo(const struct cgroup *cgroup)
{
	struct error ignored; /* undo of a failure that is told already */

	if (cgroup_remove(cgroup, 1000, &ignored) < 0)
		return;
}
