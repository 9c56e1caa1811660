/* exec: another process in a container. */
#include "runtime/commands.h"
#include "runtime/exec.h"
#include "runtime/foreground.h"
#include "runtime/identity.h"
#include "runtime/protect.h"
#include "spec/validate.h"

struct exec_options {
	const char *process;
	bool tty;
	const char *user;
	struct strings additional_gids;
	const char *cwd;
	struct strings env;
	struct strings cap;
	bool no_new_privs;
	bool has_no_new_privs;
	const char *apparmor;
	const char *process_label;
	struct strings cgroup;
	bool ignore_paused;
	bool detach;
	const char *pid_file;
	const char *console_socket;
	uint32_t preserve_fds;
};

static void replace(char **member, const char *value)
{
	if (!value)
		return;
	free(*member);
	*member = str_dup(value);
}

static void add_capabilities(struct oci_process *process, const struct strings *names)
{
	if (!names->count)
		return;
	if (!process->capabilities)
		process->capabilities = str_alloc(sizeof(*process->capabilities));
	strings_copy(&process->capabilities->bounding, names);
	strings_copy(&process->capabilities->effective, names);
	strings_copy(&process->capabilities->permitted, names);
	strings_copy(&process->capabilities->ambient, names);
}

static int set_user(
	const struct exec_options *options, struct oci_user *user, struct error *err)
{
	struct json_u32s *groups = &user->additional_gids;

	if (options->user && identity_parse(options->user, user, err) < 0)
		return -1;
	strings_each (text, &options->additional_gids) {
		uint32_t gid;

		if (str_to_u32(*text, "--additional-gids", &gid, err) < 0)
			return -1;
		groups->items = str_realloc(
			groups->items, groups->count + 1, sizeof(*groups->items));
		groups->items[groups->count++] = gid;
	}
	return 0;
}

/* The container's own process, with what the command line says. */
static int derive(const struct command_call *call, const struct oci_config *config,
	struct oci_process *process, struct error *err)
{
	const struct exec_options *options = call->options;

	if (call->argc < 2)
		return fail_code(
			err, EINVAL, "exec: expected a program to execute, or --process");
	if (json_copy(&oci_process_type, process, config->process, err) < 0)
		return -1;
	strings_free(&process->args);
	for (int i = 1; i < call->argc; i++)
		strings_add(&process->args, call->argv[i]);
	process->terminal = options->tty;
	replace(&process->cwd, options->cwd);
	replace(&process->apparmor_profile, options->apparmor);
	replace(&process->selinux_label, options->process_label);
	strings_copy(&process->env, &options->env);
	add_capabilities(process, &options->cap);
	if (options->has_no_new_privs)
		process->no_new_privileges = options->no_new_privs;
	return set_user(options, &process->user, err);
}

static int read_process(const struct command_call *call, const struct oci_config *config,
	struct oci_process *process, struct error *err)
{
	const struct exec_options *options = call->options;

	if (!options->process)
		return derive(call, config, process, err);
	if (call_read(&oci_process_type, process, options->process, err) < 0)
		return -1;
	if (process_validate(process, NULL, err) < 0)
		return fail_while(err, "%s", options->process);
	return 0;
}

static int check_status(const struct container *container,
	const struct exec_options *options, struct error *err)
{
	switch (container_status(container)) {
	case CONTAINER_STOPPED:
	case CONTAINER_CREATING:
		return fail(err,
			"cannot exec in a container that is not running: container "
			"not running");
	case CONTAINER_PAUSED:
		if (!options->ignore_paused)
			return fail(err, "cannot exec in a paused container "
					 "(use --ignore-paused)");
		return 0;
	case CONTAINER_CREATED:
	case CONTAINER_RUNNING:
		break;
	}
	return 0;
}

static int execute(const struct command_call *call, const struct exec_request *request,
	struct error *err)
{
	auto_joining joining = JOINING_NONE;
	struct foreground foreground;

	if (exec_container(request, &joining, err) < 0)
		return -1;
	if (!request->foreground)
		return 0;
	foreground = (struct foreground){
		.pid = joining.pid, .pidfd = joining.pidfd, .master = joining.master
	};
	return foreground_serve(&foreground, call->ret_status, err);
}

static int exec_command(const struct command_call *call, struct error *err)
{
	const struct exec_options *options = call->options;
	auto_free char *root = options_root(call->global);
	auto_container container = CONTAINER_NONE;
	auto_oci_config config = { 0 };
	auto_oci_process process = { 0 };
	const struct exec_request request = {
		.container = &container,
		.config = &config,
		.process = &process,
		.filter_cache = root,
		.cgroups = &options->cgroup,
		.pid_file = options->pid_file,
		.console_socket = options->console_socket,
		.preserve_fds = options->preserve_fds,
		.foreground = !options->detach,
	};

	if (protect_self(err) < 0 || foreground_hold_signals(err) < 0)
		return -1;
	if (call_container(call, CONTAINER_READ, &container, err) < 0 ||
		container_config(&container, &config, err) < 0)
		return -1;
	if (check_status(&container, options, err) < 0 ||
		read_process(call, &config, &process, err) < 0 ||
		execute(call, &request, err) < 0)
		return fail_while(err, "container \"%s\"", call->argv[0]);
	return 0;
}

/* clang-format off */
static const struct option_spec exec_options[] = {
	OPTION_STRING(struct exec_options, process, "process", 'p', "FILE",
		"a process as in config.json, instead of a command line"),
	OPTION_FLAG(struct exec_options, tty, "tty", 't', "give it a terminal"),
	OPTION_STRING(struct exec_options, user, "user", 'u', "UID[:GID]", "run it as this user"),
	OPTION_STRINGS(struct exec_options, additional_gids, "additional-gids", 'g', "GID",
		"one more group"),
	OPTION_STRING(struct exec_options, cwd, "cwd", 0, "DIRECTORY",
		"its working directory in the container"),
	OPTION_STRINGS(struct exec_options, env, "env", 'e', "NAME=VALUE",
		"set an environment variable"),
	OPTION_STRINGS(struct exec_options, cap, "cap", 'c', "CAPABILITY",
		"one more capability"),
	OPTION_FLAG(struct exec_options, no_new_privs, "no-new-privs", 0,
		"it cannot gain privileges by execve",
		OPTION_HAS(struct exec_options, no_new_privs)),
	OPTION_STRING(struct exec_options, apparmor, "apparmor", 0, "PROFILE",
		"its AppArmor profile"),
	OPTION_STRING(struct exec_options, process_label, "process-label", 0, "LABEL",
		"its SELinux label"),
	OPTION_STRINGS(struct exec_options, cgroup, "cgroup", 0, "[CONTROLLER:]PATH",
		"put it in a cgroup below the container's"),
	OPTION_FLAG(struct exec_options, ignore_paused, "ignore-paused", 0,
		"allow it in a paused container; it begins once that is resumed"),
	OPTION_FLAG(struct exec_options, detach, "detach", 'd',
		"leave it running in the background"),
	OPTION_STRING(struct exec_options, pid_file, "pid-file", 0, "FILE",
		"write its pid there"),
	OPTION_STRING(struct exec_options, console_socket, "console-socket", 0, "SOCKET",
		"send the terminal's master to this Unix socket"),
	OPTION_U32(struct exec_options, preserve_fds, "preserve-fds", 0, "NUMBER",
		"pass so many descriptors on, after the three standard ones"),
	OPTION_END,
};
/* clang-format on */

const struct command command_exec = {
	.name = "exec",
	.operands = "ID [COMMAND [ARGUMENT...]]",
	.summary = "run another process in a container",
	.options = exec_options,
	.options_size = sizeof(struct exec_options),
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = 255,
	.run = exec_command,
};
