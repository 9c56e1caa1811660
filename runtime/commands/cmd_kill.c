/* kill: a signal to the container's first process, or to all of them. */
#include <signal.h>

#include "base/process.h"
#include "runtime/commands/commands.h"
#include "spec/names.h"

struct kill_options {
	bool all;
	bool regex;
};

static int not_running(const struct container *container, struct error *err)
{
	return fail_code(err, ESRCH, "container \"%s\": container not running",
		container->state.id);
}

static int signal_init(const struct container *container, int number, struct error *err)
{
	int pidfd = container_process(container);

	if (pidfd >= 0 && process_pidfd_signal(pidfd, number) == 0)
		return 0;
	if (pidfd < 0 || errno == ESRCH)
		return not_running(container, err);
	return fail_errno(err, "signalling process %d", container->state.pid);
}

/* What shares its pids with others may outlive its first process. */
static int kill_one(const struct container *container, int number, struct error *err)
{
	const struct cgroup *cgroup = &container->state.cgroup;
	int first = container_process(container);

	if (number == SIGKILL && container->state.shares_pids &&
		(first >= 0 || cgroup_exists(cgroup)))
		return container_signal_all(container, number, err);
	if (signal_init(container, number, err) < 0)
		return -1;
	/* Of a frozen process version 1 keeps even this signal back. */
	if (number == SIGKILL && cgroup_is_frozen(cgroup))
		return cgroup_thaw(cgroup, err);
	return 0;
}

static int kill_in(const struct command_call *call, const char *id, struct error *err)
{
	const struct kill_options *options = call->options;
	auto_container container = CONTAINER_NONE;
	int number = SIGTERM;

	if (call->argc > 1 && *call->argv[1] &&
		signal_parse(call->argv[1], &number, err) < 0)
		return -1;
	if (call_container_of(call, id, CONTAINER_READ, &container, err) < 0)
		return -1;
	return options->all ? container_signal_all(&container, number, err)
			    : kill_one(&container, number, err);
}

static int kill_command(const struct command_call *call, struct error *err)
{
	const struct kill_options *options = call->options;

	return options->regex ? call_matching(call, kill_in, err)
			      : kill_in(call, call->argv[0], err);
}

static const struct option_spec kill_options[] = {
	OPTION_FLAG(struct kill_options, all, "all", 'a',
		"every process of the container, not only the first"),
	OPTION_FLAG(struct kill_options, regex, "regex", 'r',
		"ID is an extended regular expression: signal all that match"),
	OPTION_END,
};

const struct command command_kill = {
	.name = "kill",
	.operands = "ID [SIGNAL]",
	.summary = "send a signal, by name or number; TERM if not given",
	.options = kill_options,
	.options_size = sizeof(struct kill_options),
	.operands_min = 1,
	.operands_max = 2,
	.permute = true,
	.run = kill_command,
};
