/* Taking a container away, step by step; each is a success where its object is gone. */
#include "runtime/destroy.h"

#include <signal.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "runtime/hooks.h"
#include "runtime/process/procfs.h"

#define KILL_WAIT_MS   10000
#define REMOVE_WAIT_MS 10000

/* Its state stays, for the delete that will find it ended. */
static int explain_survivor(const struct container *container, struct error *err)
{
	auto_free char *frozen = cgroup_frozen_by(&container->state.cgroup);
	auto_str who = { 0 };

	procfs_describe(container->state.pid, &who);
	(void)fail(err, "process %s does not end though it was killed", who.data);
	if (frozen)
		return fail_hint(
			err, "the cgroup %s is frozen; thaw it and delete again", frozen);
	return fail_hint(err,
		"it may wait for a device or a network file system; delete again once it "
		"ends");
}

/* Thawed first: a process that is frozen by version 1 does not die. */
int container_kill_all(const struct container *container, struct error *err)
{
	int pidfd = container_process(container);

	if (container_signal_all(container, SIGKILL, err) < 0)
		return -1;
	/* It may have left its cgroup. */
	if (pidfd >= 0 && process_pidfd_signal(pidfd, SIGKILL) < 0 && errno != ESRCH)
		return fail_errno(err, "killing process %d", container->state.pid);
	if (pidfd >= 0 && !process_pidfd_ends(pidfd, KILL_WAIT_MS))
		return explain_survivor(container, err);
	return 0;
}

static void run_poststop(const struct container *container, const struct oci_hooks *hooks)
{
	auto_oci_state state = { 0 };
	struct hooks_call call = { .hooks = hooks, .state = &state };
	auto_fd bundle_fd = -1;

	if (!hooks || !hooks->poststop_count)
		return;
	container_describe(container, CONTAINER_STOPPED, &state);
	bundle_fd = hooks_open_bundle(&state);
	call.cwd_fd = bundle_fd;
	hooks_run_all(&call, HOOK_POSTSTOP);
}

int container_destroy(const struct container *container, const struct oci_hooks *hooks,
	struct error *err)
{
	const struct container_state *state = &container->state;

	log_debug("killing what runs in container %s", state->id);
	if (container_kill_all(container, err) < 0)
		return -1;
	log_debug("removing its cgroups");
	if (cgroup_remove(&state->cgroup, REMOVE_WAIT_MS, err) < 0)
		return -1;
	if (state->resctrl.path && resctrl_remove(&state->resctrl, err) < 0)
		return -1;
	run_poststop(container, hooks);
	log_debug("removing its state");
	return container_remove(container, err);
}
