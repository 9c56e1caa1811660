/* From each process of the cgroup up to where it came from. */
#include "runtime/criu/strays.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "runtime/container.h"
#include "runtime/process/procfs.h"

#define DEPTH_MAX 10000 /* parents may change while they are read */

static pid_t parent_of(pid_t pid)
{
	auto_free char *status = procfs_read(pid, "status");

	return status ? (pid_t)procfs_number(status, "PPid", 10) : 0;
}

static bool descends(pid_t pid, pid_t from)
{
	for (int i = 0; pid > 0 && i < DEPTH_MAX; i++) {
		if (pid == from)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

static void tell(pid_t pid)
{
	auto_str words = { 0 };

	procfs_describe(pid, &words);
	log_warning("process %s is not saved: it does not descend from the container's "
		    "process, but was brought in by exec or lost its parent",
		words.data);
}

void strays_tell(const struct container *container)
{
	auto_cgroup_pids pids = { 0 };
	struct error err;

	if (cgroup_pids(&container->state.cgroup, &pids, &err) < 0) {
		log_warning("%s", err.text);
		return;
	}
	for (size_t i = 0; i < pids.count; i++) {
		auto_free char *there = procfs_read(pids.items[i], "status");

		if (there && !descends(pids.items[i], container->state.pid))
			tell(pids.items[i]);
	}
}
