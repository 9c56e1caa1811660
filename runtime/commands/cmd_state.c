/* state: what a container is, as the specification's JSON. */
#include "runtime/commands/commands.h"

static int state_command(const struct command_call *call, struct error *err)
{
	auto_container container = CONTAINER_NONE;
	auto_oci_state state = { 0 };
	auto_str text = { 0 };

	if (call_container(call, CONTAINER_READ, &container, err) < 0)
		return -1;
	container_describe(&container, container_status(&container), &state);
	json_write(&text, &oci_state_type, &state,
		(struct json_write_options){ .pretty = true });
	return call_print(&text, err);
}

const struct command command_state = {
	.name = "state",
	.operands = "ID",
	.summary = "print the state of a container as JSON",
	.operands_min = 1,
	.operands_max = 1,
	.run = state_command,
};
