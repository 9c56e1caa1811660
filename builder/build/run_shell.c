/*
 * --shell-on-failure: the bundle of the failed step once more, with a shell in place of its
 * command and a terminal. Its files are as the step left them; it has the step's mounts,
 * environment, directory and user.
 */
#include "builder/build/run_shell.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/build/settings.h"
#include "builder/bundle/config.h"

static char *choose_shell(const struct stage_process *process)
{
	auto_strings shell = { 0 };

	if (*process->build->request->shell)
		return str_dup(process->build->request->shell);
	settings_shell(process->state, &shell);
	return str_dup(shell.items[0]);
}

static int change_config(
	const struct layer_draft *draft, const char *shell, struct error *err)
{
	struct json_options options = { 0 };
	const char *terminal = getenv("TERM");
	auto_oci_config config = { 0 };

	if (json_read_file(&oci_config_type, &config, draft->fd, "config.json", &options,
		    err) < 0)
		return -1;
	config.process->terminal = true;
	strings_free(&config.process->args);
	strings_add(&config.process->args, shell);
	strings_env_set(&config.process->env, "TERM", terminal ? terminal : "linux");
	/* where secrets were mounted, by the worker that has ended */
	(void)unlinkat(draft->fd, "secrets", AT_REMOVEDIR);
	return bundle_write_config(draft->fd, &config, err);
}

int run_shell(struct stage_process *process, const struct layer_draft *draft,
	const struct worker *container, struct error *err)
{
	auto_free char *shell = choose_shell(process);
	bool ready;

	progress_step_end(&process->progress, PROGRESS_STEP_FAILED, 0);
	interrupt_let_in(&process->interrupt);
	ready = progress_take_terminal(&process->progress, shell);
	interrupt_hold(&process->interrupt);
	if (!ready)
		return fail(err, "the terminal is not there");
	return change_config(draft, shell, err) < 0 ? -1 : worker_run(container, err);
}
