/* delete: takes a stopped container away, with --force a living one too. */
#include <signal.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "runtime/commands/commands.h"
#include "runtime/destroy.h"

struct delete_options {
	bool force;
	bool regex;
};

/* A created container runs nothing of the user's yet, so it may go as well. */
static int expect_over(const struct container *container, struct error *err)
{
	enum container_status status = container_status(container);

	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATED ||
		container->state.pid == 0)
		return 0;
	return fail(err, "cannot delete container \"%s\" that is not stopped: %s",
		container->state.id, container_status_word(status));
}

/* What was killed so early that it has no config.json has no hooks either. */
static int destroy(const struct container *container, struct error *err)
{
	auto_oci_config config = { 0 };

	if (container->state.bundle && container_config(container, &config, err) < 0)
		log_warning("%s: its poststop hooks are not run", err->text);
	if (container_destroy(container, &config.hooks, err) < 0)
		return fail_while(err, "deleting container \"%s\"", container->state.id);
	return 0;
}

/* Without the lock, which a command may hold that waits for init: `create` or `start` for a
 * hook that hangs. Whose init is gone comes to its end. */
static void end_init(const struct command_call *call, const char *id)
{
	auto_container container = CONTAINER_NONE;
	int pidfd;
	struct error ignored;

	if (call_container_of(call, id, CONTAINER_READ, &container, &ignored) < 0)
		return;
	pidfd = container_process(&container);
	if (pidfd < 0)
		return;
	/* Without a cgroup nobody could be found once init is gone. What fails now is told
	 * when it fails again. */
	if (cgroup_exists(&container.state.cgroup))
		(void)process_pidfd_signal(pidfd, SIGKILL);
	else
		(void)!container_signal_all(&container, SIGKILL, &ignored);
}

static int delete_one(const struct command_call *call, const char *id, struct error *err)
{
	const struct delete_options *options = call->options;
	auto_container container = CONTAINER_NONE;

	if (options->force)
		end_init(call, id);
	if (call_container_of(call, id, CONTAINER_REMNANT, &container, err) < 0)
		return options->force && err->errnum == ENOENT ? 0 : -1;
	if (!options->force && expect_over(&container, err) < 0)
		return -1;
	if (expect_driver_of(&container, err) < 0)
		return -1;
	return destroy(&container, err);
}

static int delete_command(const struct command_call *call, struct error *err)
{
	const struct delete_options *options = call->options;

	return options->regex ? call_matching(call, delete_one, err)
			      : delete_one(call, call->argv[0], err);
}

static const struct option_spec delete_options[] = {
	OPTION_FLAG(struct delete_options, force, "force", 'f',
		"kill it first if it lives; one that does not exist is no error"),
	OPTION_FLAG(struct delete_options, regex, "regex", 'r',
		"ID is an extended regular expression: delete all that match"),
	OPTION_END,
};

const struct command command_delete = {
	.name = "delete",
	.operands = "ID",
	.summary = "remove a container and all that was made for it",
	.options = delete_options,
	.options_size = sizeof(struct delete_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = delete_command,
};
