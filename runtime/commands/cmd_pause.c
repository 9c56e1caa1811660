/* pause and resume: all processes of a container stand still, and go on. */
#include "runtime/commands/commands.h"

static int pause_command(const struct command_call *call, struct error *err)
{
	auto_container container = CONTAINER_NONE;

	if (call_container(call, CONTAINER_CHANGE, &container, err) < 0 ||
		expect_running(&container, "pause", err) < 0)
		return -1;
	if (!cgroup_exists(&container.state.cgroup))
		return fail(err, "cannot pause container \"%s\": it has no cgroup",
			call->argv[0]);
	return cgroup_freeze(&container.state.cgroup, err);
}

static int resume_command(const struct command_call *call, struct error *err)
{
	auto_container container = CONTAINER_NONE;

	if (call_container(call, CONTAINER_CHANGE, &container, err) < 0)
		return -1;
	if (container_status(&container) != CONTAINER_PAUSED)
		return fail(err, "container \"%s\": container not paused", call->argv[0]);
	return cgroup_thaw(&container.state.cgroup, err);
}

const struct command command_pause = {
	.name = "pause",
	.operands = "ID",
	.summary = "stop all processes of a container where they are",
	.operands_min = 1,
	.operands_max = 1,
	.run = pause_command,
};

const struct command command_resume = {
	.name = "resume",
	.operands = "ID",
	.summary = "let the processes of a paused container go on",
	.operands_min = 1,
	.operands_max = 1,
	.run = resume_command,
};
