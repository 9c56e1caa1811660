/*
 * Stopping and resuming all processes of a container. Version 1's freezer is asked again
 * and again until it has caught every process; version 2 tells by an event.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"

#define TIMEOUT_MS 10000
#define DEPTH_MAX  64

static int read_state(const char *file, char **ret, struct error *err)
{
	if (file_read_at(AT_FDCWD, file, 4096, ret, NULL, err) < 0)
		return -1;
	(*ret)[strcspn(*ret, "\n")] = '\0';
	return 0;
}

/* The directory in which a container is frozen: version 1's, where it has one. NULL where
 * nothing can be. */
static const struct cgroup_dir *freezing_dir(const struct cgroup *cgroup, bool *ret_v1)
{
	const struct cgroup_dir *v1 = cgroup_dir_of(cgroup, "freezer");

	*ret_v1 = v1;
	return v1 ? v1 : cgroup_unified(cgroup);
}

/* What is written to freeze and thaw. Owned by the caller. */
static char *switch_of(const struct cgroup_dir *dir, bool v1)
{
	return path_join(dir->path, v1 ? "freezer.state" : "cgroup.freeze");
}

static int timed_out(struct error *err)
{
	return fail(err, "not all processes stopped in %d seconds", TIMEOUT_MS / 1000);
}

/* A process that forks or execs meanwhile can leave the freezer at FREEZING: asking for
 * the same again makes it look once more. */
static int freeze_v1(const char *file, struct error *err)
{
	int64_t deadline = clock_ms() + TIMEOUT_MS;
	long pause_ns = 20000;

	do {
		auto_free char *state = NULL;
		struct timespec pause = { .tv_nsec = pause_ns };

		if (file_write_at(AT_FDCWD, file, "FROZEN", err) < 0 ||
			read_state(file, &state, err) < 0)
			return -1;
		if (str_equal(state, "FROZEN"))
			return 0;
		(void)nanosleep(&pause, NULL); /* woken early: it asks once more */
		pause_ns = MIN(pause_ns * 2, 10000000);
	} while (clock_ms() < deadline);
	return timed_out(err);
}

/* Waits for "frozen 1" in cgroup.events, whose changes show as POLLPRI. */
static int freeze_v2(const char *file, const char *events, struct error *err)
{
	auto_fd fd = open(events, O_RDONLY | O_CLOEXEC);
	int64_t deadline = clock_ms() + TIMEOUT_MS;

	if (fd < 0)
		return fail_errno(err, "opening %s", events);
	if (file_write_at(AT_FDCWD, file, "1", err) < 0)
		return -1;
	for (;;) {
		char text[256];
		ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
		struct pollfd wait = { .fd = fd, .events = POLLPRI };
		int64_t left = deadline - clock_ms();

		if (length < 0)
			return fail_errno(err, "reading %s", events);
		text[length] = '\0';
		if (strstr(text, "frozen 1"))
			return 0;
		if (left <= 0)
			return timed_out(err);
		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return fail_errno(err, "waiting for %s", events);
	}
}

/* Where it could not be asked for, could not be waited for, or did not come, nothing
 * stays frozen. */
int cgroup_freeze(const struct cgroup *cgroup, struct error *err)
{
	bool v1;
	const struct cgroup_dir *dir = freezing_dir(cgroup, &v1);
	auto_free char *file = NULL, *events = NULL;
	struct error failure;

	if (!dir)
		return fail(err, "this container has no cgroup that could be frozen");
	file = switch_of(dir, v1);
	events = path_join(dir->path, "cgroup.events");
	if ((v1 ? freeze_v1(file, err) : freeze_v2(file, events, err)) >= 0)
		return 0;
	(void)fail_while(err, "freezing %s", dir->path);
	if (cgroup_thaw(cgroup, &failure) < 0)
		return fail_hint(err, "thawing it failed too: %s", failure.text);
	return -1;
}

int cgroup_thaw(const struct cgroup *cgroup, struct error *err)
{
	bool v1;
	const struct cgroup_dir *dir = freezing_dir(cgroup, &v1);
	auto_free char *file = NULL;

	if (!dir)
		return fail(err, "this container has no cgroup that could be thawed");
	file = switch_of(dir, v1);
	return file_write_at(AT_FDCWD, file, v1 ? "THAWED" : "0", err);
}

const char *cgroup_freezer(const struct cgroup *cgroup)
{
	bool v1;
	const struct cgroup_dir *dir = freezing_dir(cgroup, &v1);

	return dir ? dir->path : NULL;
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
	bool v1;
	const struct cgroup_dir *dir = freezing_dir(cgroup, &v1);
	auto_free char *file = NULL;
	auto_free char *state = NULL;
	struct error absent;

	if (!dir)
		return false;
	file = switch_of(dir, v1);
	if (read_state(file, &state, &absent) < 0)
		return false;
	return str_equal(state, v1 ? "FROZEN" : "1") || str_equal(state, "FREEZING");
}

/* Whether it was frozen itself or what is above it is: version 1's freezer.state and version
 * 2's cgroup.events tell both. */
int cgroup_expect_thawed(const struct cgroup *cgroup, struct error *err)
{
	bool v1;
	const struct cgroup_dir *dir = freezing_dir(cgroup, &v1);
	auto_free char *file = NULL, *state = NULL, *by = NULL;
	struct error absent;

	if (!dir)
		return 0;
	file = path_join(dir->path, v1 ? "freezer.state" : "cgroup.events");
	if (file_read_at(AT_FDCWD, file, 4096, &state, NULL, &absent) < 0 ||
		!strstr(state, v1 ? "FR" : "frozen 1")) /* FROZEN, FREEZING */
		return 0;
	by = cgroup_frozen_by(cgroup);
	(void)fail_code(err, EBUSY, "container's cgroup unexpectedly frozen: by %s",
		by ? by : file);
	return fail_hint(err, "what starts in it would never run; thaw it first");
}

static void thaw_tree(const char *path, unsigned depth)
{
	auto_dir dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	const struct dirent *entry;
	struct error gone; /* or not ours: who then lives on is told of */

	while (dir && (entry = path_next(dir))) {
		auto_free char *below = NULL;
		auto_free char *file = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = path_join(path, entry->d_name);
		file = path_join(below, "freezer.state");
		(void)!file_write_at(AT_FDCWD, file, "THAWED", &gone);
		thaw_tree(below, depth + 1);
	}
}

void cgroup_thaw_below(const struct cgroup *cgroup)
{
	const struct cgroup_dir *freezer = cgroup_dir_of(cgroup, "freezer");

	if (freezer)
		thaw_tree(freezer->path, 0);
}

/* Version 1 says of each directory whether it was asked itself; of version 2's frozen
 * ancestors cgroup.events tells in each child, and cgroup.freeze who was asked. */
static bool was_asked(const char *path)
{
	auto_free char *v1 = path_join(path, "freezer.self_freezing");
	auto_free char *v2 = path_join(path, "cgroup.freeze");
	auto_free char *state = NULL;
	struct error absent;

	if (read_state(v1, &state, &absent) < 0 && read_state(v2, &state, &absent) < 0)
		return false;
	return str_equal(state, "1");
}

char *cgroup_frozen_by(const struct cgroup *cgroup)
{
	bool v1;
	const struct cgroup_dir *dir = freezing_dir(cgroup, &v1);
	auto_free char *path = dir ? str_dup(dir->path) : NULL;

	while (path && !str_equal(path, "/")) {
		char *above;

		if (was_asked(path))
			return take_ptr(&path);
		above = path_parent(path);
		free(path);
		path = above;
	}
	return NULL;
}
