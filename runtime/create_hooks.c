/* The hooks that the parent of a creation or a restore runs, prestart and createRuntime, while
 * the container's first process waits. */
#include "base/cleanup.h"
#include "runtime/create.h"
#include "runtime/foreground.h"
#include "runtime/hooks.h"
#include "runtime/steps.h"

/* The error of a hook that was killed says why. */
static int explain_canceled(int signals, struct error *err)
{
	struct error signal;

	if (err->errnum != ECANCELED)
		return -1;
	return fail_hint(err, "%s",
		foreground_ended(signals, &signal) < 0
			? signal.text
			: "the container's init has ended");
}

int creation_run_hooks(struct creation *creation, pid_t pid, int pidfd, struct error *err)
{
	auto_oci_state state = { 0 };
	struct hooks_call call = {
		.hooks = &creation->bundle.config.hooks,
		.state = &state,
		.cwd_fd = creation->bundle.fd,
	};
	auto_fd signals = -1;
	auto_fd either = -1;

	if (foreground_watch(pidfd, &signals, &either, err) < 0)
		return -1;
	call.until_fd = either;
	container_describe(&creation->container, CONTAINER_CREATING, &state);
	state.has_pid = true;
	state.pid = pid;
	creation->hooks_begun = true;
	if (hooks_run(&call, HOOK_PRESTART, err) < 0 ||
		hooks_run(&call, HOOK_CREATE_RUNTIME, err) < 0)
		return explain_canceled(signals, err);
	step_reached(creation->request->steps, STEP_HOOKED);
	return 0;
}
