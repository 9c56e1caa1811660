/* unshare: a command in the user namespace that the others work in. */
#include <string.h>
#include <unistd.h>

#include "builder/commands/commands.h"
#include "builder/rootless.h"

static const char *shell(void)
{
	const char *named = getenv("SHELL");

	return named && *named == '/' ? named : "/bin/sh";
}

static int run(const struct command_call *call, struct error *err)
{
	const char *alone[] = { shell(), NULL };
	char *const *argv = call->argc > 0 ? call->argv : (char *const *)alone;

	if (rootless_enter(err) < 0)
		return -1;
	execvp(argv[0], argv);
	return fail_errno(err, "executing %s", argv[0]);
}

const struct command command_unshare = {
	.name = "unshare",
	.operands = "[COMMAND...]",
	.summary = "run a command, or a shell, in the user namespace of builds",
	.details =
		"A user without privilege builds in a user namespace. What the store and "
		"copied bundles hold there belongs to subordinate ids, and cannot be "
		"changed from outside. In here the user is root of it all, and the paths "
		"are the same.\n\n"
		"For root, who needs no such namespace, the command just runs. The exit "
		"status is the command's; 127 if it cannot be run.",
	.operands_max = -1,
	.failure_status = 127,
	.run = run,
};
