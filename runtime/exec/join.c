/* exec, the relay and the new process. Both have the caller's privileges, which the second
 * gives up last; not dumpable, so that nothing inside can look into them; the one ends as the
 * program, or with _exit(255) once its error is told. */
#include "runtime/exec/join.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "runtime/exec/tools.h"
#include "runtime/foreground.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/namespaces/relay.h"
#include "runtime/process/identity.h"
#include "runtime/process/keyring.h"
#include "runtime/process/limits.h"
#include "runtime/process/scheduler.h"
#include "runtime/stage.h"
#include "spec/config.h"

/* First of all: it needs the caller's view of cgroups. */
static int enter_cgroup(const struct joining *joining, struct error *err)
{
	const struct oci_process *process = joining->request->process;

	if (scheduler_affinity_initial(process, err) < 0 ||
		limits_oom_score_adj(process, 0, err) < 0)
		return -1;
	if (cgroup_enter(&joining->cgroup,
		    joining->cgroup_fd >= 0 ? CGROUP_ENTER_V1 : CGROUP_ENTER_UNIFIED,
		    err) < 0)
		return -1;
	return scheduler_affinity_final(process, err);
}

static int enter(const struct joining *joining, int namespaces, struct error *err)
{
	if (namespaces && setns(joining->target, namespaces) < 0)
		return fail_errno(err, "joining the namespaces of the container");
	return 0;
}

/* A container without a mount namespace of its own has a root all the same, and one that
 * was made in a chroot has not its namespace's. */
static int enter_root(const struct joining *joining, struct error *err)
{
	if (joining->root < 0)
		return 0;
	if (fchdir(joining->root) < 0 || chroot(".") < 0)
		return fail_errno(err, "entering the root of the container");
	return 0;
}

static int make_terminal(const struct joining *joining, struct error *err)
{
	auto_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct birth_terminal terminal = {
		.process = joining->request->process,
		.root_fd = root,
	};

	if (root < 0)
		return fail_errno(err, "opening the root of the container");
	return birth_make_terminal(&joining->birth, &terminal, err);
}

static int become_inmate(const struct joining *joining, struct error *err)
{
	if (setsid() < 0)
		return fail_errno(err, "beginning a session");
	return joining->joins_user ? identity_become_root(false, err) : 0;
}

static int join_keyring(const struct joining *joining, struct error *err)
{
	const struct exec_request *request = joining->request;
	const struct container_state *state = &request->container->state;

	if (state->keep_keyring || (request->tools && !request->tools->joins_mounts))
		return 0;
	return keyring_join(state->id, request->process, joining->proc, err);
}

/* Of ours, and of what the caller has left open. */
static void close_ours(const struct joining *joining)
{
	const int kept[] = { joining->birth.far_sock, joining->filter.listener,
		joining->execute.program_fd, log_fd() };

	fd_close_but(STDERR_FILENO + 1 + joining->execute.preserve_fds, kept,
		ARRAY_SIZE(kept));
}

static int run(struct joining *joining, struct error *err)
{
	struct execute *execute = &joining->execute;

	foreground_release_signals();
	if (joining->filter.listener >= 0)
		execute->subject = (struct seccomp_subject){ &joining->state,
			namespaces_outer_pid(joining->proc) };
	if (become_inmate(joining, err) < 0)
		return -1;
	if (joining->request->tools && tools_enter(joining->request->tools, err) < 0)
		return -1;
	if (make_terminal(joining, err) < 0 || join_keyring(joining, err) < 0)
		return -1;
	if (execute_settle(execute, err) < 0)
		return -1;
	close_ours(joining);
	if (stage_await(joining->birth.far_sock, STAGE_RECORDED, err) < 0)
		return -1;
	return execute_become(execute, err) < 0 ? -1 : execute_program(execute, err);
}

static no_return void join_main(struct joining *joining)
{
	struct error err = { 0 };

	(void)!run(joining, &err); /* comes back only with an error */
	stage_send_error(joining->birth.far_sock, &err);
	_exit(255);
}

/* ---- the relay ---------------------------------------------------------------------- */

/* Root may enter all else before it becomes the container's root; for another user the
 * user namespace is what gives the right to, and the kernel takes them as one. */
static int enter_all(const struct joining *joining, struct error *err)
{
	int others = joining->namespaces | (joining->joins_pid ? CLONE_NEWPID : 0);
	int user = joining->joins_user ? CLONE_NEWUSER : 0;

	if (geteuid() != 0)
		return enter(joining, others | user, err);
	if (enter(joining, others & ~CLONE_NEWNS, err) < 0)
		return -1;
	return enter(joining, (others & CLONE_NEWNS) | user, err);
}

/* What the new process is not to have: it is in the container's sight from its birth on. */
static void let_go(struct joining *joining)
{
	const struct container *container = joining->request->container;

	cleanup_fd(&container->root_fd);
	cleanup_fd(&container->dir_fd);
	cleanup_fd(&container->pidfd); /* joining->target */
	cleanup_fd(&joining->root);
	cleanup_fd(&joining->cgroup_fd);
	joining->root = joining->cgroup_fd = -1;
	birth_let_go(&joining->birth);
}

static int relay(struct joining *joining, struct error *err)
{
	auto_fd pidfd = -1;
	pid_t pid;

	if (enter_cgroup(joining, err) < 0 || enter_all(joining, err) < 0 ||
		enter_root(joining, err) < 0)
		return -1;
	let_go(joining);
	pid = process_clone(CLONE_PARENT, &pidfd);
	if (pid == 0)
		join_main(joining);
	if (pid < 0)
		return fail_errno(err, "making a process");
	return stage_send_fd(joining->birth.far_sock, STAGE_CLONED, pidfd, err);
}

static no_return void relay_main(struct joining *joining)
{
	struct error err = { 0 };

	if (relay(joining, &err) == 0)
		_exit(0);
	stage_send_error(joining->birth.far_sock, &err);
	_exit(255);
}

int join_relay(struct joining *joining, struct error *err)
{
	int pidfd = -1;
	/* Else the relay goes there itself, or is moved. */
	auto_pid relay = process_clone_into(0, &joining->cgroup_fd, &pidfd);

	if (relay == 0)
		relay_main(joining);
	if (relay_await(&relay, pidfd, &joining->birth, err) < 0)
		return exec_abandon(joining, &relay, err);
	return 0;
}
