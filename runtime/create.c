/* Creating a container, the parent's side. Runs with the caller's privileges, in the
 * caller's namespaces; ends when init is ready or runs. */
#include "runtime/create.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "runtime/criu/descriptors.h"
#include "runtime/destroy.h"
#include "runtime/explain.h"
#include "runtime/hooks.h"
#include "runtime/init.h"
#include "runtime/memory_floor.h"
#include "runtime/namespaces/idmap.h"
#include "runtime/namespaces/relay.h"
#include "runtime/notify.h"
#include "runtime/process/caps.h"
#include "runtime/process/limits.h"
#include "runtime/seccomp/watch.h"
#include "runtime/start.h"
#include "runtime/steps.h"

void creation_free(struct creation *creation)
{
	bundle_free(&creation->bundle);
	namespaces_free(&creation->namespaces);
	rootfs_free(&creation->rootfs);
	cgroup_plan_free(&creation->cgroup_plan);
	seccomp_filter_free(&creation->filter);
	net_devices_free(&creation->net_devices);
	container_free(&creation->container);
	birth_free(&creation->birth);
	cleanup_fd(&creation->start_sock);
	cleanup_fd(&creation->cgroup_fd);
	cleanup_fd(&creation->notify_fd);
}

/* ---- plan --------------------------------------------------------------------------- */

int creation_plan_birth(struct creation *creation, struct error *err)
{
	return birth_plan(&creation->request->birth,
		creation->bundle.config.process->terminal, &creation->birth, err);
}

/* A new user namespace without an identity in it could do nothing. */
static int plan_identity(const struct creation *creation, struct error *err)
{
	const struct oci_config *config = &creation->bundle.config;

	if (creation->namespaces.makes_user &&
		(!config->linux.uid_mappings_count || !config->linux.gid_mappings_count))
		return fail(err,
			"/linux/uidMappings and gidMappings: a new user namespace "
			"needs both");
	if (geteuid() != 0 && !creation->namespaces.makes_user &&
		!namespaces_joins(&creation->namespaces, CLONE_NEWUSER))
		return fail(err,
			"/linux/namespaces: without a user namespace only root can "
			"create containers; `spec --rootless` writes a config for "
			"other users");
	return 0;
}

static int plan_parts(struct creation *creation, struct error *err)
{
	const struct create_request *request = creation->request;
	const struct oci_config *config = &creation->bundle.config;
	const struct rootfs_request rootfs = {
		.config = config,
		.bundle = creation->bundle.path,
		.no_pivot = request->no_pivot,
	};
	const struct cgroup_request cgroup = {
		.id = request->id,
		.driver = request->driver,
		.rootless = request->rootless,
	};

	if (namespaces_plan(config, &creation->namespaces, err) < 0 ||
		plan_identity(creation, err) < 0)
		return -1;
	if (rootfs_plan(&rootfs, &creation->rootfs, err) < 0)
		return -1;
	return cgroup_plan(config, &cgroup, &creation->cgroup_plan, err);
}

static void plan_waits(struct creation *creation)
{
	const struct oci_config *config = &creation->bundle.config;
	const struct namespaces *namespaces = &creation->namespaces;

	creation->hides_init =
		(namespaces->makes_user || namespaces_joins(namespaces, CLONE_NEWUSER)) &&
		caps_has(CAP_SYS_PTRACE);
	creation->relayed = relay_is_needed(&creation->namespaces);
	creation->waits_placed = creation->namespaces.makes_user ||
				 config->linux.net_devices_count ||
				 cgroup_wants_adopt(creation->cgroup_plan);
	creation->waits_hooked =
		config->hooks.prestart_count || config->hooks.create_runtime_count;
}

/* Says where in config.json it is. */
static int fail_placed(const struct creation *creation, struct error *err)
{
	json_place("config.json", creation->bundle.text, creation->bundle.length, err);
	return -1;
}

int create_plan(struct creation *creation, struct error *err)
{
	if (bundle_load(&creation->request->bundle, &creation->bundle, err) < 0)
		return -1;
	if (creation->request->memory_floor)
		memory_floor_adapt(
			&creation->bundle.config, creation->request->memory_floor);
	if (creation->request->notify)
		notify_configure(&creation->bundle.config, creation->request->root,
			creation->request->id);
	if (plan_parts(creation, err) < 0)
		return fail_placed(creation, err);
	plan_waits(creation);
	return 0;
}

/* What has to do with others: a filter in the cache, interfaces, sockets, sources. */
static int plan(struct creation *creation, struct error *err)
{
	const struct create_request *request = creation->request;
	const struct oci_config *config = &creation->bundle.config;

	/* Told before anything that a second container of this name would lack. */
	if (container_expect_none(request->root, request->id, err) < 0)
		return -1;
	if (create_plan(creation, err) < 0)
		return -1;
	if (seccomp_prepare(
		    config->linux.seccomp, request->root, &creation->filter, err) < 0 ||
		net_devices_plan(config, &creation->net_devices, err) < 0)
		return fail_placed(creation, err);
	if (request->seccomp_log && seccomp_watch_prepare(&creation->filter, err) < 0)
		return -1;
	if (creation_plan_birth(creation, err) < 0 ||
		birth_open(&creation->birth, err) < 0)
		return -1;
	step_reached(request->steps, STEP_PLANNED);
	return 0;
}

/* ---- make --------------------------------------------------------------------------- */

static char *now_text(void)
{
	struct timespec now;
	struct tm parts;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	return str_format("%s.%09ldZ", text, now.tv_nsec);
}

static void fill_state(struct creation *creation)
{
	struct container_state *state = &creation->container.state;
	const struct oci_config *config = &creation->bundle.config;

	state->oci_version = str_dup(OCI_VERSION);
	state->bundle = str_dup(creation->bundle.path);
	state->rootfs = str_dup(creation->bundle.rootfs);
	state->created = now_text();
	state->shares_pids = !config_makes_namespace(config, CLONE_NEWPID);
	state->keep_keyring = creation->request->no_new_keyring;
	state->systemd_cgroup = creation->request->driver == CGROUP_DRIVER_SYSTEMD;
	descriptors_note(&state->descriptors);
	for (size_t i = 0; i < config->annotations.count; i++)
		pairs_set(&state->annotations, config->annotations.items[i].key,
			config->annotations.items[i].value);
}

/* The first state.json names the cgroup and the resctrl class that are about to be made. */
static int record_intent(struct creation *creation, struct error *err)
{
	struct container *container = &creation->container;

	fill_state(creation);
	if (namespaces_in_chroot(&container->state.in_chroot, err) < 0)
		return -1;
	if (cgroup_intended(creation->cgroup_plan, &container->state.cgroup, err) < 0 ||
		resctrl_plan(&creation->bundle.config, container->state.id,
			&container->state.resctrl, err) < 0)
		return -1;
	if (file_replace_at(container->dir_fd, "config.json", creation->bundle.text,
		    creation->bundle.length,
		    (struct file_replace_options){ .mode = 0600 }, err) < 0)
		return -1;
	if (container_save(container, err) < 0)
		return -1;
	step_reached(creation->request->steps, STEP_RECORDED);
	return 0;
}

/* Bound by way of the open directory: a socket's name may have but 108 bytes. */
static int listen_for_start(struct creation *creation, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask = umask(0077);
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int result;

	creation->start_sock = sock;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/starting",
		creation->container.dir_fd);
	result = sock < 0 ? -1 : bind(sock, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (result < 0 || listen(sock, 8) < 0)
		return fail_errno(err, "making the socket of the command `start`");
	return 0;
}

static int make_cgroup(struct creation *creation, struct error *err)
{
	struct container_state *state = &creation->container.state;
	struct cgroup made = { 0 };

	if (cgroup_create(creation->cgroup_plan, &made, err) < 0) {
		/* What it made is undone; what it met there is not ours to undo. */
		cgroup_free(&state->cgroup);
		return -1;
	}
	if (!cgroup_wants_adopt(creation->cgroup_plan)) {
		cgroup_free(&state->cgroup);
		state->cgroup = made;
	}
	step_reached(creation->request->steps, STEP_CGROUP_MADE);
	if (resctrl_create(&creation->bundle.config, &state->resctrl, err) < 0)
		return -1;
	return cgroup_clone_fd(&state->cgroup, &creation->cgroup_fd, err);
}

int creation_make(struct creation *creation, struct error *err)
{
	const struct create_request *request = creation->request;

	step_reached(creation->request->steps, STEP_STATE_MADE);
	if (record_intent(creation, err) < 0)
		return -1;
	if (!request->start && listen_for_start(creation, err) < 0)
		return -1;
	return make_cgroup(creation, err);
}

/* ---- clone -------------------------------------------------------------------------- */

static int clone_direct(struct creation *creation, struct error *err)
{
	const struct namespaces *namespaces = &creation->namespaces;
	struct birth *birth = &creation->birth;

	/* Else init goes there: where the kernel cannot do it, where a cgroup has a limit of no
	 * processes, which only births count against. */
	birth->pid = process_clone_into(
		namespaces->clone, &creation->cgroup_fd, &birth->pidfd);
	if (birth->pid == 0)
		init_main(creation);
	if (birth->pid < 0) {
		(void)fail_errno(err, "making the container's process and namespaces");
		return err->errnum == EPERM && creation->container.state.in_chroot &&
				       namespaces->makes_user
			       ? fail_hint(
					 err, "Linux makes no user namespace in a chroot")
			       : -1;
	}
	return 0;
}

static int clone_process(struct creation *creation, struct error *err)
{
	int result = creation->relayed ? relay_clone(creation, err)
				       : clone_direct(creation, err);

	if (result < 0)
		return -1;
	seccomp_let_go(&creation->filter);
	/* Only so is the end of init seen as an end of file. */
	cleanup_fd(&creation->birth.far_sock);
	cleanup_fd(&creation->start_sock);
	creation->birth.far_sock = creation->start_sock = -1;
	step_reached(creation->request->steps, STEP_CLONED);
	return seccomp_watch_start(creation->filter.watch, creation->birth.pidfd, err);
}

/* ---- place, hooks, record, settle --------------------------------------------------- */

static int place(struct creation *creation, struct error *err)
{
	const struct oci_config *config = &creation->bundle.config;
	struct container_state *state = &creation->container.state;
	pid_t pid = creation->birth.pid;

	if (creation->namespaces.makes_user) {
		if (idmap_write(config, pid, err) < 0 ||
			limits_oom_score_adj(config->process, pid, err) < 0)
			return -1;
	}
	if (cgroup_wants_adopt(creation->cgroup_plan) &&
		cgroup_adopt(creation->cgroup_plan, pid, &state->cgroup, err) < 0)
		return -1;
	if (state->resctrl.path && resctrl_add(&state->resctrl, pid, err) < 0)
		return -1;
	if (net_devices_move(&creation->net_devices,
		    namespaces_join_fd(&creation->namespaces, CLONE_NEWNET), pid,
		    err) < 0)
		return -1;
	if (!creation->waits_placed)
		return 0;
	step_reached(creation->request->steps, STEP_PLACED);
	return stage_send(creation->birth.sock, STAGE_PLACED, err);
}

int creation_name_process(struct creation *creation, struct error *err)
{
	struct container_state *state = &creation->container.state;
	char letter;

	if (process_stat(creation->birth.pid, &state->start_time, &letter, err) < 0)
		return -1;
	state->pid = creation->birth.pid;
	if (container_save(&creation->container, err) < 0)
		return -1;
	step_reached(creation->request->steps, STEP_NAMED);
	return 0;
}

/* While init waits, with its mounts and not yet in its root. */
static int run_hooks(struct creation *creation, struct error *err)
{
	struct birth *birth = &creation->birth;

	if (!creation->waits_hooked)
		return 0;
	if (birth_await(birth->sock, STAGE_MOUNTED, err) < 0 ||
		creation_run_hooks(creation, birth->pid, birth->pidfd, err) < 0)
		return -1;
	return stage_send(birth->sock, STAGE_HOOKED, err);
}

static int record(struct creation *creation, struct error *err)
{
	if (birth_announce(&creation->request->birth, &creation->birth, err) < 0)
		return -1;
	return stage_send(creation->birth.sock, STAGE_RECORDED, err);
}

/* From here on a class with a name of its own is there for others too. */
static int keep_class(struct creation *creation, struct error *err)
{
	struct container_state *state = &creation->container.state;

	return resctrl_keep_named(&creation->bundle.config, &state->resctrl)
		       ? container_save(&creation->container, err)
		       : 0;
}

static int settle(struct creation *creation, struct error *err)
{
	const struct create_request *request = creation->request;
	const struct container *container = &creation->container;
	const struct oci_config *config = &creation->bundle.config;
	struct birth *birth = &creation->birth;

	if (birth_await_terminal(birth, config->process->terminal, err) < 0)
		return -1;
	if (request->memory_floor)
		return birth_await(birth->sock, STAGE_READY, err);
	if (request->start) {
		if (birth_await_execve(birth->sock, birth->pid,
			    creation->filter.program != NULL, err) < 0)
			return -1;
		if (memory_ended_init(creation))
			return fail_code(err, STAGE_PEER_ENDED,
				"the container's init ended early");
		step_reached(request->steps, STEP_EXECUTED);
		if (container_started(container, config, err) < 0)
			return -1;
		return keep_class(creation, err);
	}
	if (birth_await(birth->sock, STAGE_READY, err) < 0)
		return -1;
	step_reached(creation->request->steps, STEP_READY);
	if (renameat(container->dir_fd, "starting", container->dir_fd, "start") < 0)
		return fail_errno(err, "naming the socket of the command `start`");
	return keep_class(creation, err);
}

/* An init that went without a word was killed; by whom is known only of the kernel. */
static int explain_end(struct creation *creation, struct error *err)
{
	struct birth *birth = &creation->birth;
	struct error ignored;
	int status;

	if (err->errnum != STAGE_PEER_ENDED)
		return -1;
	if (birth->pid <= 0) /* it was the relay */
		return (void)!memory_blame_limit(creation, err), -1;
	(void)process_pidfd_signal(birth->pidfd, SIGKILL);
	if (process_wait(birth->pid, &status, &ignored) < 0)
		return -1;
	birth->pid = -1;
	if (status != 128 + SIGKILL) {
		(void)fail(
			err, "the container's init ended early, with status %d", status);
		return creation->filter.program ? fail_hint(err, BIRTH_FILTER_HINT) : -1;
	}
	if (memory_blame_limit(creation, err) < 0)
		return -1;
	return fail(err, "the container's init was killed; did somebody kill it?");
}

/* Among the sources of mounts may be the directory of the notify socket. */
static int open_sources(struct creation *creation, struct error *err)
{
	const struct container *container = &creation->container;

	if (creation->request->notify &&
		(notify_make(container, err) < 0 ||
			(creation->request->start &&
				notify_listen(container, &creation->notify_fd, err) < 0)))
		return -1;
	return rootfs_open(creation->rootfs, err);
}

static int act(struct creation *creation, struct error *err)
{
	if (open_sources(creation, err) < 0 || creation_make(creation, err) < 0)
		return -1;
	if (clone_process(creation, err) < 0)
		return explain_end(creation, err);
	/* The parent writes while init mounts; only then does it wait. */
	if (place(creation, err) < 0 || creation_name_process(creation, err) < 0)
		return -1;
	if (run_hooks(creation, err) < 0 || record(creation, err) < 0 ||
		settle(creation, err) < 0)
		return explain_end(creation, err);
	return 0;
}

/* poststop is for whom another hook has run for, be it one of init's. */
static bool is_poststop_due(const struct creation *creation, const struct error *failure)
{
	return creation->hooks_begun || hooks_failed(failure);
}

void creation_undo(struct creation *creation, const struct error *failure)
{
	const struct birth *birth = &creation->birth;
	const char *pid_file = creation->request->birth.pid_file;
	struct error err;

	if (net_devices_return(&creation->net_devices, &err) < 0)
		log_warning("after a failure: %s", err.text);
	if (birth->pidfd >= 0)
		(void)process_pidfd_signal(birth->pidfd, SIGKILL); /* may be dead */
	if (birth->pid > 0) {
		int status;

		(void)!process_wait(birth->pid, &status, &err); /* it is dead now */
	}
	if (pid_file && creation->container.state.pid)
		(void)unlink(pid_file); /* absent if not yet written */
	if (container_destroy(&creation->container,
		    is_poststop_due(creation, failure) ? &creation->bundle.config.hooks
						       : NULL,
		    &err) < 0)
		log_warning("after a failure: %s", err.text);
}

/* --explain: on standard error, for standard output is the container's. */
static void tell(const struct creation *creation, bool done)
{
	auto_str text = { 0 };

	if (!creation->request->steps)
		return;
	if (done)
		explain_times(creation->request->steps, &text);
	else
		explain_plan(creation, &text);
	(void)!fd_write_all(
		STDERR_FILENO, text.data, text.length); /* closed: no reader */
}

int create_container(
	const struct create_request *request, struct creation *ret, struct error *err)
{
	auto_creation creation = CREATION_NONE;

	creation.request = request;
	if (plan(&creation, err) < 0)
		return fail_while(err, "container \"%s\"", request->id);
	tell(&creation, false);
	if (container_make(request->root, request->id, &creation.container, err) < 0)
		return -1;
	if (act(&creation, err) < 0) {
		tell(&creation, true);
		creation_undo(&creation, err);
		memory_floor_tell(&creation, err);
		return fail_while(err, "container \"%s\"", request->id);
	}
	net_devices_settle(&creation.net_devices);
	tell(&creation, true);
	*ret = creation;
	creation = (struct creation)CREATION_NONE;
	return 0;
}
