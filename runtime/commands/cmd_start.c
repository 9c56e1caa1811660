/* start: lets a created container's program run. */
#include <sys/file.h>

#include "base/fd.h"
#include "runtime/commands/commands.h"
#include "runtime/notify.h"
#include "runtime/start.h"

static int expect_created(const struct container *container, struct error *err)
{
	enum container_status status = container_status(container);

	if (status == CONTAINER_CREATED)
		return 0;
	if (status == CONTAINER_STOPPED)
		return fail(err, "cannot start a container that has stopped");
	if (status == CONTAINER_RUNNING)
		return fail(err, "cannot start an already running container");
	return fail(err, "cannot start a container that is %s",
		container_status_word(status));
}

/* Other commands may act on it while we wait. */
static int await_ready(
	const struct container *container, int notify_fd, struct error *err)
{
	int pidfd = container_process(container);

	if (notify_fd < 0 || pidfd < 0)
		return 0;
	if (fd_lock(container->dir_fd, LOCK_UN, container->state.id, err) < 0)
		return -1;
	return notify_await(notify_fd, pidfd, container->state.pid, err);
}

static int start_command(const struct command_call *call, struct error *err)
{
	auto_container container = CONTAINER_NONE;
	auto_oci_config config = { 0 };
	auto_fd notify_fd = -1;

	if (call_container(call, CONTAINER_CHANGE, &container, err) < 0)
		return -1;
	if (container_config(&container, &config, err) < 0)
		return -1;
	/* One that fails ends the container. */
	if ((config.hooks.start_container_count || config.hooks.poststart_count) &&
		expect_driver_of(&container, err) < 0)
		return -1;
	if (expect_created(&container, err) < 0 ||
		notify_listen(&container, &notify_fd, err) < 0 ||
		container_start(&container, &config, err) < 0 ||
		await_ready(&container, notify_fd, err) < 0)
		return fail_while(err, "container \"%s\"", call->argv[0]);
	return 0;
}

const struct command command_start = {
	.name = "start",
	.operands = "ID",
	.summary = "let the program of a created container run",
	.operands_min = 1,
	.operands_max = 1,
	.run = start_command,
};
