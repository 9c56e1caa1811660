/* The hooks that a creation's parent runs, prestart and createRuntime, while init waits. They
 * end with init, and when we are asked to end. */
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

int creation_run_hooks(struct creation *creation, struct error *err)
{
	auto_oci_state state = { 0 };
	struct hooks_call call = {
		.hooks = &creation->bundle.config.hooks,
		.state = &state,
		.cwd_fd = creation->bundle.fd,
	};
	auto_fd signals = -1;
	auto_fd either = -1;

	if (!creation->waits_hooked)
		return 0;
	if (creation_await(creation, STAGE_MOUNTED, err) < 0 ||
		foreground_watch(creation->pidfd, &signals, &either, err) < 0)
		return -1;
	call.until_fd = either;
	container_describe(&creation->container, CONTAINER_CREATING, &state);
	creation->hooks_begun = true;
	if (hooks_run(&call, HOOK_PRESTART, err) < 0 ||
		hooks_run(&call, HOOK_CREATE_RUNTIME, err) < 0)
		return explain_canceled(signals, err);
	step_reached(creation->request->steps, STEP_HOOKED);
	return stage_send(creation->parent_sock, STAGE_HOOKED, err);
}
