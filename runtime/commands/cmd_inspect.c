/* inspect: what a container is, in the kernel's terms. */
#include "runtime/commands/commands.h"
#include "runtime/inspect/inspect.h"

struct inspect_options {
	const char *format;
};

static int inspect_command(const struct command_call *call, struct error *err)
{
	const struct inspect_options *options = call->options;
	auto_container container = CONTAINER_NONE;
	auto_inspection inspection = { 0 };
	auto_str text = { 0 };

	if (call_container(call, CONTAINER_READ, &container, err) < 0 ||
		inspect_container(&container, &inspection, err) < 0)
		return -1;
	if (str_equal(options->format, "json"))
		json_write(&text, &inspection_type, &inspection,
			(struct json_write_options){ .pretty = true });
	else
		inspection_tell(&inspection, &text);
	return call_print(&text, err);
}

static const struct option_spec inspect_options[] = {
	OPTION_STRING(struct inspect_options, format, "format", 'f', "FORMAT",
		"form of the answer", .initial = "text", .values = "text|json"),
	OPTION_END,
};

const struct command command_inspect = {
	.name = "inspect",
	.operands = "ID",
	.summary = "tell what a container is in the kernel's terms",
	.details =
		"All of it is read from the kernel at this moment, not from config.json: "
		"each namespace with its inode, the path to join it and who else is in "
		"it; privileges, mounts, cgroups with their limits and what is used of "
		"them, interfaces and open addresses, processes. Who else is in a "
		"namespace is told of the processes that the caller may look at. Of a "
		"container that has ended there are only its state and its cgroups.",
	.options = inspect_options,
	.options_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = inspect_command,
};
