/* Mounts of a container that lives. */
#include "runtime/mounts/live_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/mounts/live_point.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/process/identity.h"
#include "runtime/rootfs/mounts.h"
#include "runtime/rootfs/source.h"
#include "runtime/stage.h"
#include "spec/names.h"

/* ---- reading ------------------------------------------------------------------------ */

struct mounts_document {
	struct oci_mount *mounts;
	size_t mounts_count;
};

static const struct json_field document_fields[] = {
	JSON_ARRAY(struct mounts_document, mounts, "mounts", &oci_mount_type,
		.required = true),
	JSON_END,
};
static const struct json_type document_type =
	JSON_TYPE(struct mounts_document, document_fields);

void live_mounts_free(struct live_mounts *mounts)
{
	mount_plans_free(mounts->plans, mounts->count);
	json_free(&oci_config_type, &mounts->config);
}

static int read_text(const char *path, char **ret, size_t *ret_length, struct error *err)
{
	const struct fd_read_options limit = { .limit = JSON_SIZE_MAX };
	auto_fd fd = str_equal(path, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	return fd_read_all(fd, path, limit, ret, ret_length, err);
}

static int read_document(const struct live_mounts_request *request,
	struct mounts_document *ret, struct error *err)
{
	const struct json_options options = {
		.name = request->file,
		.strict = request->strict,
	};
	auto_free char *text = NULL;
	auto_str whole = { 0 };
	size_t length;

	if (read_text(request->file, &text, &length, err) < 0)
		return -1;
	if (text[strspn(text, " \t\r\n")] != '[')
		return json_read(&document_type, ret, text, length, &options, err);
	str_append(&whole, "{\"mounts\":");
	str_append_n(&whole, text, length);
	str_append(&whole, "}");
	return json_read(&document_type, ret, whole.data, whole.length, &options, err);
}

/* What a mount was of is no matter, but whether a link was meant itself. */
static void keep_place(struct oci_mount *mount)
{
	bool nofollow = mount_has_option(mount, "dest-nofollow");

	free(mount->type);
	mount->type = str_dup("none");
	strings_free(&mount->options);
	if (nofollow)
		strings_add(&mount->options, "dest-nofollow");
}

int live_mounts_read(const struct container *container,
	const struct live_mounts_request *request, struct live_mounts *ret,
	struct error *err)
{
	struct mounts_document document = { 0 };
	struct mounts_document taken;
	struct oci_config *config = &ret->config;

	ret->container = container;
	if (container_config(container, config, err) < 0 ||
		read_document(request, &document, err) < 0)
		return -1;
	/* The container's other words stay: id mappings, namespaces. */
	taken = (struct mounts_document){ config->mounts, config->mounts_count };
	config->mounts = document.mounts;
	config->mounts_count = document.mounts_count;
	json_free(&document_type, &taken);
	for (size_t i = 0; request->places && i < config->mounts_count; i++)
		keep_place(&config->mounts[i]);
	if (mount_plans_make(
		    config, container->state.bundle, &ret->plans, &ret->count, err) < 0)
		return fail_while(err, "%s", request->file);
	return 0;
}

/* ---- what can be added -------------------------------------------------------------- */

/* New file systems that look nothing up by a name, which would lead into the container. */
static bool stands_alone(const char *type)
{
	static const char *const types[] = { "tmpfs", "ramfs", "proc", "sysfs", "devpts",
		"mqueue", "hugetlbfs" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (str_equal(type, types[i]))
			return true;
	}
	return false;
}

static int check_plan(const struct mount_plan *plan, struct error *err)
{
	if (str_equal(plan->destination, "/"))
		return fail(err, "/mounts/%zu/destination: the root stays as it is",
			plan->index);
	if (plan->kind == MOUNT_PLAN_REMOUNT)
		return fail(err,
			"/mounts/%zu/options: remount: a mount can be added or removed, "
			"not changed",
			plan->index);
	if (plan->copy_symlink)
		return fail(err, "/mounts/%zu/options: copy-symlink: only at create",
			plan->index);
	if (plan->kind == MOUNT_PLAN_CGROUPS ||
		(plan->kind == MOUNT_PLAN_FILESYSTEM && !stands_alone(plan->type)))
		return fail(err,
			"/mounts/%zu/type: \"%s\" cannot be mounted in a container that "
			"lives; mount it outside, and bind it",
			plan->index, plan->type);
	return 0;
}

static bool lacks_source(const struct mount_plan *plan)
{
	return plan->kind == MOUNT_PLAN_BIND && plan->tree_fd < 0;
}

static int open_rest(struct live_mounts *mounts, struct error *err)
{
	for (size_t i = 0; i < mounts->count; i++) {
		struct mount_plan *plan = &mounts->plans[i];

		if (lacks_source(plan) && source_open_tree(plan, &plan->tree_fd, err) < 0)
			return fail_while(err, "/mounts/%zu/source", plan->index);
	}
	return 0;
}

/* A user without privileges can do so only as root of a user namespace; see work(). */
static int open_sources(struct live_mounts *mounts, struct error *err)
{
	const struct source_request request = {
		.config = &mounts->config,
		.user_namespace = true, /* all of them, for names lead elsewhere inside */
	};

	if (sources_open(mounts->plans, mounts->count, &request, err) < 0)
		return -1;
	if (open_rest(mounts, err) == 0)
		return 0;
	return err->errnum == EPERM && geteuid() != 0 ? 0 : -1;
}

/* ---- inside, with the container's root, and none of its programs run ----------------- */

struct inside {
	struct live_mounts *mounts;
	int (*act)(struct inside *inside, struct error *err);
	int pidfd;
	int sock;
	uint64_t kinds; /* CLONE_NEW* that differ from ours */
	uint64_t late;  /* those of them that come last */
	struct live_root root;
	struct live_point *points; /* of each plan, shared with the parent; NULL: none */
};

static int add_one(
	const struct inside *inside, struct mounts *state, size_t i, struct error *err)
{
	struct mount_plan *plan = &inside->mounts->plans[i];

	live_point_note(&inside->root, plan, &inside->points[i]);
	if (mounts_apply(plan, 1, state, err) < 0)
		return -1;
	return mounts_finish(plan, 1, err);
}

static int add_all(struct inside *inside, struct error *err)
{
	struct live_mounts *mounts = inside->mounts;
	/* Nothing of the host is equivalent any more, and no name leads there. */
	struct mounts state = {
		.bundle = mounts->container->state.bundle,
		.root_path = "/",
		.names_hidden = true,
		.namespaces = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC,
		.root_fd = inside->root.root_fd,
		.proc_fd = -1,
	};
	int result = 0;

	(void)umask(0); /* for what is made to mount on */
	for (size_t i = 0; i < mounts->count && result == 0; i++)
		result = add_one(inside, &state, i, err);
	cleanup_fd(&state.proc_fd);
	return result;
}

/* In reverse, by another process than the one that failed or died at it. */
static int undo_all(struct inside *inside, struct error *err)
{
	(void)err; /* what cannot be undone stays */
	for (size_t i = inside->mounts->count; i-- > 0;)
		live_point_undo(
			&inside->root, &inside->mounts->plans[i], &inside->points[i]);
	return 0;
}

static int remove_all(struct inside *inside, struct error *err)
{
	struct live_mounts *mounts = inside->mounts;

	for (size_t i = 0; i < mounts->count; i++) {
		if (live_point_expect_mount(
			    inside->root.root_fd, &mounts->plans[i], err) < 0)
			return -1;
	}
	for (size_t i = mounts->count; i-- > 0;) {
		const struct mount_plan *plan = &mounts->plans[i];

		if (live_point_unmount(&inside->root, plan) < 0)
			return fail_errno(err, "/mounts/%zu: unmounting %s", plan->index,
				plan->destination);
	}
	return 0;
}

/* In a copy of the host's mounts that is the user namespace's own. */
static int open_as_somebody(struct inside *inside, struct error *err)
{
	struct live_mounts *mounts = inside->mounts;
	bool lacking = false;

	for (size_t i = 0; inside->act == add_all && i < mounts->count; i++)
		lacking = lacking || lacks_source(&mounts->plans[i]);
	if (!lacking)
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return fail_errno(err, "making a mount namespace");
	return open_rest(mounts, err);
}

/* The root of a container that was made in a chroot is not its mount namespace's. */
static int open_root_of_chroot(struct inside *inside, struct error *err)
{
	const struct container_state *state = &inside->mounts->container->state;
	auto_free char *path = str_format("/proc/%d/root", state->pid);

	inside->root.root_fd = -1;
	if (!state->in_chroot)
		return 0;
	inside->root.root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return inside->root.root_fd < 0 ? fail_errno(err, "opening %s", path) : 0;
}

static int work(struct inside *inside, struct error *err)
{
	inside->root.self_fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inside->root.self_fd < 0)
		return fail_errno(err, "opening /proc/self");
	if (open_as_somebody(inside, err) < 0)
		return -1;
	if (open_root_of_chroot(inside, err) < 0)
		return -1;
	if (setns(inside->pidfd, (int)inside->late) < 0)
		return fail_errno(err, "joining the mount namespace of the container");
	if (inside->kinds & CLONE_NEWUSER && identity_become_root(false, err) < 0)
		return -1;
	if (inside->root.root_fd < 0)
		inside->root.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (inside->root.root_fd < 0)
		return fail_errno(err, "opening the root of the container");
	return inside->act(inside, err);
}

static no_return void work_main(struct inside *inside)
{
	struct error err = { 0 };

	if (work(inside, &err) == 0 && stage_send(inside->sock, STAGE_READY, &err) == 0)
		_exit(0);
	stage_send_error(inside->sock, &err);
	_exit(1);
}

static int enter(struct inside *inside, struct error *err)
{
	uint64_t early = inside->kinds & ~inside->late;
	pid_t pid;
	int status;

	if (early && setns(inside->pidfd, (int)early) < 0)
		return fail_errno(err, "joining the namespaces of the container");
	pid = process_clone(0, NULL);
	if (pid == 0)
		work_main(inside);
	if (pid < 0)
		return fail_errno(err, "making a process");
	return process_wait(pid, &status, err);
}

static no_return void enter_main(struct inside *inside)
{
	struct error err = { 0 };

	if (enter(inside, &err) == 0)
		_exit(0);
	stage_send_error(inside->sock, &err);
	_exit(1);
}

/* ---- the parent --------------------------------------------------------------------- */

static int choose_kinds(struct inside *inside, struct error *err)
{
	const struct container_state *state = &inside->mounts->container->state;

	for (const struct word *word = namespace_words; word->word; word++) {
		if (!namespaces_shared(state->pid, word->number))
			inside->kinds |= (uint64_t)word->number;
	}
	/* Root enters all else before it becomes less; another user needs its user
	 * namespace for the others. */
	inside->late = inside->kinds &
		       (geteuid() == 0 ? CLONE_NEWNS | CLONE_NEWUSER : CLONE_NEWNS);
	if (inside->kinds & CLONE_NEWNS)
		return 0;
	return fail(err, "it has no mount namespace of its own: a mount would be the "
			 "host's");
}

/* None of them is at work any more. */
static void await_end(int sock)
{
	char ignored[sizeof(struct error) + 64];

	while (recv(sock, ignored, sizeof(ignored), 0) > 0 || errno == EINTR)
		errno = 0;
}

static int converse(struct inside *inside, int sock, struct error *err)
{
	pid_t pid = process_clone(0, NULL);
	struct error ignored;
	int result, status;

	if (pid == 0)
		enter_main(inside);
	cleanup_fd(&inside->sock); /* its last end is theirs now */
	inside->sock = -1;
	if (pid < 0)
		return fail_errno(err, "making a process");
	result = stage_await(sock, STAGE_READY, err);
	if (result < 0)
		await_end(sock);
	(void)!process_wait(pid, &status, &ignored); /* it has said all */
	return result;
}

/* The processes inside do this, and say how it ended. */
static int act_inside(struct inside *inside,
	int (*act)(struct inside *inside, struct error *err), struct error *err)
{
	auto_fd sock = -1;
	int ends[2];

	if (stage_pair(ends, err) < 0)
		return -1;
	sock = ends[0];
	inside->sock = ends[1];
	inside->act = act;
	return converse(inside, sock, err);
}

/* All that undoing needs as well is looked up once, before anything is done. */
static int find_way_inside(struct inside *inside, int pidfd, struct error *err)
{
	if (pidfd < 0)
		return fail(err, "container not running");
	inside->pidfd = pidfd;
	if (choose_kinds(inside, err) < 0)
		return -1;
	/* What is in the container must not look into us once we are in its sight. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail_errno(err, "PR_SET_DUMPABLE");
	return 0;
}

static int add_or_undo(struct inside *inside, struct error *err)
{
	struct error ignored;
	int result = act_inside(inside, add_all, err);

	if (result < 0)
		(void)!act_inside(inside, undo_all, &ignored); /* as it can */
	return result;
}

int live_mounts_add(struct live_mounts *mounts, struct error *err)
{
	size_t size = (mounts->count + 1) * sizeof(struct live_point);
	struct inside inside = { .mounts = mounts };
	int result;

	for (size_t i = 0; i < mounts->count; i++) {
		if (check_plan(&mounts->plans[i], err) < 0)
			return -1;
	}
	if (open_sources(mounts, err) < 0)
		return -1;
	if (find_way_inside(&inside, container_process(mounts->container), err) < 0)
		return -1;
	inside.points = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (inside.points == MAP_FAILED)
		return fail_errno(err, "sharing memory with a process inside");
	result = add_or_undo(&inside, err);
	(void)munmap(inside.points, size); /* was mapped so */
	return result;
}

int live_mounts_remove(struct live_mounts *mounts, struct error *err)
{
	struct inside inside = { .mounts = mounts };

	if (find_way_inside(&inside, container_process(mounts->container), err) < 0)
		return -1;
	return act_inside(&inside, remove_all, err);
}
