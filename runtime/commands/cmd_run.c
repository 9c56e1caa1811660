/* run: create, start, and without --detach stay until the end and delete. */
#include <inttypes.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/commands/cmd_create.h"
#include "runtime/commands/commands.h"
#include "runtime/destroy.h"
#include "runtime/foreground.h"
#include "runtime/notify.h"
#include "runtime/process/protect.h"

/* Somebody else may have deleted it meanwhile, and made another of that name. */
static int delete_after(const struct creation *creation, struct error *err)
{
	const struct container *ours = &creation->container;
	auto_container container = CONTAINER_NONE;

	if (container_open(
		    ours->root, ours->state.id, CONTAINER_REMNANT, &container, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (!container_same(ours, &container))
		return 0;
	return container_destroy(&container, &creation->bundle.config.hooks, err);
}

/* A program that the kernel killed so could not say it itself. */
static void tell_want_of_memory(const struct command_call *call,
	const struct cgroup *cgroup, const struct oci_memory *memory)
{
	if (*call->ret_status != 128 + SIGKILL || !cgroup_oom_kills(cgroup))
		return;
	if (memory->has_limit)
		log_warning(
			"container \"%s\": killed for want of memory; its limit was %" PRId64,
			call->argv[0], memory->limit);
	else
		log_warning("container \"%s\": killed for want of memory", call->argv[0]);
}

int creation_stay(const struct command_call *call, struct creation *creation, bool keep,
	struct error *err)
{
	const struct foreground foreground = {
		.pid = creation->birth.pid,
		.pidfd = creation->birth.pidfd,
		.master = creation->birth.master,
		.notify_fd = creation->notify_fd,
	};
	struct error after;
	int result;

	/* Other commands may now act on it. */
	if (fd_lock(creation->container.dir_fd, LOCK_UN, call->argv[0], err) < 0)
		return -1;
	result = foreground_serve(&foreground, call->ret_status, err);
	tell_want_of_memory(call, &creation->container.state.cgroup,
		&creation->bundle.config.linux.resources.memory);
	if (keep)
		return result;
	if (delete_after(creation, &after) < 0)
		log_warning("deleting container \"%s\": %s", call->argv[0], after.text);
	return result;
}

/* A service is up once it is ready. */
static int leave(
	const struct command_call *call, struct creation *creation, struct error *err)
{
	if (creation->notify_fd < 0)
		return 0;
	if (fd_lock(creation->container.dir_fd, LOCK_UN, call->argv[0], err) < 0)
		return -1;
	foreground_release_signals(); /* it lives on without us */
	return notify_await(
		creation->notify_fd, creation->birth.pidfd, creation->birth.pid, err);
}

static int run_command(const struct command_call *call, struct error *err)
{
	const struct create_options *options = call->options;
	auto_free char *root = options_root(call->global);
	struct create_request request = {
		.start = true, .notify = true, .birth.foreground = !options->detach
	};
	auto_creation creation = CREATION_NONE;

	if (call_driver(call, err) < 0 || protect_self(err) < 0 ||
		foreground_hold_signals(err) < 0 ||
		create_request_of(call, root, &request, err) < 0)
		return -1;
	if (!options->detach && !options->no_subreaper &&
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return fail_errno(err, "becoming a subreaper");
	if (create_container(&request, &creation, err) < 0)
		return -1;
	return options->detach ? leave(call, &creation, err)
			       : creation_stay(call, &creation, options->keep, err);
}

static const struct option_spec run_options[] = {
	CREATE_OPTIONS,
	OPTION_FLAG(struct create_options, detach, "detach", 'd',
		"leave it running in the background"),
	OPTION_FLAG(struct create_options, keep, "keep", 0,
		"do not delete it when its process ends; a detached one never is"),
	OPTION_FLAG(struct create_options, no_subreaper, "no-subreaper", 0,
		"leave processes that lose their parent to the system's init"),
	OPTION_END,
};

const struct command command_run = {
	.name = "run",
	.operands = "ID",
	.summary = "create and start a container, stay with it, delete it at its end",
	.options = run_options,
	.options_size = sizeof(struct create_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_command,
};
