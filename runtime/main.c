/* mocker-runtime: containers of OCI bundles. The table of its commands; what each does is
 * in commands/cmd_NAME.c. */
#include "base/process.h"
#include "runtime/commands/commands.h"

#include "spec/config.h"

static const struct command *const verbs[] = {
	&command_check,
	&command_checkpoint,
	&command_create,
	&command_delete,
	&command_events,
	&command_exec,
	&command_explain,
	&command_features,
	&command_inspect,
	&command_kill,
	&command_list,
	&command_mounts,
	&command_pause,
	&command_ps,
	&command_restore,
	&command_resume,
	&command_run,
	&command_spec,
	&command_start,
	&command_state,
	&command_steps,
	&command_update,
};

int main(int argc, char **argv)
{
	struct command commands[ARRAY_SIZE(verbs) + 1] = { 0 };
	const struct program program = {
		.name = "mocker-runtime",
		.summary = "runs OCI bundles as containers",
		.version = VERSION "\nspec: " OCI_VERSION,
		.options = runtime_option_specs,
		.options_size = sizeof(struct runtime_options),
		.commands = commands,
		.prepare = options_prepare,
		.unknown_status = 3, /* these two as runc has them */
		.single_dash = true,
		.empty_absent = true,
	};

	process_own_words(argv);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		commands[i] = *verbs[i];
	return command_main(&program, argc, argv);
}
