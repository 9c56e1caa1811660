/* explain: the plan of a create, without doing any of it. */
#include "base/path.h"
#include "runtime/commands/commands.h"
#include "runtime/explain.h"

struct explain_options {
	const char *config;
	bool no_pivot;
};

static int explain_command(const struct command_call *call, struct error *err)
{
	const struct runtime_options *global = call->global;
	const struct explain_options *options = call->options;
	const char *directory = call->argc ? call->argv[0] : ".";
	auto_free char *path = realpath(directory, NULL);
	struct create_request request = {
		.bundle = { .directory = directory,
			.config_file = options->config,
			.strict = global->strict },
		.driver = options_cgroup_driver(global),
		.rootless = options_rootless(global),
		.no_pivot = options->no_pivot,
		.start = true,
	};
	auto_creation creation = CREATION_NONE;
	struct error unsuitable;
	auto_str text = { 0 };

	if (!path)
		return fail_errno(err, "bundle %s", directory);
	/* It is called what a person would call it. */
	request.id = path_base(path);
	if (container_check_id(request.id, &unsuitable) < 0)
		request.id = "container";
	creation.request = &request;
	if (call_driver(call, err) < 0 || create_plan(&creation, err) < 0)
		return -1;
	explain_plan(&creation, &text);
	return call_print(&text, err);
}

static const struct option_spec explain_options[] = {
	OPTION_STRING(struct explain_options, config, "config", 'f', "FILE",
		"read this instead of the bundle's config.json"),
	OPTION_FLAG(struct explain_options, no_pivot, "no-pivot", 0,
		"as with create --no-pivot"),
	OPTION_END,
};

const struct command command_explain = {
	.name = "explain",
	.operands = "[BUNDLE]",
	.summary = "tell step by step how a bundle would become a container",
	.details =
		"Each step is told in words, with who does it (the command itself or "
		"init, the process that becomes the container's), the system calls that "
		"it stands on, and what this bundle has for it. Nothing is created. "
		"With create and run, --explain tells the same before they begin and "
		"the time of each step when they are done.",
	.options = explain_options,
	.options_size = sizeof(struct explain_options),
	.operands_max = 1,
	.permute = true,
	.run = explain_command,
};
