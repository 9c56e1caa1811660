/*
 * Which processes are in a container. Its cgroup tells, where it has one. Where it has none (a
 * user's without a delegated cgroup, --cgroup-manager=disabled), the mount namespace tells
 * that was made for its first process, for as long as that process lives: containers that
 * share their pids still have root file systems of their own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "base/process.h"
#include "runtime/container.h"
#include "runtime/namespaces/namespaces.h"

#define ROUNDS 100 /* of signalling those who fork meanwhile */

/* 0: it has no mount namespace of its own, or no process any more. */
static uint64_t own_mounts(const struct container *container)
{
	auto_oci_config config = { 0 };
	struct error ignored;

	if (container_process(container) < 0 ||
		container_config(container, &config, &ignored) < 0 ||
		!config_makes_namespace(&config, CLONE_NEWNS))
		return 0;
	return namespaces_inode(container->state.pid, CLONE_NEWNS);
}

static int add_members(uint64_t mounts, struct cgroup_pids *to, struct error *err)
{
	auto_dir proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = path_next(proc))) {
		pid_t pid = atoi(entry->d_name); /* 0: no process's */

		if (pid > 0 && !cgroup_pids_have(to, pid) &&
			namespaces_inode(pid, CLONE_NEWNS) == mounts)
			cgroup_pids_add(to, pid);
	}
	return proc && !errno ? 0 : fail_errno(err, "listing /proc");
}

int container_pids(
	const struct container *container, struct cgroup_pids *ret, struct error *err)
{
	const struct container_state *state = &container->state;
	int first = container_process(container);
	auto_cgroup_pids pids = { 0 };
	uint64_t mounts;

	if (cgroup_exists(&state->cgroup) && cgroup_pids(&state->cgroup, &pids, err) < 0)
		return -1;
	if (first >= 0 && !cgroup_pids_have(&pids, state->pid))
		cgroup_pids_add(&pids, state->pid);
	mounts = cgroup_exists(&state->cgroup) ? 0 : own_mounts(container);
	if (mounts && add_members(mounts, &pids, err) < 0)
		return -1;
	*ret = pids;
	pids = (struct cgroup_pids){ 0 };
	return 0;
}

/* Held by its pidfd, a process is asked once more: its pid may be another's by now. */
static int signal_member(pid_t pid, uint64_t mounts, int number, struct error *err)
{
	auto_fd pidfd = process_pidfd_open(pid);

	if (pidfd < 0 || namespaces_inode(pid, CLONE_NEWNS) != mounts)
		return 0;
	if (process_pidfd_signal(pidfd, number) < 0 && errno != ESRCH)
		return fail_errno(err, "signalling process %d", pid);
	return 0;
}

/* The namespace is held open: its number stays its own when the last process has gone. */
static int signal_members(
	const struct container *container, uint64_t mounts, int number, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/ns/mnt", container->state.pid);
	auto_fd held = open(path, O_RDONLY | O_CLOEXEC);
	auto_cgroup_pids told = { 0 };
	size_t before = 0;

	for (int round = 0; held >= 0 && round < ROUNDS; round++) {
		if (add_members(mounts, &told, err) < 0)
			return -1;
		if (told.count == before)
			return 0;
		for (; before < told.count; before++) {
			if (signal_member(told.items[before], mounts, number, err) < 0)
				return -1;
		}
		if (number != SIGKILL)
			return 0;
	}
	return 0;
}

int container_signal_all(const struct container *container, int number, struct error *err)
{
	uint64_t mounts;
	int first;

	if (cgroup_exists(&container->state.cgroup))
		return cgroup_signal(&container->state.cgroup, number, err);
	mounts = own_mounts(container);
	if (mounts)
		return signal_members(container, mounts, number, err);
	first = container_process(container);
	if (first < 0 || process_pidfd_signal(first, number) == 0 || errno == ESRCH)
		return 0;
	return fail_errno(err, "signalling process %d", container->state.pid);
}
