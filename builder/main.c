/* mocker-builder: from a Mockerfile to an image, from an image to a bundle. */
#include <sys/stat.h>

#include "base/log.h"
#include "builder/commands/commands.h"

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRING(struct builder_options, root, "root", 0, "DIR",
		"the image store (as root /var/lib/mocker, else "
		"$XDG_DATA_HOME/mocker)"),
	OPTION_STRING(struct builder_options, log, "log", 0, "FILE",
		"append messages to the file instead of standard error"),
	OPTION_FLAG(struct builder_options, debug, "debug", 0, "say more"),
	OPTION_END,
};
/* clang-format on */

static int prepare(const void *global, struct error *err)
{
	const struct builder_options *given = global;
	struct log_options log = {
		.program = "mocker-builder",
		.file = given->log,
		.debug = given->debug,
	};

	umask(022);
	return log_open(&log, err);
}

int main(int argc, char **argv)
{
	const struct command commands[] = {
		command_build,
		command_bundle,
		command_cache,
		command_unbundle,
		command_images,
		command_inspect,
		command_lint,
		command_parse,
		command_history,
		command_tag,
		command_rmi,
		command_load,
		command_save,
		command_pull,
		command_push,
		command_login,
		command_logout,
		command_prune,
		command_du,
		command_unshare,
		{ 0 },
	};
	const struct program program = {
		.name = "mocker-builder",
		.summary = "builds images from Mockerfiles and bundles from images",
		.version = VERSION,
		.options = options,
		.options_size = sizeof(struct builder_options),
		.commands = commands,
		.prepare = prepare,
	};

	return command_main(&program, argc, argv);
}
