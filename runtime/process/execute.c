/* From a process inside the container to the program of process.args. */
#include "runtime/process/execute.h"

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "runtime/process/identity.h"
#include "runtime/process/labels.h"
#include "runtime/process/limits.h"
#include "runtime/process/personality.h"
#include "runtime/process/program.h"
#include "runtime/process/scheduler.h"
#include "spec/config.h"

void execute_free(struct execute *execute)
{
	strings_free(&execute->env);
	free(take_ptr(&execute->program));
}

int execute_check(const struct oci_process *process, struct error *err)
{
	if (process->args.count == 0)
		return fail(err, "/process/args: expected at least the program's name");
	if (process->cwd && process->cwd[0] != '/')
		return fail(err, "/process/cwd: expected an absolute path, found \"%s\"",
			process->cwd);
	for (size_t i = 0; i < process->env.count; i++) {
		const char *equals = strchr(process->env.items[i], '=');

		if (!equals || equals == process->env.items[i])
			return fail(err,
				"/process/env/%zu: expected NAME=VALUE, found \"%s\"", i,
				process->env.items[i]);
	}
	if (scheduler_check(process, err) < 0)
		return -1;
	return labels_check(process, err);
}

static const char *wanted_cwd(const struct oci_process *process)
{
	return process->cwd && process->cwd[0] ? process->cwd : "/";
}

/* A directory that lies outside the container's root (an open descriptor of the host
 * through a link of /proc) has no path inside. */
static int enter_cwd(const struct oci_process *process, struct error *err)
{
	const char *cwd = wanted_cwd(process);
	auto_free char *found = NULL;

	if (chdir(cwd) < 0)
		return fail_errno(err, "/process/cwd: entering %s", cwd);
	found = getcwd(NULL, 0);
	if (!found || found[0] != '/')
		return fail(err,
			"/process/cwd: %s leads out of the container's root file system",
			cwd);
	return 0;
}

static bool keeps_groups(const struct execute *execute)
{
	const struct pairs *annotations = &execute->config->annotations;

	return str_equal(pairs_get(annotations, EXECUTE_GROUPS_ANNOTATION), "1");
}

/* Takes the file system's view of the user that the program will run as. Whose view cannot
 * be taken cannot be become either: trying to tells why, while it is still `create`. */
static int see_as_user(const struct execute *execute, struct error *err)
{
	const struct oci_user *user = &execute->process->user;
	bool keep_groups = keeps_groups(execute);
	bool refused;

	/* Where groups cannot be set at all, they will not help the program either. */
	refused =
		!keep_groups &&
		setgroups(user->additional_gids.count, user->additional_gids.items) < 0 &&
		errno == EINVAL;
	setfsgid(user->gid);
	setfsuid(user->uid);
	if (refused || (gid_t)setfsgid((gid_t)-1) != user->gid ||
		(uid_t)setfsuid((uid_t)-1) != user->uid)
		return identity_become(execute->process, keep_groups, err);
	return 0;
}

static int find_program(struct execute *execute, struct error *err)
{
	const struct oci_process *process = execute->process;
	int result;

	if (see_as_user(execute, err) < 0)
		return -1;
	result = program_find(process->args.items[0], &execute->env, wanted_cwd(process),
		&execute->program, err);
	setfsuid(geteuid());
	setfsgid(getegid());
	return result;
}

void execute_claim_listeners(void)
{
	auto_free char *own = getenv("LISTEN_FDS") ? str_format("%d", getpid()) : NULL;

	if (own && !str_equal(getenv("LISTEN_PID"), own))
		unsetenv("LISTEN_FDS");
}

/* Sockets that a service manager opened for us are for the program (sd_listen_fds(3)). */
static void inherit_listeners(struct execute *execute)
{
	const char *listen_fds = getenv("LISTEN_FDS");
	struct error ignored;
	uint32_t count;

	if (!listen_fds || str_to_u32(listen_fds, "LISTEN_FDS", &count, &ignored) < 0 ||
		count > 1024)
		return;
	strings_env_set(&execute->env, "LISTEN_FDS", listen_fds);
	strings_env_set(&execute->env, "LISTEN_PID", "1");
	execute->preserve_fds += (int)count; /* which come first */
}

int execute_settle(struct execute *execute, struct error *err)
{
	const struct oci_process *process = execute->process;

	strings_copy(&execute->env, &process->env);
	strings_env_unique(&execute->env);
	inherit_listeners(execute);
	identity_set_home(process->user.uid, &execute->env);
	if (limits_rlimits(process, err) < 0)
		return -1;
	if (scheduler_policy(process, err) < 0 ||
		scheduler_io_priority(process, 0, err) < 0)
		return -1;
	if (personality_apply(execute->config, err) < 0 ||
		memory_policy_apply(execute->config, err) < 0)
		return -1;
	if (enter_cwd(process, err) < 0) {
		if (err->errnum != EACCES && err->errnum != EPERM)
			return -1;
		execute->cwd_pending = true;
	}
	if (execute->program_fd > 0)
		execute->program = str_dup(process->args.items[0]);
	else if (find_program(execute, err) < 0)
		return -1;
	return labels_apply(process, execute->proc_fd, err);
}

static int load_filter(const struct execute *execute, struct error *err)
{
	return seccomp_install(execute->filter, execute->subject, err);
}

/* Without no_new_privs only a privileged process may load a filter, which then holds for
 * all that follows; with it the filter can wait for the very end. */
static int change_identity(struct execute *execute, struct error *err)
{
	const struct oci_process *process = execute->process;

	if (!process->no_new_privileges && load_filter(execute, err) < 0)
		return -1;
	if (caps_drop_bounding(&execute->caps, err) < 0 ||
		identity_become(process, keeps_groups(execute), err) < 0 ||
		caps_apply(&execute->caps, err) < 0)
		return -1;
	if (execute->cwd_pending && enter_cwd(process, err) < 0)
		return -1;
	if (!process->no_new_privileges)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail_errno(err, "/process/noNewPrivileges: setting it");
	return load_filter(execute, err);
}

int execute_become(struct execute *execute, struct error *err)
{
	/* What was opened by accident must not be seen inside, nor its directory walked. */
	if (fd_cloexec_from(3 + execute->preserve_fds, err) < 0)
		return -1;
	return change_identity(execute, err);
}

int execute_program(struct execute *execute, struct error *err)
{
	const struct oci_process *process = execute->process;
	int errnum;

	if (execute->program_fd > 0)
		syscall(SYS_execveat, execute->program_fd, "", process->args.items,
			execute->env.items, AT_EMPTY_PATH);
	else
		execve(execute->program, process->args.items, execute->env.items);
	errnum = errno;
	return program_explain(process->args.items[0], execute->program,
		execute->program_fd, errnum, err);
}
