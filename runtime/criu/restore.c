/* The parent's side of restore.h; what runs in criu's process before its execve is
 * in_criu_process(). */
#include "runtime/criu/restore.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/criu/amend.h"
#include "runtime/criu/aside.h"
#include "runtime/criu/criu.h"
#include "runtime/criu/descriptors.h"
#include "runtime/criu/external.h"
#include "runtime/criu/images.h"
#include "runtime/criu/wire.h"
#include "runtime/namespaces/idmap.h"
#include "runtime/process/keyring.h"
#include "runtime/process/labels.h"
#include "runtime/steps.h"

#define LOG_FILE "restore.log"
#define ROOT     "root" /* in the state directory: where criu finds the root */

struct restore {
	const struct restore_request *request;
	struct creation *creation;
	struct criu_places places;
	struct str options;
	char *root_path;                    /* absolute */
	int inherited[NAMESPACE_KINDS + 2]; /* namespaces, then the places */
	size_t inherited_count;
};

/* ---- plan --------------------------------------------------------------------------- */

static int check_options(const struct restore *restore, struct error *err)
{
	const struct oci_config *config = &restore->creation->bundle.config;

	if (!config_makes_namespace(config, CLONE_NEWNS))
		return fail(
			err, "/linux/namespaces: a restore needs a new mount namespace");
	if (external_check(config, restore->creation->bundle.path, err) < 0)
		return -1;
	return amend_check(config, err);
}

static int plan(struct restore *restore, struct error *err)
{
	struct creation *creation = restore->creation;
	const struct create_request *request = creation->request;

	if (criu_check_labels(restore->request->options, err) < 0 ||
		container_expect_none(request->root, request->id, err) < 0)
		return -1;
	if (create_plan(creation, err) < 0)
		return -1;
	if (check_options(restore, err) < 0) {
		json_place("config.json", creation->bundle.text, creation->bundle.length,
			err);
		return -1;
	}
	if (creation_plan_birth(creation, err) < 0 ||
		rootfs_open(creation->rootfs, err) < 0)
		return -1;
	return criu_places_open(restore->request->options, false, &restore->places, err);
}

static int put_restore(struct restore *restore, struct error *err)
{
	const struct criu_options *options = restore->request->options;
	const struct creation *creation = restore->creation;
	const struct oci_config *config = &creation->bundle.config;
	struct str *to = &restore->options;

	if (criu_put_common(to, options, config, &restore->places, LOG_FILE, err) < 0)
		return -1;
	wire_put_text(to, CRIU_ROOT, restore->root_path);
	wire_put_flag(to, CRIU_RST_SIBLING, true);
	wire_put_flag(to, CRIU_EVASIVE_DEVICES, true);
	wire_put_text(to, CRIU_LSM_PROFILE, options->lsm_profile);
	wire_put_text(to, CRIU_LSM_MOUNT_CONTEXT, options->lsm_mount_context);
	if (external_put_restore(to, &creation->container, config, err) < 0 ||
		external_put_namespaces(to, config, &creation->namespaces,
			restore->inherited, &restore->inherited_count, err) < 0)
		return -1;
	restore->inherited[restore->inherited_count++] = restore->places.images;
	restore->inherited[restore->inherited_count++] = restore->places.work;
	return descriptors_put(to, restore->places.images, err);
}

static int lend_images(const struct restore *restore, struct error *err)
{
	const struct oci_config *config = &restore->creation->bundle.config;
	uint32_t group;

	if (!config_namespace(config, CLONE_NEWUSER) ||
		!idmap_to_host(config->linux.gid_mappings,
			config->linux.gid_mappings_count, 0, &group))
		return 0;
	return images_lend(restore->places.images, group, err);
}

/* ---- the root ----------------------------------------------------------------------- */

/* All mounts of config.json, in a mount namespace that ends with its only process: what
 * stays are the directories and files that they were put on, which criu expects. */
static int make_targets(void *argument, struct error *err)
{
	struct rootfs *rootfs = argument;

	if (unshare(CLONE_NEWNS) < 0)
		return fail_errno(err, "making a mount namespace");
	return rootfs_enter(rootfs, err);
}

static int prepare_targets(const struct creation *creation, struct error *err)
{
	const struct aside aside = {
		.work = make_targets,
		.argument = creation->rootfs,
		.what = "making mount points",
	};

	return aside_run(&aside, err);
}

/* criu wants the root to be a mount, whose parent nothing covers, and which is nobody's
 * peer; it remains a slave of the caller's, as the saved one was. */
static int enter_root(const struct restore *restore, struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return fail_errno(err, "making a mount namespace for criu");
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return fail_errno(err, "detaching the mounts from the caller's");
	return rootfs_attach_root(restore->creation->rootfs, restore->root_path, err);
}

/* criu mounts in its working directory: that must be of this mount namespace. The request
 * knows it by its number. */
static int enter_place(int number, const char *path, struct error *err)
{
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || dup3(fd, number, O_CLOEXEC) < 0)
		return fail_errno(err, "opening %s for criu", path);
	return 0;
}

static int in_criu_process(void *argument, struct error *err)
{
	const struct restore *restore = argument;
	const struct criu_places *places = &restore->places;
	const struct container_state *state = &restore->creation->container.state;

	/* Whose keys the restored processes will have. */
	if (keyring_join(state->id, restore->creation->bundle.config.process, -1, err) <
		0)
		return -1;
	if (enter_root(restore, err) < 0 ||
		enter_place(places->images, places->images_path, err) < 0)
		return -1;
	if (places->work != places->images &&
		enter_place(places->work, places->work_path, err) < 0)
		return -1;
	return cgroup_enter(&state->cgroup, CGROUP_ENTER_UNIFIED, err);
}

/* ---- what criu comes to ------------------------------------------------------------- */

/* Where the restored processes go, in each hierarchy: where criu itself is. */
static int put_cgroup_roots(pid_t pid, struct str *to, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/cgroup", pid);
	auto_free char *text = NULL;
	auto_strings lines = { 0 };

	if (file_read_at(AT_FDCWD, path, 1u << 20, &text, NULL, err) < 0)
		return -1;
	strings_split(&lines, text, '\n');
	strings_each (line, &lines) {
		char *controllers = strchr(*line, ':');
		char *place = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!place)
			continue;
		*place = '\0';
		criu_put_pair(to, CRIU_CG_ROOT, controllers + 1, place + 1);
	}
	return 0;
}

static int begin(void *argument, pid_t pid, struct str *options, struct error *err)
{
	struct creation *creation = ((struct restore *)argument)->creation;

	if (cgroup_wants_adopt(creation->cgroup_plan) &&
		cgroup_adopt(creation->cgroup_plan, pid,
			&creation->container.state.cgroup, err) < 0)
		return -1;
	step_reached(creation->request->steps, STEP_CLONED);
	return put_cgroup_roots(pid, options, err);
}

static int run_hooks(struct creation *creation, pid_t pid, struct error *err)
{
	auto_fd pidfd = -1;

	if (!creation->waits_hooked)
		return 0;
	pidfd = process_pidfd_open(pid);
	if (pidfd < 0)
		return fail_errno(err, "opening process %d, which criu restores", pid);
	return creation_run_hooks(creation, pid, pidfd, err);
}

static int record(struct creation *creation, pid_t pid, struct error *err)
{
	creation->birth.pid = pid;
	creation->birth.pidfd = process_pidfd_open(pid);
	if (creation->birth.pidfd < 0)
		return fail_errno(err, "opening the restored process %d", pid);
	if (creation->container.state.resctrl.path &&
		resctrl_add(&creation->container.state.resctrl, pid, err) < 0)
		return -1;
	if (amend_restored(&creation->container, &creation->bundle.config, pid, err) < 0)
		return -1;
	if (creation_name_process(creation, err) < 0)
		return -1;
	return birth_announce(&creation->request->birth, &creation->birth, err);
}

/* A criu that does not know the module, or did not when it saved, lets go of what was
 * confined. It has not run yet, and shall not. */
static int check_labels(
	const struct restore *restore, struct criu_notice *notice, struct error *err)
{
	const struct criu_options *options = restore->request->options;
	const struct creation *creation = restore->creation;
	const struct oci_process *process = creation->bundle.config.process;
	struct labels labels = {
		.apparmor = process->apparmor_profile,
		.selinux = process->selinux_label,
	};

	if (options->lsm_profile && str_after(options->lsm_profile, "apparmor:"))
		labels.apparmor = str_after(options->lsm_profile, "apparmor:");
	if (options->lsm_profile && str_after(options->lsm_profile, "selinux:"))
		labels.selinux = str_after(options->lsm_profile, "selinux:");
	if (labels_expect(creation->birth.pid, &labels, err) == 0)
		return 0;
	(void)process_pidfd_signal(creation->birth.pidfd, SIGKILL); /* undone anyway */
	notice->abandon = true;
	(void)fail_while(err, "the restored process");
	return fail_hint(err, "--lsm-profile may name another");
}

/* A terminal whose master was the caller's: the new caller gets it. */
static int hand_on_terminal(
	struct creation *creation, struct criu_notice *notice, struct error *err)
{
	if (notice->fd < 0)
		return fail(err, "criu's terminal came without its descriptor");
	if (creation->birth.console_sock >= 0)
		return birth_send_master(&creation->birth, notice->fd, err);
	if (creation->request->birth.foreground && creation->birth.master < 0)
		creation->birth.master = take_fd(&notice->fd);
	return 0;
}

static int take_notice(void *argument, struct criu_notice *notice, struct error *err)
{
	struct creation *creation = ((struct restore *)argument)->creation;

	if (str_equal(notice->script, "setup-namespaces"))
		return run_hooks(creation, notice->pid, err);
	if (str_equal(notice->script, "orphan-pts-master"))
		return hand_on_terminal(creation, notice, err);
	if (str_equal(notice->script, "post-restore"))
		return record(creation, notice->pid, err);
	if (str_equal(notice->script, "pre-resume"))
		return check_labels(argument, notice, err);
	return 0;
}

/* ---- act ---------------------------------------------------------------------------- */

static int call_criu(struct restore *restore, struct error *err)
{
	const struct criu_call call = {
		.program = restore->request->criu,
		.kind = CRIU_RESTORE,
		.options = &restore->options,
		.log_dir = restore->places.work,
		.log_path = restore->places.work_path,
		.log_file = LOG_FILE,
		.inherited = restore->inherited,
		.inherited_count = restore->inherited_count,
		.in_child = in_criu_process,
		.begun = begin,
		.notice = take_notice,
		.argument = restore,
	};

	if (criu_call(&call, err) < 0)
		return -1;
	if (restore->creation->birth.pid <= 0)
		return fail(err, "criu restored it without saying which process it is");
	return 0;
}

static int act(struct restore *restore, struct error *err)
{
	struct creation *creation = restore->creation;
	struct container *container = &creation->container;

	restore->root_path =
		str_format("%s/%s/" ROOT, creation->request->root, container->state.id);
	if (creation_make(creation, err) < 0)
		return -1;
	if (mkdirat(container->dir_fd, ROOT, 0700) < 0)
		return fail_errno(err, "making %s", restore->root_path);
	if (prepare_targets(creation, err) < 0 || put_restore(restore, err) < 0 ||
		lend_images(restore, err) < 0 || call_criu(restore, err) < 0)
		return -1;
	if (unlinkat(container->dir_fd, ROOT, AT_REMOVEDIR) < 0)
		return fail_errno(err, "removing %s", restore->root_path);
	return 0;
}

static int restore_with(struct restore *restore, struct error *err)
{
	struct creation *creation = restore->creation;
	const struct create_request *request = creation->request;

	if (plan(restore, err) < 0)
		return fail_while(err, "container \"%s\"", request->id);
	if (container_make(request->root, request->id, &creation->container, err) < 0)
		return -1;
	if (act(restore, err) < 0) {
		creation_undo(creation, err);
		return fail_while(err, "container \"%s\"", request->id);
	}
	return 0;
}

int restore_container(
	const struct restore_request *request, struct creation *ret, struct error *err)
{
	auto_creation creation = CREATION_NONE;
	struct restore restore = {
		.request = request,
		.creation = &creation,
		.places = CRIU_PLACES_NONE,
	};
	int result;

	creation.request = request->create;
	result = restore_with(&restore, err);
	criu_places_free(&restore.places);
	str_free(&restore.options);
	free(restore.root_path);
	if (result < 0)
		return -1;
	*ret = creation;
	creation = (struct creation)CREATION_NONE;
	return 0;
}
