/* Each of amend.h as a function. */
#include "runtime/criu/amend.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/container.h"
#include "runtime/criu/aside.h"
#include "runtime/process/scheduler.h"
#include "runtime/rootfs/attach.h"
#include "spec/config.h"

/* root gets its capabilities at execve without ambient ones. */
static bool needs_ambient(const struct oci_process *process)
{
	return process->capabilities && process->capabilities->ambient.count &&
	       process->user.uid != 0;
}

int amend_check(const struct oci_config *config, struct error *err)
{
	if (config->linux.memory_policy)
		return fail(err, "/linux/memoryPolicy: criu does not save it: memory "
				 "would come from other nodes afterwards");
	if (config->process && needs_ambient(config->process))
		return fail(err,
			"/process/capabilities/ambient: criu does not save them: "
			"what is executed afterwards would lack them");
	return 0;
}

/* ---- a read-only root --------------------------------------------------------------- */

struct root {
	int namespace_fd;
	int root_fd;
};

static int make_read_only(void *argument, struct error *err)
{
	const struct root *root = argument;

	if (setns(root->namespace_fd, CLONE_NEWNS) < 0)
		return fail_errno(err, "entering the restored mount namespace");
	return attach_read_only(root->root_fd, 0, err);
}

static int amend_root(pid_t pid, struct error *err)
{
	auto_free char *namespace_path = str_format("/proc/%d/ns/mnt", pid);
	auto_free char *root_path = str_format("/proc/%d/root", pid);
	auto_fd namespace_fd = open(namespace_path, O_RDONLY | O_CLOEXEC);
	auto_fd root_fd = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct root root = { namespace_fd, root_fd };
	const struct aside aside = { make_read_only, &root, "making / read-only" };

	if (namespace_fd < 0)
		return fail_errno(err, "opening %s", namespace_path);
	if (root_fd < 0)
		return fail_errno(err, "opening %s", root_path);
	return aside_run(&aside, err);
}

/* ---- I/O priority ------------------------------------------------------------------- */

/* Threads that end meanwhile need none. */
static int amend_threads(const struct oci_process *process, pid_t pid, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/task", pid);
	auto_dir dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : fail_errno(err, "listing %s", path);
	while ((entry = path_next(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (scheduler_io_priority(process, tid, err) < 0 && err->errnum != ESRCH)
			return -1;
	}
	return errno ? fail_errno(err, "listing %s", path) : 0;
}

static int amend_io_priority(const struct container *container,
	const struct oci_process *process, struct error *err)
{
	auto_cgroup_pids pids = { 0 };

	if (cgroup_pids(&container->state.cgroup, &pids, err) < 0)
		return -1;
	for (size_t i = 0; i < pids.count; i++) {
		if (amend_threads(process, pids.items[i], err) < 0)
			return -1;
	}
	return 0;
}

int amend_restored(const struct container *container, const struct oci_config *config,
	pid_t pid, struct error *err)
{
	if (config->root->readonly && amend_root(pid, err) < 0)
		return fail_while(err, "/root/readonly");
	if (config->process && config->process->io_priority)
		return amend_io_priority(container, config->process, err);
	return 0;
}
