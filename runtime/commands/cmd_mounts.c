/* mounts: added to a container that lives, or taken away. */
#include "runtime/commands/commands.h"
#include "runtime/mounts/live_mounts.h"
#include "runtime/process/protect.h"

static int with_mounts(const struct command_call *call, bool places,
	int (*act)(struct live_mounts *mounts, struct error *err), struct error *err)
{
	const struct runtime_options *global = call->global;
	const struct live_mounts_request request = {
		.file = call->argv[1],
		.strict = global->strict,
		.places = places,
	};
	auto_container container = CONTAINER_NONE;
	auto_live_mounts mounts = { 0 };

	if (protect_self(err) < 0 ||
		call_container(call, CONTAINER_CHANGE, &container, err) < 0)
		return -1;
	if (live_mounts_read(&container, &request, &mounts, err) < 0 ||
		act(&mounts, err) < 0)
		return fail_while(err, "container \"%s\"", call->argv[0]);
	return 0;
}

static int add_command(const struct command_call *call, struct error *err)
{
	return with_mounts(call, false, live_mounts_add, err);
}

static int remove_command(const struct command_call *call, struct error *err)
{
	return with_mounts(call, true, live_mounts_remove, err);
}

static const struct command mounts_commands[] = {
	{
		.name = "add",
		.operands = "ID FILE",
		.summary = "mount what the file lists in a container that lives",
		.details =
			"The file has the \"mounts\" of config.json: an object with that "
			"member, or the array alone; - is standard input. Bind mounts of "
			"the caller's files, with their options and id mappings, and new "
			"file systems that need no device. Destinations are looked up in "
			"the container's root, and made if they are missing. If one "
			"fails, none is left.",
		.operands_min = 2,
		.operands_max = 2,
		.run = add_command,
	},
	{
		.name = "remove",
		.operands = "ID FILE",
		.summary = "unmount what the file lists in a container that lives",
		.details =
			"Only each \"destination\" counts. Nothing is unmounted unless "
			"something is mounted at all of them; what is in use stays "
			"with those who use it. They go from the last to the first: "
			"where one cannot be unmounted, the error tells its number in "
			"the file, those after it are gone, and it and those before "
			"it are still mounted.",
		.operands_min = 2,
		.operands_max = 2,
		.run = remove_command,
	},
	{ 0 },
};

const struct command command_mounts = {
	.name = "mounts",
	.summary = "add mounts to a container that lives, or remove them",
	.commands = mounts_commands,
};
