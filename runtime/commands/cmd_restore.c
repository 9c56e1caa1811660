/* restore: a container of the images that `checkpoint` wrote. */
#include <sys/prctl.h>

#include "runtime/commands/cmd_create.h"
#include "runtime/commands/commands.h"
#include "runtime/criu/restore.h"
#include "runtime/foreground.h"
#include "runtime/process/protect.h"

static int restore_command(const struct command_call *call, struct error *err)
{
	const struct runtime_options *global = call->global;
	const struct criu_options *options = call->options;
	auto_free char *root = options_root(global);
	const struct create_request create = {
		.root = root,
		.id = call->argv[0],
		.bundle = { .directory = options->bundle, .strict = global->strict },
		.driver = options_cgroup_driver(global),
		.birth = { .pid_file = options->pid_file,
			.console_socket = options->console_socket,
			.foreground = !options->detach },
		.rootless = options_rootless(global),
		.no_pivot = options->no_pivot,
		.start = true,
	};
	const struct restore_request request = {
		.create = &create, .options = options, .criu = global->criu
	};
	auto_creation creation = CREATION_NONE;

	if (call_driver(call, err) < 0 || protect_self(err) < 0 ||
		foreground_hold_signals(err) < 0)
		return -1;
	if (!options->detach && !options->no_subreaper &&
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return fail_errno(err, "becoming a subreaper");
	if (restore_container(&request, &creation, err) < 0)
		return -1;
	return options->detach ? 0 : creation_stay(call, &creation, options->keep, err);
}

/* clang-format off */
static const struct option_spec restore_options[] = {
	CRIU_OPTIONS,
	OPTION_FLAG(struct criu_options, lazy_pages, "lazy-pages", 0,
		"fetch its memory while it already runs, by way of `criu lazy-pages`"),
	OPTION_STRING(struct criu_options, bundle, "bundle", 'b', "DIRECTORY",
		"the bundle: where config.json and usually the root file system are; "
		"the current directory if not given"),
	OPTION_FLAG(struct criu_options, detach, "detach", 'd',
		"leave it running in the background"),
	OPTION_STRING(struct criu_options, pid_file, "pid-file", 0, "FILE",
		"write the pid of the container's process there"),
	OPTION_STRING(struct criu_options, console_socket, "console-socket", 0, "SOCKET",
		"send the terminal's master to this Unix socket"),
	OPTION_FLAG(struct criu_options, keep, "keep", 0,
		"do not delete it when its process ends"),
	OPTION_FLAG(struct criu_options, no_subreaper, "no-subreaper", 0,
		"leave processes that lose their parent to the system's init"),
	OPTION_FLAG(struct criu_options, no_pivot, "no-pivot", 0,
		"accepted for runc's callers: criu has its own way into the root"),
	OPTION_STRING(struct criu_options, lsm_profile, "lsm-profile", 0, "TYPE:NAME",
		"the security module's profile to restore it under"),
	OPTION_STRING(struct criu_options, lsm_mount_context, "lsm-mount-context", 0,
		"LABEL", "the SELinux label for its mounts"),
	OPTION_END,
};
/* clang-format on */

const struct command command_restore = {
	.name = "restore",
	.operands = "ID",
	.summary = "make a container of the images of a checkpoint, and let it go on",
	.options = restore_options,
	.options_size = sizeof(struct criu_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = restore_command,
};
