/* create: a container up to where only `start` is missing. */
#include "runtime/commands/cmd_create.h"

#include "runtime/commands/commands.h"
#include "runtime/foreground.h"
#include "runtime/process/execute.h"
#include "runtime/process/protect.h"
#include "runtime/steps.h"

int create_request_of(const struct command_call *call, const char *root,
	struct create_request *ret, struct error *err)
{
	bool stays = ret->start && ret->birth.foreground;
	const struct runtime_options *global = call->global;
	const struct create_options *options = call->options;

	*ret = (struct create_request){
		.start = ret->start,
		.notify = ret->notify,
		.root = root,
		.id = call->argv[0],
		.bundle = { .directory = options->bundle,
			.config_file = options->config,
			.strict = global->strict },
		.driver = options_cgroup_driver(global),
		.birth = { .pid_file = options->pid_file,
			.console_socket = options->console_socket,
			.pidfd_socket = options->pidfd_socket,
			.foreground = ret->birth.foreground },
		.preserve_fds = options->preserve_fds,
		.rootless = options_rootless(global),
		.no_pivot = options->no_pivot,
		.no_new_keyring = options->no_new_keyring,
		.seccomp_log = options->seccomp_log,
	};
	execute_claim_listeners();
	if (check_preserve_fds(options->preserve_fds, err) < 0)
		return -1;
	/* Its standard error is that of whoever waits for its end. */
	if (options->seccomp_log && !global->log && !stays)
		return fail(err, "--seccomp-log: a container in the background needs "
				 "--log FILE");
	return options->explain ? steps_share(&ret->steps, err) : 0;
}

static int create_command(const struct command_call *call, struct error *err)
{
	auto_free char *root = options_root(call->global);
	struct create_request request = { .notify = true };
	auto_creation creation = CREATION_NONE;

	/* A create that is interrupted ends or undoes itself, and leaves nothing half. */
	if (call_driver(call, err) < 0 || protect_self(err) < 0 ||
		foreground_hold_signals(err) < 0)
		return -1;
	if (create_request_of(call, root, &request, err) < 0)
		return -1;
	return create_container(&request, &creation, err);
}

static const struct option_spec create_options[] = {
	CREATE_OPTIONS,
	OPTION_FLAG(struct create_options, no_subreaper, "no-subreaper", 0,
		"accepted for crun's callers: a create that does not stay takes no orphans "
		"in",
		.hidden = true),
	OPTION_END,
};

const struct command command_create = {
	.name = "create",
	.operands = "ID",
	.summary = "make a container of a bundle, up to where only `start` is missing",
	.options = create_options,
	.options_size = sizeof(struct create_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = create_command,
};
