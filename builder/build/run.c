/*
 * RUN: mocker-runtime executes the command in a container of its own, whose bundle is
 * made in the draft's directory and whose root is an overlay that config.json describes.
 *
 *	DRAFT/config.json  DRAFT/rootfs  DRAFT/etc   the bundle
 *	DRAFT/runtime.log                            what the runtime itself has to say
 */
#include "builder/build/run.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "builder/build/run_devices.h"
#include "builder/build/run_mounts.h"
#include "builder/build/run_shell.h"
#include "builder/build/runtime_log.h"
#include "builder/build/settings.h"
#include "builder/bundle/config.h"
#include "builder/bundle/rootfs.h"
#include "builder/rootfs/overlay.h"
#include "builder/rootfs/overlay_marks.h"
#include "builder/rootless.h"

#define HOSTNAME "mocker-build"

static const char *network_of(
	const struct stage_process *process, const struct step *step)
{
	if (step->run.network == RUN_NETWORK_NONE)
		return NETWORK_NONE;
	if (step->run.network == RUN_NETWORK_HOST)
		return NETWORK_HOST;
	return process->build->request->network ? process->build->request->network
						: NETWORK_HOST;
}

/* A Mockerfile alone opens no way out of the sandbox. */
int run_check(
	const struct stage_process *process, const struct step *step, struct error *err)
{
	const struct build_request *request = process->build->request;

	if (step->run.security == RUN_SECURITY_INSECURE && !request->allow_insecure)
		return fail(err, "RUN --security=insecure runs outside of the sandbox: "
				 "build with --allow security.insecure to agree");
	if (step->run.network == RUN_NETWORK_HOST && !request->allow_host_network)
		return fail(err, "RUN --network=host reaches the host's network: build "
				 "with --allow network.host to agree");
	return 0;
}

static void command_of(
	const struct stage_state *state, const struct step *step, struct strings *ret)
{
	if (step->shell_form)
		settings_shell(state, ret);
	strings_copy(ret, &step->argv);
}

static void add_environment(const struct stage_state *state, struct inputs *inputs)
{
	auto_strings environment = { 0 };

	scope_cache_environment(&state->scope, &environment);
	strings_sort(&environment);
	strings_each (item, &environment) {
		char *equals = strchr(*item, '=');

		if (!equals)
			continue;
		*equals = '\0';
		inputs_add(inputs, INPUT_VARIABLE, *item, equals + 1);
	}
}

static const char *hostname_of(const struct stage_process *process)
{
	const char *given = pairs_get(
		&process->build->request->build_args, "BUILDKIT_SANDBOX_HOSTNAME");

	return given && *given ? given : HOSTNAME;
}

void run_inputs(
	struct stage_process *process, const struct step *step, struct inputs *inputs)
{
	auto_strings shell = { 0 };
	auto_free char *joined = NULL;

	settings_shell(process->state, &shell);
	joined = strings_join(&shell, "\n");
	if (step->shell_form)
		inputs_add(inputs, INPUT_SETTING, "the shell", joined);
	add_environment(process->state, inputs);
	inputs_add(inputs, INPUT_SETTING, "the working directory",
		process->state->scope.workdir);
	inputs_add(inputs, INPUT_SETTING, "the user",
		process->state->image.config.config.user);
	inputs_add(inputs, INPUT_SETTING, "the network", network_of(process, step));
	if (strcmp(hostname_of(process), HOSTNAME) != 0)
		inputs_add(inputs, INPUT_SETTING, "the host name", hostname_of(process));
}

struct run_work {
	const char *runtime; /* path of the program */
	const char *root;    /* its --root */
	const char *bundle;
	const char *log;
	const char *id;
	const char *rootfs;
	const struct overlay *overlay; /* of the root */
	struct run_mounts *mounts;
	bool separate;    /* in a process namespace of its own */
	bool on_terminal; /* its input and output are ours */
	int status;       /* the result */
};

/* In the runtime's process, before it is executed: it ends with its worker. In a process
 * namespace of its own it needs the /proc that shows it, which the worker must not see. */
static void tie_to_worker(void *argument)
{
	const struct run_work *work = argument;
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct error ignored;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (work->separate && (worker_isolate_mounts(&ignored) < 0 ||
				      mount("proc", "/proc", "proc", flags, NULL) < 0))
		_exit(127);
}

/* Where the runtime's state is in memory, nobody could find a container whose builder was
 * killed, and where there is no cgroup nobody could end it from another user namespace: as
 * the first of its process namespace the runtime takes all others with it. */
static int separate_processes(const struct run_work *work, struct error *err)
{
	if (work->separate && unshare(CLONE_NEWPID) < 0)
		return fail_errno(err, "making a process namespace");
	return 0;
}

/* A user has no cgroups to give. */
static void make_command(
	const struct run_work *work, const char *root, struct strings *ret)
{
	strings_add(ret, "mocker-runtime");
	if (rootless_here())
		strings_add(ret, "--cgroup-manager=disabled");
	strings_add(ret, "--root");
	strings_add(ret, root);
	strings_add(ret, "--log");
	strings_add(ret, work->log);
	strings_add(ret, "--log-format=json");
	strings_add(ret, "run");
	strings_add(ret, "--bundle");
	strings_add(ret, work->bundle);
	strings_add(ret, work->id);
}

/* Where the kernel mounts no overlay, the root is made of copies before. */
static int run_in_root(
	const struct process_run *run, struct run_work *work, struct error *err)
{
	auto_tree_listing before = NULL;

	if (work->overlay->copies &&
		(overlay_mount(work->overlay, work->rootfs, err) < 0 ||
			overlay_watch(work->overlay, work->rootfs, &before, err) < 0))
		return -1;
	if (process_run(run, &work->status, err) < 0)
		return -1;
	return work->status == 0 ? overlay_keep(work->overlay, work->rootfs, before, err)
				 : 0;
}

/* In a worker, whose group is killed as a whole when the build is interrupted. */
static int run_container(void *argument, int output, struct error *err)
{
	struct run_work *work = argument;
	auto_free char *own_root =
		run_secrets_runtime_root(&work->mounts->secrets, work->bundle);
	auto_free char *record = path_join(work->root, work->id);
	auto_strings words = { 0 };
	struct process_run run = {
		.path = work->runtime,
		.cwd_fd = -1,
		.output_fd = output,
		.error_fd = output,
		.in_child = tie_to_worker,
		.argument = work,
	};
	int result;

	make_command(work, own_root ? own_root : work->root, &words);
	run.argv = words.items;
	if (work->on_terminal) {
		run.input_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		run.output_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		run.error_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	if (run_mounts_prepare(work->mounts, work->bundle, record, err) < 0 ||
		separate_processes(work, err) < 0)
		return -1;
	result = run_in_root(&run, work, err);
	run_secrets_end(&work->mounts->secrets);
	return result;
}

/* What packages' scripts may need: to make device nodes, to ping, to log. */
static void add_capabilities(struct strings *ret)
{
	strings_add(ret, "MKNOD");
	strings_add(ret, "NET_RAW");
	strings_add(ret, "AUDIT_WRITE");
}

/* The image as far as a step's container knows it: where it stands, and who runs. */
static void borrow_image(const struct stage_state *state, struct image *ret)
{
	*ret = (struct image){
		.on_host = state->image.on_host,
		.layers = state->image.layers,
		.layers_count = state->image.layers_count,
		.config.config.user = state->image.config.config.user,
	};
}

static void tell_missing(const struct step *step, const struct strings *devices)
{
	const struct span span = instruction_span(step->instruction, NULL);

	strings_each (name, devices)
		log_warning("%s:%u: RUN goes on without the device %s: no CDI "
			    "specification has it",
			span.source->name, span.line, *name);
}

static int fill_request(struct stage_process *process, const struct step *step,
	struct bundle_request *request, struct error *err)
{
	auto_strings missing = { 0 };

	request->hostname = hostname_of(process);
	request->network = network_of(process, step);
	request->workdir = process->state->scope.workdir;
	request->for_step = true;
	request->privileged = step->run.security == RUN_SECURITY_INSECURE;
	add_capabilities(&request->cap_add);
	scope_environment(&process->state->scope, &request->env);
	command_of(process->state, step, &request->args);
	if (run_devices_find(process, step, &request->devices, &missing, err) < 0)
		return -1;
	tell_missing(step, &missing);
	return 0;
}

static int write_script(const struct step *step, const struct layer_draft *draft,
	struct oci_config *config, struct error *err)
{
	struct file_replace_options options = { .mode = 0755 };

	if (!step->run.script)
		return 0;
	if (file_replace_at(draft->fd, "script", step->run.script,
		    strlen(step->run.script), options, err) < 0)
		return -1;
	bundle_add_mount(config, step->run.script_path, "bind", "script", "bind,ro");
	return 0;
}

/* A step that wants several caches takes them all while no other such step does, of any
 * build: otherwise each of two could wait for what the other has. */
static int lock_caches(struct stage_process *process, const struct step *step,
	int *ret_fd, struct error *err)
{
	auto_fd fd = -1;
	size_t count = 0;

	for (size_t i = 0; i < step->run.mount_count; i++)
		count += step->run.mounts[i].type == RUN_MOUNT_CACHE;
	if (count < 2)
		return 0;
	fd = openat(process->build->store->root_fd, "caches.lock",
		O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(
			err, "opening %s/caches.lock", process->build->store->root);
	if (fd_lock(fd, LOCK_EX, "caches.lock", err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Waits until it has the caches. */
static int add_mounts(struct stage_process *process, const struct step *step,
	const struct layer_draft *draft, struct run_mounts *mounts,
	struct oci_config *config, struct error *err)
{
	auto_fd lock = -1;
	int result;

	interrupt_let_in(&process->interrupt);
	result = lock_caches(process, step, &lock, err);
	if (result == 0)
		result = run_mounts_add(mounts, process, step, draft, config, err);
	interrupt_hold(&process->interrupt);
	return result;
}

/* Everything of the bundle but its root, which the runtime mounts. */
static int write_bundle(struct stage_process *process, const struct step *step,
	const struct layer_draft *draft, const char *id, const struct overlay *overlay,
	struct run_mounts *mounts, struct error *err)
{
	auto_bundle_request request = { 0 };
	auto_oci_config config = { 0 };
	struct image image;
	struct user user = { 0 };
	struct bundle_input input = {
		.request = &request,
		.image = &image,
		.user = &user,
		.overlay = overlay->copies ? NULL : overlay,
		.bundle = draft->path,
		.cdi = &process->cdi,
	};
	struct rootfs_work work = {
		.overlay = overlay,
		.mount_at = draft->rootfs,
		.user_text = process->state->image.config.config.user,
		.bundle_fd = draft->fd,
		.signal_fd = process->interrupt.fd,
	};
	auto_free char *cgroup = str_format("/mocker/%s", id);

	borrow_image(process->state, &image);
	work.image = &image;
	request.cgroups_path = rootless_here() ? NULL : cgroup;
	if (fill_request(process, step, &request, err) < 0 ||
		rootfs_run(&work, &user, err) < 0 ||
		bundle_make_config(&input, &config, err) < 0 ||
		add_mounts(process, step, draft, mounts, &config, err) < 0 ||
		write_script(step, draft, &config, err) < 0 ||
		bundle_write_etc(&input, draft->fd, err) < 0)
		return -1;
	return bundle_write_config(draft->fd, &config, err);
}

/* What the layers below, uppermost first, say of a path; false where none has it. */
static bool stat_below(const struct overlay *overlay, const char *path, struct stat *ret)
{
	strings_each (lower, &overlay->lowers) {
		auto_free char *below = path_join(*lower, path + 1);

		if (lstat(below, ret) == 0)
			return true;
	}
	return overlay->hide && lstat(path, ret) == 0;
}

/* Whether an empty directory of the upper layer says nothing: it is new, or the copy of
 * one below with the same attributes. An opaque one says that the rest is gone. */
static bool is_silent(const struct overlay *overlay, int fs, const char *path)
{
	auto_fd fd =
		path_try_open_in_root(fs, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct stat here, below;

	if (fd < 0 || fstat(fd, &here) < 0 || overlay_is_opaque(fd))
		return false;
	if (!stat_below(overlay, path, &below))
		return true;
	return S_ISDIR(below.st_mode) && below.st_mode == here.st_mode &&
	       below.st_uid == here.st_uid && below.st_gid == here.st_gid;
}

/* Directories that were made or copied up for a mount point, and hold nothing else. */
static void remove_parents(const struct overlay *overlay, int fs, const char *path)
{
	auto_free char *parent = path_parent(path);
	auto_free char *above = path_parent(parent);
	auto_fd fd = -1;

	if (strcmp(parent, "/") == 0 || !is_silent(overlay, fs, parent))
		return;
	fd = path_try_open_in_root(fs, above, O_PATH | O_DIRECTORY, 0);
	if (fd >= 0 && unlinkat(fd, path_base(parent), AT_REMOVEDIR) == 0)
		remove_parents(overlay, fs, parent);
}

static void remove_mount_point(const struct overlay *overlay, int fs, const char *path)
{
	auto_free char *parent = path_parent(path);
	const char *name = path_base(path);
	auto_fd fd = path_try_open_in_root(fs, parent, O_PATH | O_DIRECTORY, 0);
	struct stat stat;

	if (!*name || fd < 0 || fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(stat.st_mode))
		(void)unlinkat(fd, name, AT_REMOVEDIR); /* stays unless empty */
	else if (S_ISREG(stat.st_mode) && stat.st_size == 0)
		(void)unlinkat(fd, name, 0); /* an empty file does no harm */
	remove_parents(overlay, fs, path);
}

/* Mount points that the runtime had to make are not the step's doing. What stands at the
 * place of a mount in the upper directory and is empty can only be one: the step could
 * not reach what the mount covered. */
static void remove_mount_points(const struct layer_draft *draft,
	const struct overlay *overlay, struct error *ignored)
{
	auto_oci_config config = { 0 };
	struct json_options options = { 0 };
	auto_fd fs = open(draft->fs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fs < 0 || json_read_file(&oci_config_type, &config, draft->fd, "config.json",
			      &options, ignored) < 0)
		return;
	for (size_t i = config.mounts_count; i-- > 0;)
		remove_mount_point(overlay, fs, config.mounts[i].destination);
}

/* The runtime's own words, if it failed before the command began. */
static int report_status(const struct step *step, const struct layer_draft *draft,
	int status, struct error *err)
{
	auto_runtime_said said = { 0 };

	if (status == 0)
		return 0;
	runtime_log_read(draft->fd, &said);
	if (said.error)
		return fail(err, "RUN could not be executed: %s", said.error);
	if (status == 128 + SIGKILL && said.warning) /* the kernel's want of memory */
		return fail(err, "RUN was ended by signal %d (exit status %d): %s",
			status - 128, status, said.warning);
	if (status > 128 && status < 128 + 65)
		return fail(err, "RUN was ended by signal %d (exit status %d)",
			status - 128, status);
	return fail(err, "RUN failed with exit status %d", status);
}

/* What comes of the shell changes nothing: the step has failed. */
static void offer_shell(struct stage_process *process, const struct layer_draft *draft,
	struct run_work *work)
{
	struct worker container = {
		.work = run_container,
		.argument = work,
		.result = &work->status,
		.result_size = sizeof(work->status),
		.signal_fd = process->interrupt.fd,
	};
	struct error err;

	if (!process->build->request->shell)
		return;
	work->on_terminal = true;
	if (run_shell(process, draft, &container, &err) < 0 && err.errnum != EINTR)
		log_warning("--shell-on-failure: %s", err.text);
}

int run_perform(struct stage_process *process, const struct step *step,
	const struct layer_draft *draft, struct error *err)
{
	auto_free char *runtime = NULL;
	auto_free char *root = store_path(process->build->store, "runtime", NULL);
	auto_free char *log = path_join(draft->path, RUNTIME_LOG);
	auto_free char *id = session_container(process->session, draft->path);
	auto_overlay overlay = { 0 };
	auto_run_mounts mounts = { 0 };
	struct run_work work = {
		.root = root,
		.bundle = draft->path,
		.log = log,
		.id = id,
		.rootfs = draft->rootfs,
		.overlay = &overlay,
	};
	struct worker worker = {
		.work = run_container,
		.argument = &work,
		.result = &work.status,
		.result_size = sizeof(work.status),
		.print = progress_output,
		.print_argument = &process->progress,
		.signal_fd = process->interrupt.fd,
	};
	struct error ignored;

	if (path_of_sibling("mocker-runtime", &runtime, err) < 0 ||
		overlay_of_image(process->build->store, &process->state->image,
			draft->path, &overlay, err) < 0)
		return -1;
	overlay_set_upper(&overlay, draft->fs, draft->work);
	if (write_bundle(process, step, draft, id, &overlay, &mounts, err) < 0)
		return -1;
	work.runtime = runtime;
	work.mounts = &mounts;
	work.separate = mounts.secrets.in_environment || rootless_here();
	if (worker_run(&worker, err) < 0)
		return -1;
	if (report_status(step, draft, work.status, err) < 0) {
		offer_shell(process, draft, &work);
		return -1;
	}
	remove_mount_points(draft, &overlay, &ignored);
	return 0;
}
