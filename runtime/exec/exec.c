/* Another process in a container that exists: the parent's side, with the caller's
 * privileges, in the caller's namespaces. */
#include "runtime/exec/exec.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "runtime/exec/join.h"
#include "runtime/exec/tools.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/process/labels.h"
#include "runtime/seccomp/watch.h"
#include "spec/names.h"

void joining_free(struct joining *joining)
{
	execute_free(&joining->execute);
	seccomp_filter_free(&joining->filter);
	state_free(&joining->state);
	cgroup_free(&joining->cgroup);
	cleanup_fd(&joining->cgroup_fd);
	cleanup_fd(&joining->root);
	cleanup_fd(&joining->proc);
	birth_free(&joining->birth);
}

/* ---- plan --------------------------------------------------------------------------- */

static void plan_kind(struct joining *joining, int64_t type)
{
	if (namespaces_shared(joining->request->container->state.pid, type))
		return;
	if (type == CLONE_NEWPID)
		joining->joins_pid = true;
	else if (type == CLONE_NEWUSER)
		joining->joins_user = true;
	else
		joining->namespaces |= (int)type;
}

static int plan_namespaces(struct joining *joining, struct error *err)
{
	const struct oci_config *config = joining->request->config;
	const struct tools *tools = joining->request->tools;
	auto_free char *path = NULL;

	for (size_t i = 0; !tools && i < config->linux.namespaces_count; i++)
		plan_kind(joining, config->linux.namespaces[i].type);
	for (const struct word *word = namespace_words; tools && word->word; word++) {
		if (tools->kinds & (uint64_t)word->number)
			plan_kind(joining, word->number);
	}
	if (tools && !tools->joins_mounts)
		return 0;
	if (joining->namespaces & CLONE_NEWNS &&
		!joining->request->container->state.in_chroot)
		return 0;
	path = str_format("/proc/%d/root", joining->request->container->state.pid);
	joining->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return joining->root < 0 ? fail_errno(err, "opening %s", path) : 0;
}

static int plan_cgroup(struct joining *joining, struct error *err)
{
	const struct exec_request *request = joining->request;
	const struct cgroup *whole = &request->container->state.cgroup;
	static const struct strings all = { 0 };

	if (request->tools && request->tools->request->outside)
		return 0;
	if (cgroup_below(whole, request->cgroups ? request->cgroups : &all,
		    &joining->cgroup, err) < 0)
		return -1;
	return cgroup_clone_fd(&joining->cgroup, &joining->cgroup_fd, err);
}

/* What the new process cannot find out by itself: the container's procfs may show anything,
 * its /etc/passwd too. */
static int plan_outside(struct joining *joining, struct error *err)
{
	bool listens = joining->filter.listener >= 0;

	if (listens)
		container_describe(
			joining->request->container, CONTAINER_RUNNING, &joining->state);
	if (!listens && !labels_wanted(joining->request->process))
		return 0;
	joining->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return joining->proc < 0 ? fail_errno(err, "opening /proc") : 0;
}

static int fail_stopped(struct error *err)
{
	return fail(err, "cannot exec in a stopped container");
}

static int plan(struct joining *joining, struct error *err)
{
	const struct exec_request *request = joining->request;
	/* A tool of the host is no program of the image, to be held by its filter. */
	bool filtered = !request->tools || request->tools->joins_mounts;

	if (execute_check(request->process, err) < 0)
		return -1;
	joining->target = container_process(request->container);
	if (joining->target < 0)
		return fail_stopped(err);
	if (plan_namespaces(joining, err) < 0 ||
		birth_plan(&request->birth, request->process->terminal, &joining->birth,
			err) < 0 ||
		plan_cgroup(joining, err) < 0)
		return -1;
	if (seccomp_prepare(filtered ? request->config->linux.seccomp : NULL,
		    request->filter_cache, &joining->filter, err) < 0)
		return -1;
	if (request->seccomp_log && seccomp_watch_prepare(&joining->filter, err) < 0)
		return -1;
	if (plan_outside(joining, err) < 0)
		return -1;
	joining->execute = (struct execute){
		.process = request->process,
		.config = filtered ? request->config : &request->tools->bundle.config,
		.filter = &joining->filter,
		.caps = caps_plan(request->process),
		.proc_fd = joining->proc,
		.preserve_fds = (int)request->preserve_fds,
		.program_fd = request->tools ? request->tools->program_fd : -1,
	};
	return birth_open(&joining->birth, err);
}

/* ---- act ---------------------------------------------------------------------------- */

/* Who stands still with the container cannot be waited for, not even after SIGKILL: of
 * version 1's freezer it dies once it is thawed. */
int exec_abandon(const struct joining *joining, pid_t *pid, struct error *err)
{
	if (err->errnum != EINTR || *pid <= 0)
		return -1;
	(void)kill(take_pid(pid), SIGKILL);
	return joining->request->paused ? fail_while(err, "the container is paused") : -1;
}

static int converse(struct joining *joining, struct error *err)
{
	const struct exec_request *request = joining->request;
	struct birth *birth = &joining->birth;

	seccomp_let_go(&joining->filter);
	cleanup_fd(&birth->far_sock);
	birth->far_sock = -1;
	log_debug("process %d joins container %s, to execute %s", birth->pid,
		request->container->state.id, request->process->args.items[0]);
	if (seccomp_watch_start(joining->filter.watch, birth->pidfd, err) < 0)
		return -1;
	if (birth_await_terminal(birth, request->process->terminal, err) < 0)
		return -1;
	if (resctrl_add(&request->container->state.resctrl, birth->pid, err) < 0 ||
		birth_announce(&request->birth, birth, err) < 0 ||
		stage_send(birth->sock, STAGE_RECORDED, err) < 0)
		return -1;
	return birth_await_execve(
		birth->sock, birth->pid, joining->filter.program != NULL, err);
}

/* Whoever dies leaves its namespaces first (ESRCH), and into a pid namespace whose first
 * process has gone nobody is born (ENOMEM). */
static int explain_death(const struct exec_request *request, struct error *err)
{
	const struct container *container = request->container;
	bool ended = false;

	switch (err->errnum) {
	case ESRCH:
	case ENOMEM:
	case STAGE_PEER_ENDED:
		ended = container_ends(container);
		break;
	case ENOENT: /* of its files in /proc, or of the program */
		ended = container_process(container) < 0;
		break;
	}
	return ended ? fail_stopped(err) : -1;
}

int exec_container(
	const struct exec_request *request, struct joining *ret, struct error *err)
{
	auto_joining joining = JOINING_NONE;
	int result;

	joining.request = request;
	if (plan(&joining, err) < 0)
		return explain_death(request, err);
	/* What is in the container must not look into us once we are in its sight. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail_errno(err, "PR_SET_DUMPABLE");
	result = join_relay(&joining, err);
	if (result == 0)
		result = converse(&joining, err);
	if (result < 0) {
		(void)!exec_abandon(&joining, &joining.birth.pid, err);
		cleanup_pid(&joining.birth.pid);
		return explain_death(request, err);
	}
	*ret = joining;
	ret->execute.filter = NULL; /* pointed into what is gone now */
	joining = (struct joining)JOINING_NONE;
	return 0;
}
