/* Which processes a container has, and signals to all of them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/cgroup/internal.h"

#define FILE_MAX  (64u << 20)
#define DEPTH_MAX 64  /* of cgroups that the container makes inside its own */
#define ROUNDS    100 /* of signalling where nothing can be frozen */
#define HELD_MAX  64  /* processes, by their pidfds, at once */

void cgroup_pids_free(struct cgroup_pids *pids)
{
	free(pids->items);
	*pids = (struct cgroup_pids){ 0 };
}

void cgroup_pids_add(struct cgroup_pids *pids, pid_t pid)
{
	pids->items = str_realloc(pids->items, pids->count + 1, sizeof(pids->items[0]));
	pids->items[pids->count++] = pid;
}

bool cgroup_pids_have(const struct cgroup_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->count; i++) {
		if (pids->items[i] == pid)
			return true;
	}
	return false;
}

static int add_text(struct cgroup_pids *pids, char *text, struct error *err)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest)) {
		uint32_t pid;

		if (str_to_u32(line, "cgroup.procs", &pid, err) < 0)
			return -1;
		if (!pid) {
			pids->hidden = true;
			continue;
		}
		cgroup_pids_add(pids, (pid_t)pid);
	}
	return 0;
}

/* A directory that goes away meanwhile has no processes. */
static int add_dir(
	struct cgroup_pids *pids, const char *path, unsigned depth, struct error *err)
{
	auto_free char *file = path_join(path, "cgroup.procs");
	auto_free char *text = NULL;
	auto_dir dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : fail_errno(err, "listing %s", path);
	if (file_read_at(AT_FDCWD, file, FILE_MAX, &text, NULL, err) < 0) {
		/* ENODEV: removed while open; EOPNOTSUPP: a threaded cgroup, whose
		 * processes are listed by its parent */
		if (err->errnum != ENOENT && err->errnum != ENODEV &&
			err->errnum != EOPNOTSUPP)
			return -1;
	} else if (add_text(pids, text, err) < 0) {
		return -1;
	}
	errno = 0;
	while (depth < DEPTH_MAX && (entry = path_next(dir))) {
		auto_free char *child = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = path_join(path, entry->d_name);
		if (add_dir(pids, child, depth + 1, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "listing %s", path) : 0;
}

int cgroup_pids_in(const char *path, struct cgroup_pids *ret, struct error *err)
{
	auto_cgroup_pids pids = { 0 };

	if (add_dir(&pids, path, 0, err) < 0)
		return -1;
	*ret = pids;
	pids = (struct cgroup_pids){ 0 };
	return 0;
}

int cgroup_pids(const struct cgroup *cgroup, struct cgroup_pids *ret, struct error *err)
{
	const struct cgroup_dir *dir = cgroup_main_dir(cgroup);

	if (dir)
		return cgroup_pids_in(dir->path, ret, err);
	*ret = (struct cgroup_pids){ 0 };
	return 0;
}

/* A pid may be another's by the time that it is signalled. Who is listed once more while a
 * pidfd holds whoever had it is that one, or has ended. */
static int signal_held(const struct cgroup *cgroup, const pid_t *pids, const int *held,
	size_t count, int signal_number, struct error *err)
{
	auto_cgroup_pids again = { 0 };

	if (cgroup_pids(cgroup, &again, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (held[i] < 0 || !cgroup_pids_have(&again, pids[i]))
			continue;
		if (process_pidfd_signal(held[i], signal_number) < 0 && errno != ESRCH)
			return fail_errno(err, "signalling process %d", pids[i]);
	}
	return 0;
}

static int signal_some(const struct cgroup *cgroup, const pid_t *pids, size_t count,
	int signal_number, struct error *err)
{
	int held[HELD_MAX];
	size_t opened;
	int result = 0;

	for (opened = 0; opened < count && result == 0; opened++) {
		held[opened] = process_pidfd_open(pids[opened]);
		if (held[opened] < 0 && errno != ESRCH)
			result = fail_errno(err, "holding process %d", pids[opened]);
	}
	if (result == 0)
		result = signal_held(cgroup, pids, held, count, signal_number, err);
	while (opened-- > 0)
		cleanup_fd(&held[opened]);
	return result;
}

static int signal_each(const struct cgroup *cgroup, int signal_number, size_t *ret_count,
	struct error *err)
{
	auto_cgroup_pids pids = { 0 };

	if (cgroup_pids(cgroup, &pids, err) < 0)
		return -1;
	for (size_t i = 0; i < pids.count; i += HELD_MAX) {
		if (signal_some(cgroup, pids.items + i, MIN(pids.count - i, HELD_MAX),
			    signal_number, err) < 0)
			return -1;
	}
	*ret_count = pids.count;
	return 0;
}

/* cgroup.kill, since Linux 5.14: kills all at once, what forks meanwhile included. On
 * a hybrid machine it says nothing of processes that are in version 1's directories
 * only. */
static bool kill_at_once(const struct cgroup *cgroup)
{
	const struct cgroup_dir *unified = cgroup_unified(cgroup);
	auto_free char *file = unified ? path_join(unified->path, "cgroup.kill") : NULL;
	struct error absent;

	return file && file_write_at(AT_FDCWD, file, "1", &absent) == 0;
}

/* Without a freezer: until a round finds nobody who was not there to be signalled. */
static int signal_unfrozen(
	const struct cgroup *cgroup, int signal_number, struct error *err)
{
	size_t count = 1;

	for (int i = 0; i < ROUNDS && count; i++) {
		if (signal_each(cgroup, signal_number, &count, err) < 0)
			return -1;
		if (signal_number != SIGKILL)
			break;
	}
	return 0;
}

static int signal_frozen(const struct cgroup *cgroup, int signal_number, bool stay_frozen,
	struct error *err)
{
	struct error thaw_error;
	size_t count;
	int result;

	if (cgroup_freeze(cgroup, err) < 0)
		return signal_unfrozen(cgroup, signal_number, err);
	result = signal_each(cgroup, signal_number, &count, err);
	if (!stay_frozen && cgroup_thaw(cgroup, &thaw_error) < 0 && result == 0) {
		*err = thaw_error;
		return -1;
	}
	return result;
}

int cgroup_signal(const struct cgroup *cgroup, int signal_number, struct error *err)
{
	bool frozen = cgroup_is_frozen(cgroup);
	bool by_v1 = cgroup_dir_of(cgroup, "freezer") != NULL;
	auto_cgroup_pids pids = { 0 };
	size_t left = 1;

	if (!cgroup->dirs_count)
		return fail(err, "this container has no cgroup that tells its processes");
	if (!cgroup_exists(cgroup))
		return 0;
	if (signal_number != SIGKILL)
		return signal_frozen(cgroup, signal_number, frozen, err);
	cgroup_thaw_below(cgroup);
	if (kill_at_once(cgroup)) {
		/* Version 1's freezer holds even the dying. */
		if (frozen && cgroup_thaw(cgroup, err) < 0)
			return -1;
		return by_v1 ? signal_each(cgroup, SIGKILL, &left, err) : 0;
	}
	if (cgroup_pids(cgroup, &pids, err) < 0)
		return -1;
	/* With nobody left to fork, freezing would only cost its milliseconds. */
	if (!frozen && !pids.count && !pids.hidden)
		return 0;
	return signal_frozen(cgroup, SIGKILL, false, err);
}
