/* exec: another process in a container. */
#include "base/log.h"
#include "runtime/commands/commands.h"
#include "runtime/exec/exec.h"
#include "runtime/exec/tools.h"
#include "runtime/foreground.h"
#include "runtime/process/identity.h"
#include "runtime/process/protect.h"
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
	bool tools;
	const char *namespaces;
	const char *bundle;
	const char *rootfs;
	bool no_cgroup;
	bool detach;
	const char *pid_file;
	const char *console_socket;
	const char *pidfd_socket;
	uint32_t preserve_fds;
	bool seccomp_log;
};

static void replace(char **member, const char *value)
{
	if (!value)
		return;
	free(*member);
	*member = str_dup(value);
}

/* Who is not root keeps over execve(2) only what is ambient. */
static void add_capabilities(struct oci_process *process, const struct strings *names)
{
	if (!names->count)
		return;
	if (!process->capabilities)
		process->capabilities = str_alloc(sizeof(*process->capabilities));
	strings_copy(&process->capabilities->bounding, names);
	strings_copy(&process->capabilities->effective, names);
	strings_copy(&process->capabilities->permitted, names);
	if (process->user.uid == 0)
		return;
	strings_copy(&process->capabilities->inheritable, names);
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

/* What the command line says, upon the container's own process or the usual tool. */
static int derive(const struct command_call *call, const struct exec_request *request,
	struct oci_process *process, struct error *err)
{
	const struct exec_options *options = call->options;

	if (call->argc < 2)
		return fail_code(
			err, EINVAL, "exec: expected a program to execute, or --process");
	if (request->tools ? tools_process(request->tools, process, err) < 0
			   : json_copy(&oci_process_type, process,
				     request->config->process, err) < 0)
		return -1;
	strings_free(&process->args);
	for (int i = 1; i < call->argc; i++)
		strings_add(&process->args, call->argv[i]);
	process->terminal = options->tty;
	replace(&process->cwd, options->cwd);
	replace(&process->apparmor_profile, options->apparmor);
	replace(&process->selinux_label, options->process_label);
	strings_copy(&process->env, &options->env);
	if (options->has_no_new_privs)
		process->no_new_privileges = options->no_new_privs;
	if (set_user(options, &process->user, err) < 0)
		return -1;
	add_capabilities(process, &options->cap);
	return 0;
}

/* A process that says nothing of labels is not less confined than the container. */
static void confine(struct oci_process *process, const struct oci_process *whole)
{
	if (!process->apparmor_profile || !*process->apparmor_profile)
		replace(&process->apparmor_profile, whole->apparmor_profile);
	if (!process->selinux_label || !*process->selinux_label)
		replace(&process->selinux_label, whole->selinux_label);
}

/* runc takes such a command line, and nothing of it but the file: that is kept for its
 * callers, but not in silence. */
static void warn_of_unused(const struct command_call *call)
{
	const struct exec_options *options = call->options;
	const struct {
		bool given;
		const char *what;
	} unused[] = {
		{ call->argc > 1, "the command" },
		{ options->user, "--user" },
		{ options->additional_gids.count, "--additional-gids" },
		{ options->cwd, "--cwd" },
		{ options->env.count, "--env" },
		{ options->cap.count, "--cap" },
		{ options->has_no_new_privs, "--no-new-privs" },
		{ options->apparmor, "--apparmor" },
		{ options->process_label, "--process-label" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(unused); i++) {
		if (unused[i].given)
			log_warning("%s has no effect beside --process: the file says "
				    "all of the process",
				unused[i].what);
	}
}

static int read_process(const struct command_call *call,
	const struct exec_request *request, struct oci_process *process,
	struct error *err)
{
	const struct exec_options *options = call->options;

	if (!options->process)
		return derive(call, request, process, err);
	warn_of_unused(call);
	if (call_read(call, &oci_process_type, process, options->process, err) < 0)
		return -1;
	if (process_validate(process, NULL, err) < 0)
		return fail_while(err, "%s", options->process);
	if (!request->tools || request->tools->joins_mounts)
		confine(process, request->config->process);
	return 0;
}

static int check_status(const struct container *container,
	const struct exec_options *options, bool *ret_paused, struct error *err)
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
		*ret_paused = true;
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
	if (!request->birth.foreground)
		return 0;
	foreground = (struct foreground){ .pid = joining.birth.pid,
		.pidfd = joining.birth.pidfd,
		.master = joining.birth.master };
	return foreground_serve(&foreground, call->ret_status, err);
}

static int check_seccomp_log(const struct command_call *call, struct error *err)
{
	const struct runtime_options *global = call->global;
	const struct exec_options *options = call->options;

	if (options->seccomp_log && options->detach && !global->log)
		return fail(err, "--seccomp-log: a process in the background needs "
				 "--log FILE");
	return 0;
}

/* Before any work, what would be of no effect. */
static int check_tool_options(const struct exec_options *options, struct error *err)
{
	if (options->tools && options->no_cgroup && options->cgroup.count)
		return fail(err, "--cgroup and --no-cgroup exclude each other");
	if (options->tools)
		return 0;
	if (options->namespaces || options->bundle || options->rootfs ||
		options->no_cgroup)
		return fail(err, "--%s: goes with --tools only",
			options->namespaces ? "ns"
			: options->bundle   ? "bundle"
			: options->rootfs   ? "rootfs"
					    : "no-cgroup");
	return 0;
}

static int exec_tool(const struct command_call *call, const struct exec_request *plain,
	struct oci_process *process, struct error *err)
{
	const struct exec_options *options = call->options;
	const struct tools_request tools_request = {
		.container = plain->container,
		.config = plain->config,
		.namespaces = options->namespaces,
		.bundle = options->bundle,
		.rootfs = options->rootfs,
		.outside = options->no_cgroup,
	};
	auto_tools tools = TOOLS_NONE;
	struct exec_request request = *plain;

	if (tools_prepare(&tools_request, &tools, err) < 0)
		return -1;
	request.tools = &tools;
	if (read_process(call, &request, process, err) < 0 ||
		tools_check(&tools, process, err) < 0)
		return -1;
	return execute(call, &request, err);
}

static int exec_plain(const struct command_call *call, const struct exec_request *request,
	struct oci_process *process, struct error *err)
{
	if (read_process(call, request, process, err) < 0)
		return -1;
	return execute(call, request, err);
}

static int exec_command(const struct command_call *call, struct error *err)
{
	const struct exec_options *options = call->options;
	auto_free char *root = options_root(call->global);
	auto_container container = CONTAINER_NONE;
	auto_oci_config config = { 0 };
	auto_oci_process process = { 0 };
	struct exec_request request = {
		.container = &container,
		.config = &config,
		.process = &process,
		.filter_cache = root,
		.cgroups = &options->cgroup,
		.birth = { .pid_file = options->pid_file,
			.console_socket = options->console_socket,
			.pidfd_socket = options->pidfd_socket,
			.foreground = !options->detach },
		.preserve_fds = options->preserve_fds,
		.seccomp_log = options->seccomp_log,
	};

	if (check_tool_options(options, err) < 0 ||
		check_preserve_fds(options->preserve_fds, err) < 0 ||
		check_seccomp_log(call, err) < 0)
		return -1;
	/* Into a user's scope it is the user's systemd that moves us. */
	if (geteuid() != 0 && call_driver_of_container(call, err) < 0)
		return -1;
	if (protect_self(err) < 0 || foreground_hold_signals(err) < 0)
		return -1;
	execute_claim_listeners();
	if (call_container(call, CONTAINER_READ, &container, err) < 0 ||
		container_config(&container, &config, err) < 0)
		return -1;
	if (check_status(&container, options, &request.paused, err) < 0 ||
		(options->tools ? exec_tool(call, &request, &process, err)
				: exec_plain(call, &request, &process, err)) < 0)
		return fail_while(err, "container \"%s\"", call->argv[0]);
	return 0;
}

/* clang-format off */
static const struct option_spec exec_options[] = {
	OPTION_STRING(struct exec_options, process, "process", 'p', "FILE",
		"a process as in config.json, instead of a command and of the options that "
		"say something of one; where it has no "
		"AppArmor profile or SELinux label, it has the container's"),
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
		"allow it in a paused container; it begins once that is resumed, if no "
		"SIGTERM, SIGINT, SIGHUP or SIGQUIT comes before"),
	OPTION_FLAG(struct exec_options, tools, "tools", 0,
		"run a program of the host, for what the container's image lacks"),
	OPTION_STRING(struct exec_options, namespaces, "ns", 0, "NAMESPACE,...",
		"with --tools: the namespaces of the container to run it in; "
		"net,pid,ipc,uts if not given"),
	OPTION_STRING(struct exec_options, bundle, "bundle", 'b', "DIRECTORY",
		"with --tools: a program of this bundle, with its mounts"),
	OPTION_STRING(struct exec_options, rootfs, "rootfs", 0, "DIRECTORY",
		"with --tools: a program of this root file system"),
	OPTION_FLAG(struct exec_options, no_cgroup, "no-cgroup", 0,
		"with --tools: stay in the caller's cgroup, outside the container's "
		"limits"),
	OPTION_FLAG(struct exec_options, detach, "detach", 'd',
		"leave it running in the background"),
	OPTION_STRING(struct exec_options, pid_file, "pid-file", 0, "FILE",
		"write its pid there"),
	OPTION_STRING(struct exec_options, console_socket, "console-socket", 0, "SOCKET",
		"send the terminal's master to this Unix socket"),
	OPTION_STRING(struct exec_options, pidfd_socket, "pidfd-socket", 0, "SOCKET",
		"send a pidfd of the process to this Unix socket"),
	OPTION_FLAG(struct exec_options, seccomp_log, "seccomp-log", 0,
		"tell each system call that the seccomp profile denies; with --detach in "
		"the file of --log"),
	OPTION_U32(struct exec_options, preserve_fds, "preserve-fds", 0, "NUMBER",
		"pass so many descriptors on, after the three standard ones"),
	OPTION_END,
};
/* clang-format on */

const struct command command_exec = {
	.name = "exec",
	.operands = "ID [COMMAND [ARGUMENT...]]",
	.summary = "run another process in a container",
	.details =
		"With --tools the program is not the image's but the host's, for an "
		"image without ps, netstat or a shell: it runs in those namespaces of "
		"the container that --ns names, as root with the caller's capabilities "
		"and in the container's cgroup, without its seccomp filter and limits "
		"of processes, and sees the host's files with a /proc and /sys of the "
		"namespaces that it is in; the container's files are at /proc/1/root "
		"there. With --bundle or --rootfs its files are that bundle's or that "
		"directory's. With mnt among the namespaces it sees the container's "
		"files and is a process as exec's others are; then the program must be "
		"a static one.\n"
		"A tool in the container's pid namespace can be seen from inside. Where "
		"the container could look through it at the host's files (it has "
		"CAP_SYS_PTRACE, or the tool is told to be another user than root), "
		"that is refused.",
	.options = exec_options,
	.options_size = sizeof(struct exec_options),
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = 255,
	.run = exec_command,
};
