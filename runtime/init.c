/* Creating a container, init's side. Born with the creator's memory and privileges (in a
 * new user namespace: all privileges of that one), in the namespaces that are made for it;
 * ends as the user's program, or with _exit(1) once its error is told. */
#include "runtime/init.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/foreground.h"
#include "runtime/hooks.h"
#include "runtime/process/execute.h"
#include "runtime/process/identity.h"
#include "runtime/process/keyring.h"
#include "runtime/process/limits.h"
#include "runtime/stage.h"
#include "runtime/steps.h"
#include "spec/config.h"

struct init {
	struct creation *creation;
	const struct oci_config *config;
	int sock;     /* to whom errors go: the parent, later `start` */
	pid_t number; /* ours, as the creator sees it; 0 where nobody needs it */
};

/* ---- enter -------------------------------------------------------------------------- */

/* The lock goes with the parent's copy of the directory. From a directory of the host's ".."
 * leads everywhere: nobody inside who may trace others is to find one in init. */
void init_let_go(struct creation *creation)
{
	int *ours[] = { &creation->container.dir_fd, &creation->container.root_fd,
		&creation->bundle.fd };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		cleanup_fd(ours[i]);
		*ours[i] = -1;
	}
	birth_let_go(&creation->birth);
}

/* A new network namespace's loopback is down. */
static int bring_up_loopback(struct error *err)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	auto_fd sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return fail_errno(err, "bringing the loopback interface up");
	return 0;
}

/* Who writes an empty name has none to give. */
static int set_names(const struct oci_config *config, struct error *err)
{
	const char *host = config->hostname;
	const char *domain = config->domainname;

	if (host && *host && sethostname(host, strlen(host)) < 0)
		return fail_errno(err, "/hostname: setting it to \"%s\"", host);
	if (domain && *domain && setdomainname(domain, strlen(domain)) < 0)
		return fail_errno(err, "/domainname: setting it to \"%s\"", domain);
	return 0;
}

static int enter_cgroup(const struct creation *creation, struct error *err)
{
	return cgroup_enter(&creation->container.state.cgroup,
		creation->cgroup_fd >= 0 ? CGROUP_ENTER_V1 : CGROUP_ENTER_UNIFIED, err);
}

static int enter_namespaces(struct init *init, struct error *err)
{
	struct creation *creation = init->creation;
	const struct namespaces *namespaces = &creation->namespaces;
	bool in_user =
		namespaces->makes_user || namespaces_joins(namespaces, CLONE_NEWUSER);

	if (!in_user && limits_oom_score_adj(init->config->process, 0, err) < 0)
		return -1;
	if (!creation->relayed) {
		if (enter_cgroup(creation, err) < 0 ||
			namespaces_join(namespaces, err) < 0)
			return -1;
	}
	cleanup_fd(&creation->cgroup_fd);
	creation->cgroup_fd = -1;
	step_reached(creation->request->steps, STEP_ENTERED);
	if (creation->waits_placed && stage_await(init->sock, STAGE_PLACED, err) < 0)
		return -1;
	/* A change of ids hides /proc/self from ourselves, unless we are dumpable. */
	if (in_user && identity_become_root(true, err) < 0)
		return -1;
	return namespaces_unshare(namespaces, init->config, err);
}

static int enter(struct init *init, struct error *err)
{
	if (init->creation->filter.listener >= 0)
		init->number = namespaces_outer_pid(-1);
	if (setsid() < 0)
		return fail_errno(err, "beginning a session");
	if (enter_namespaces(init, err) < 0)
		return -1;
	if (config_makes_namespace(init->config, CLONE_NEWNET) &&
		bring_up_loopback(err) < 0)
		return -1;
	if (net_devices_configure(&init->creation->net_devices, err) < 0)
		return -1;
	return set_names(init->config, err);
}

/* ---- mount -------------------------------------------------------------------------- */

/* In the container the hook's "pid" is the one seen there. */
static int run_hooks(const struct init *init, enum hook_kind kind, int cwd_fd,
	enum container_status status, struct error *err)
{
	auto_oci_state state = { 0 };
	const struct hooks_call call = {
		.hooks = &init->config->hooks,
		.state = &state,
		.cwd_fd = cwd_fd,
		.env = kind == HOOK_START_CONTAINER ? &init->config->process->env : NULL,
	};

	if (hooks_of_kind(call.hooks, kind).count == 0)
		return 0;
	container_describe(&init->creation->container, status, &state);
	state.has_pid = true;
	state.pid = getpid();
	return hooks_run(&call, kind, err);
}

/* As others do: a working directory that the image lacks is made. Where the root is
 * read-only, entering it will tell. */
static void make_cwd(const struct init *init, int root_fd)
{
	const struct path_mkdir_options options = { .mode = 0755, .uid = (uid_t)-1 };
	const char *cwd = init->config->process->cwd;
	auto_fd made = -1;
	struct error ignored;

	if (cwd && cwd[1])
		(void)!path_mkdirs_in_root(root_fd, cwd, options, &made, &ignored);
}

static int make_terminal(const struct init *init, int root_fd, struct error *err)
{
	const struct birth_terminal terminal = {
		.process = init->config->process,
		.root_fd = root_fd,
		.at_console = true,
	};

	return birth_make_terminal(&init->creation->birth, &terminal, err);
}

static int await_hooks(const struct init *init, struct error *err)
{
	if (!init->creation->waits_hooked)
		return 0;
	if (stage_send(init->sock, STAGE_MOUNTED, err) < 0)
		return -1;
	return stage_await(init->sock, STAGE_HOOKED, err);
}

static int mount_all(struct init *init, struct error *err)
{
	struct rootfs *rootfs = init->creation->rootfs;
	struct steps *steps = init->creation->request->steps;
	int root_fd;

	if (rootfs_enter(rootfs, err) < 0)
		return -1;
	root_fd = rootfs_root_fd(rootfs);
	make_cwd(init, root_fd);
	step_reached(steps, STEP_MOUNTED);
	if (await_hooks(init, err) < 0)
		return -1;
	if (run_hooks(init, HOOK_CREATE_CONTAINER, root_fd, CONTAINER_CREATING, err) < 0)
		return -1;
	if (make_terminal(init, root_fd, err) < 0)
		return -1;
	if (rootfs_pivot(rootfs, err) < 0)
		return -1;
	step_reached(steps, STEP_PIVOTED);
	return 0;
}

/* ---- wait and become ---------------------------------------------------------------- */

/* `exec` is possible from now on: what it brings in must not look into us. For whoever made
 * us that is so as well, unless it may trace the processes of its own user namespace. */
static int close_ours(const struct init *init, int preserved, struct error *err)
{
	const struct creation *creation = init->creation;
	const int kept[] = { init->sock, creation->start_sock, creation->filter.listener,
		log_fd() };

	fd_close_but(STDERR_FILENO + 1 + preserved, kept, ARRAY_SIZE(kept));
	if (creation->hides_init && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail_errno(err, "PR_SET_DUMPABLE");
	return 0;
}

static void end_by_signal(int number)
{
	_exit(128 + number);
}

/* The first process of a pid namespace is not ended by a signal that it does not handle, and
 * a container that was never started has no program that would. execve forgets handlers. */
static void let_signals_end_us(void)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE,
		SIGALRM, SIGTERM };
	const struct sigaction action = { .sa_handler = end_by_signal };

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		(void)sigaction(ending[i], &action, NULL); /* cannot fail for these */
}

/* Whoever looks whether init listens, and says nothing, is no start. */
static int accept_start(struct init *init, struct error *err)
{
	struct error ended;

	for (;;) {
		auto_fd sock =
			accept4(init->creation->start_sock, NULL, NULL, SOCK_CLOEXEC);

		if (sock < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (sock < 0)
			return fail_errno(err, "waiting for `start`");
		if (stage_await(sock, STAGE_START, &ended) < 0)
			continue;
		init->sock = take_fd(&sock);
		return 0;
	}
}

static int await_start(struct init *init, struct error *err)
{
	struct creation *creation = init->creation;

	/* A parent that died before it had written us down must not leave us waiting. */
	if (stage_await(init->sock, STAGE_RECORDED, err) < 0)
		return -1;
	if (creation->request->start)
		return 0;
	if (stage_send(init->sock, STAGE_READY, err) < 0)
		return -1;
	cleanup_fd(&creation->birth.far_sock);
	creation->birth.far_sock = -1;
	let_signals_end_us();
	return accept_start(init, err);
}

/* What was to be known of a memory limit is known. A parent that is still writing us down
 * would take an earlier end for a failure. */
static int end_here(const struct init *init, struct error *err)
{
	if (stage_await(init->sock, STAGE_RECORDED, err) < 0 ||
		stage_send(init->sock, STAGE_READY, err) < 0)
		return -1;
	_exit(0);
}

static int run(struct init *init, struct error *err)
{
	struct creation *creation = init->creation;
	auto_oci_state state = { 0 };
	struct execute execute = {
		.process = init->config->process,
		.config = init->config,
		.filter = &creation->filter,
		.caps = caps_plan(init->config->process),
		.preserve_fds = (int)creation->request->preserve_fds,
	};

	if (!creation->relayed)
		init_let_go(creation);
	foreground_release_signals();
	if (enter(init, err) < 0 || mount_all(init, err) < 0)
		return -1;
	execute.proc_fd = rootfs_proc_fd(creation->rootfs);
	if (!creation->request->no_new_keyring &&
		keyring_join(creation->container.state.id, execute.process,
			execute.proc_fd, err) < 0)
		return -1;
	if (execute_settle(&execute, err) < 0)
		return -1;
	if (close_ours(init, execute.preserve_fds, err) < 0)
		return -1;
	step_reached(creation->request->steps, STEP_SETTLED);
	if (creation->request->memory_floor)
		return end_here(init, err);
	if (await_start(init, err) < 0)
		return -1;
	step_reached(creation->request->steps, STEP_STARTING);
	if (init->number) {
		container_describe(&creation->container, CONTAINER_CREATING, &state);
		state.pid = init->number;
		execute.subject = (struct seccomp_subject){ &state, init->number };
	}
	if (execute_become(&execute, err) < 0 ||
		run_hooks(init, HOOK_START_CONTAINER, -1, CONTAINER_CREATED, err) < 0)
		return -1;
	return execute_program(&execute, err);
}

no_return void init_main(struct creation *creation)
{
	struct init init = {
		.creation = creation,
		.config = &creation->bundle.config,
		.sock = creation->birth.far_sock,
	};
	struct error err = { 0 };

	(void)!run(&init, &err); /* comes back only with an error */
	stage_send_error(init.sock, &err);
	_exit(1);
}
