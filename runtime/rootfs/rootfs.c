/* The phases in order, and what they hand each other. Each concern is in a file of its
 * own: mounts, devices, masks, sysctl, pivot. */
#include "runtime/rootfs/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "runtime/process/labels.h"
#include "runtime/rootfs/attach.h"
#include "runtime/rootfs/device_tree.h"
#include "runtime/rootfs/devices.h"
#include "runtime/rootfs/masks.h"
#include "runtime/rootfs/mount_api.h"
#include "runtime/rootfs/mount_plan.h"
#include "runtime/rootfs/mounts.h"
#include "runtime/rootfs/pivot.h"
#include "runtime/rootfs/source.h"
#include "runtime/rootfs/sysctl.h"
#include "spec/config.h"

struct rootfs {
	const struct oci_config *config;
	char *bundle;
	char *root_path; /* on the host; absolute */
	bool no_pivot;
	bool own_mounts; /* a mount namespace of its own; else all is only looked at */
	bool user_namespace;
	struct mount_plan *plans;
	size_t plans_count;
	int root_tree_fd; /* opened by the creator, for a container in a user namespace */
	int device_tree_fd; /* and made, for such a one */
	struct mounts mounts;
	struct rlimit descriptors; /* as it was before allow_descriptors() */
	bool descriptors_raised;
};

/* ---- plan --------------------------------------------------------------------------- */

/* Without a mount namespace that is made for the container, a mount would be seen by
 * others, and a read-only root be read-only for them. */
static int check_nothing_to_mount(const struct oci_config *config, struct error *err)
{
	const struct {
		bool asked;
		const char *member;
	} members[] = {
		{ config->mounts_count > 0, "/mounts" },
		{ config->root->readonly, "/root/readonly" },
		{ config->linux.masked_paths.count > 0, "/linux/maskedPaths" },
		{ config->linux.readonly_paths.count > 0, "/linux/readonlyPaths" },
		{ config->linux.devices_count > 0, "/linux/devices" },
		{ config->linux.rootfs_propagation != 0, "/linux/rootfsPropagation" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (members[i].asked)
			return fail(err,
				"%s: needs a new mount namespace; one that is shared or "
				"joined stays as it is",
				members[i].member);
	}
	return 0;
}

static int check(const struct rootfs *rootfs, struct error *err)
{
	const struct oci_config *config = rootfs->config;

	if (!config->root || !config->root->path || !*config->root->path)
		return fail(err, "/root/path: is missing");
	if (!rootfs->own_mounts && check_nothing_to_mount(config, err) < 0)
		return -1;
	return labels_check_selinux("/linux/mountLabel", config->linux.mount_label, err);
}

static void take_namespaces(struct rootfs *rootfs)
{
	const struct oci_config *config = rootfs->config;
	struct mounts *mounts = &rootfs->mounts;

	rootfs->own_mounts = config_makes_namespace(config, CLONE_NEWNS);
	rootfs->user_namespace = config_namespace(config, CLONE_NEWUSER);
	for (size_t i = 0; i < config->linux.namespaces_count; i++)
		mounts->namespaces |= (uint64_t)config->linux.namespaces[i].type;
}

/* rootfsPropagation with an "r" holds for what is mounted on the root too. Slave is what
 * everything is from the start; unbindable can only come last, for read-only paths are
 * bound on themselves. */
static bool spreads_at_once(unsigned long asked)
{
	return asked & MS_REC && !(asked & (MS_SLAVE | MS_UNBINDABLE));
}

static void take_propagation(struct rootfs *rootfs)
{
	unsigned long asked = (unsigned long)rootfs->config->linux.rootfs_propagation;

	if (spreads_at_once(asked))
		rootfs->mounts.propagation = asked;
	rootfs->mounts.shares_with_creator = asked & MS_SHARED && !rootfs->user_namespace;
}

int rootfs_plan(
	const struct rootfs_request *request, struct rootfs **ret, struct error *err)
{
	auto_rootfs rootfs = str_alloc(sizeof(*rootfs));
	const struct oci_config *config = request->config;

	rootfs->config = config;
	rootfs->bundle = str_dup(request->bundle);
	rootfs->no_pivot = request->no_pivot;
	rootfs->root_tree_fd = -1;
	rootfs->device_tree_fd = -1;
	rootfs->mounts.root_fd = -1;
	rootfs->mounts.proc_fd = -1;
	take_namespaces(rootfs);
	take_propagation(rootfs);
	if (check(rootfs, err) < 0)
		return -1;
	rootfs->root_path = config->root->path[0] == '/'
				    ? str_dup(config->root->path)
				    : path_join(request->bundle, config->root->path);
	if (mount_plans_make(config, request->bundle, &rootfs->plans,
		    &rootfs->plans_count, err) < 0)
		return -1;
	rootfs->mounts.bundle = rootfs->bundle;
	rootfs->mounts.root_path = rootfs->root_path;
	if (config->linux.mount_label && *config->linux.mount_label)
		rootfs->mounts.label = config->linux.mount_label;
	*ret = take_ptr(&rootfs);
	return 0;
}

void rootfs_free(struct rootfs *const *pointer)
{
	struct rootfs *rootfs = *pointer;

	if (!rootfs)
		return;
	mount_plans_free(rootfs->plans, rootfs->plans_count);
	cleanup_fd(&rootfs->root_tree_fd);
	cleanup_fd(&rootfs->device_tree_fd);
	cleanup_fd(&rootfs->mounts.root_fd);
	cleanup_fd(&rootfs->mounts.proc_fd);
	free(rootfs->bundle);
	free(rootfs->root_path);
	free(rootfs);
}

/* ---- parent ------------------------------------------------------------------------- */

/* Each opened source is a descriptor, and so is each mount that turns read-only last. */
static int allow_descriptors(struct rootfs *rootfs, struct error *err)
{
	rlim_t wanted =
		2 * rootfs->plans_count + rootfs->config->linux.devices_count + 128;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fail_errno(err, "reading RLIMIT_NOFILE");
	if (limit.rlim_cur >= wanted || limit.rlim_cur == limit.rlim_max)
		return 0;
	rootfs->descriptors = limit;
	limit.rlim_cur = MIN(limit.rlim_max, wanted);
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fail_errno(err, "raising RLIMIT_NOFILE");
	rootfs->descriptors_raised = true;
	return 0;
}

static int restore_descriptors(struct rootfs *rootfs, struct error *err)
{
	if (rootfs->descriptors_raised &&
		setrlimit(RLIMIT_NOFILE, &rootfs->descriptors) < 0)
		return fail_errno(err, "restoring RLIMIT_NOFILE");
	rootfs->descriptors_raised = false;
	return 0;
}

/* The root directory may be out of the reach of the container's user. */
static void open_root_tree(struct rootfs *rootfs)
{
	if (rootfs->user_namespace)
		rootfs->root_tree_fd = mnt_open_tree(
			AT_FDCWD, rootfs->root_path, OPEN_TREE_CLONE | AT_RECURSIVE);
}

int rootfs_open(struct rootfs *rootfs, struct error *err)
{
	struct source_request request = {
		.config = rootfs->config,
		.user_namespace = rootfs->user_namespace,
		.shared = rootfs->mounts.shares_with_creator,
	};

	if (!rootfs->own_mounts)
		return 0;
	if (allow_descriptors(rootfs, err) < 0)
		return -1;
	open_root_tree(rootfs); /* where it is refused, init opens it itself */
	if (rootfs->user_namespace &&
		device_tree_make(rootfs->config, &rootfs->device_tree_fd, err) < 0)
		return -1;
	return sources_open(rootfs->plans, rootfs->plans_count, &request, err);
}

void rootfs_open_views(struct rootfs *rootfs)
{
	if (rootfs->own_mounts && rootfs->user_namespace)
		sources_open_views(rootfs->plans, rootfs->plans_count, rootfs->config);
}

/* ---- init: entering ----------------------------------------------------------------- */

static int fail_root(const struct rootfs *rootfs, struct error *err)
{
	return fail_errno(err, "/root/path: %s", rootfs->root_path);
}

static int bind_root_classic(struct rootfs *rootfs, int *ret_fd, struct error *err)
{
	int fd;

	if (mnt_mount_path(rootfs->root_path, rootfs->root_path, NULL, MS_BIND | MS_REC,
		    NULL) < 0)
		return fail_root(rootfs, err);
	fd = open(rootfs->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_root(rootfs, err);
	*ret_fd = fd;
	return 0;
}

/* Init's own copy before the creator's, as for bind mounts: see take_tree(). */
static int take_root_tree(struct rootfs *rootfs)
{
	int fd = mnt_open_tree(
		AT_FDCWD, rootfs->root_path, OPEN_TREE_CLONE | AT_RECURSIVE);

	return fd < 0 ? take_fd(&rootfs->root_tree_fd) : fd;
}

/* Upon its own directory; where init cannot reach that, "/" will do: sources are open by
 * then, and none may be looked up by a name whose ".." would lead into the new root. */
static int open_root_place(struct rootfs *rootfs)
{
	int fd = open(rootfs->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != EACCES)
		return fd;
	rootfs->mounts.names_hidden = true;
	return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The root becomes a mount of its own. */
static int bind_root(struct rootfs *rootfs, int *ret_fd, struct error *err)
{
	auto_fd tree_fd = take_root_tree(rootfs);
	auto_fd place_fd = -1;

	if (tree_fd < 0)
		return mnt_is_missing(errno) ? bind_root_classic(rootfs, ret_fd, err)
					     : fail_root(rootfs, err);
	place_fd = open_root_place(rootfs);
	if (place_fd < 0)
		return fail_root(rootfs, err);
	if (mnt_move(tree_fd, place_fd) < 0)
		return mnt_is_missing(errno) ? bind_root_classic(rootfs, ret_fd, err)
					     : fail_root(rootfs, err);
	*ret_fd = take_fd(&tree_fd);
	return 0;
}

static int propagate(int fd, unsigned long propagation, struct error *err)
{
	struct mnt_change change = {
		.propagation = propagation & ~(unsigned long)MS_REC,
		.recursive = propagation & MS_REC,
	};

	if (mnt_change(fd, &change) == 0)
		return 0;
	if (errno != ENOSYS || mnt_mount(NULL, fd, NULL, propagation, NULL) < 0)
		return fail_errno(err, "/linux/rootfsPropagation");
	return 0;
}

/* Nothing that is mounted from here on is seen by the creator. The root itself must not
 * be shared until the pivot, which refuses that; see settle_root(). */
static int make_root(struct rootfs *rootfs, struct error *err)
{
	unsigned long asked = (unsigned long)rootfs->config->linux.rootfs_propagation;

	if (mnt_mount_path(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return fail_errno(err, "detaching the mounts from the creator's");
	if (bind_root(rootfs, &rootfs->mounts.root_fd, err) < 0)
		return -1;
	if (rootfs->user_namespace &&
		propagate(rootfs->mounts.root_fd, MS_SLAVE | MS_REC, err) < 0)
		return -1;
	if (spreads_at_once(asked))
		return propagate(rootfs->mounts.root_fd, asked, err) < 0
			       ? -1
			       : propagate(rootfs->mounts.root_fd, MS_PRIVATE, err);
	return 0;
}

static int open_directory(const char *path, int *ret_fd, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	*ret_fd = fd;
	return 0;
}

/* A container without a /proc of its own is served by its creator's. */
static int need_proc(struct rootfs *rootfs, struct error *err)
{
	auto_fd fd = -1;
	struct statfs fs;

	if (rootfs->mounts.proc_fd >= 0)
		return 0;
	if (open_directory("/proc", &fd, err) < 0)
		return -1;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return fail(err, "/proc: is no procfs");
	rootfs->mounts.proc_fd = take_fd(&fd);
	return 0;
}

static int fill_root(struct rootfs *rootfs, struct error *err)
{
	struct devices_request devices = {
		.config = rootfs->config,
		.bind = rootfs->user_namespace,
		.tree_fd = rootfs->device_tree_fd,
	};

	if (make_root(rootfs, err) < 0)
		return -1;
	if (mounts_apply(rootfs->plans, rootfs->plans_count, &rootfs->mounts, err) < 0)
		return -1;
	devices.root_fd = rootfs->mounts.root_fd;
	return devices_create(&devices, err);
}

int rootfs_enter(struct rootfs *rootfs, struct error *err)
{
	mode_t mask;
	int result;

	if (!rootfs->own_mounts) {
		if (open_directory(rootfs->root_path, &rootfs->mounts.root_fd, err) < 0)
			return fail_while(err, "/root/path");
		return need_proc(rootfs, err);
	}
	mask = umask(0); /* modes of what is made are to be what was meant */
	result = fill_root(rootfs, err);
	umask(mask);
	return result < 0 ? -1 : need_proc(rootfs, err);
}

int rootfs_attach_root(struct rootfs *rootfs, const char *place, struct error *err)
{
	/* By its name: an open directory may be one of the mount namespace before this. */
	auto_fd place_fd = open(place, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd tree_fd = take_root_tree(rootfs);

	if (place_fd < 0)
		return fail_errno(err, "opening %s", place);
	if (tree_fd < 0 || mnt_move(tree_fd, place_fd) < 0)
		return fail_root(rootfs, err);
	rootfs->mounts.root_fd = take_fd(&tree_fd);
	rootfs->mounts.root_path = place; /* where it is found now */
	return mounts_apply_on_root(
		rootfs->plans, rootfs->plans_count, &rootfs->mounts, err);
}

/* ---- init: leaving the creator's root ----------------------------------------------- */

static int set_sysctls(const struct rootfs *rootfs, struct error *err)
{
	auto_fd fd = -1;

	if (!rootfs->config->linux.sysctl.count)
		return 0;
	fd = openat(rootfs->mounts.proc_fd, "sys",
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "/linux/sysctl: opening /proc/sys");
	return sysctl_apply(&rootfs->config->linux.sysctl, fd, err);
}

/* Mounts with a propagation of their own keep it. */
static int spread_unbindable(const struct rootfs *rootfs, struct error *err)
{
	unsigned long asked = (unsigned long)rootfs->config->linux.rootfs_propagation;

	if (!(asked & MS_UNBINDABLE && asked & MS_REC))
		return 0;
	if (propagate(rootfs->mounts.root_fd, MS_UNBINDABLE | MS_REC, err) < 0)
		return -1;
	return mounts_propagate_again(
		&rootfs->mounts, rootfs->plans, rootfs->plans_count, err);
}

/* The last changes, for which the creator's /dev and /proc must be in sight. */
static int finish(struct rootfs *rootfs, struct error *err)
{
	const struct oci_linux *chapter = &rootfs->config->linux;
	int root_fd = rootfs->mounts.root_fd;

	if (masks_make_read_only(root_fd, &chapter->readonly_paths, err) < 0 ||
		masks_hide(root_fd, &chapter->masked_paths, rootfs->mounts.label, err) <
			0 ||
		mounts_finish(rootfs->plans, rootfs->plans_count, err) < 0 ||
		spread_unbindable(rootfs, err) < 0)
		return -1;
	if (rootfs->config->root->readonly && attach_read_only(root_fd, 0, err) < 0)
		return fail_while(err, "/root/readonly");
	return 0;
}

static int change_root(const struct rootfs *rootfs, struct error *err)
{
	if (!rootfs->own_mounts)
		return pivot_by_chroot(rootfs->mounts.root_fd, err);
	return rootfs->no_pivot ? pivot_by_move(rootfs->mounts.root_fd, err)
				: pivot_root_into(rootfs->mounts.root_fd, err);
}

static int settle_root(const struct rootfs *rootfs, struct error *err)
{
	unsigned long asked = (unsigned long)rootfs->config->linux.rootfs_propagation &
			      ~(unsigned long)MS_REC;

	if (!asked)
		return 0;
	if (mnt_mount_path(NULL, "/", NULL, asked, NULL) < 0)
		return fail_errno(err, "/linux/rootfsPropagation");
	return 0;
}

int rootfs_pivot(struct rootfs *rootfs, struct error *err)
{
	if (set_sysctls(rootfs, err) < 0)
		return -1;
	if (rootfs->own_mounts && finish(rootfs, err) < 0)
		return -1;
	if (change_root(rootfs, err) < 0 || settle_root(rootfs, err) < 0)
		return -1;
	return restore_descriptors(rootfs, err);
}

int rootfs_root_fd(const struct rootfs *rootfs)
{
	return rootfs->mounts.root_fd;
}

int rootfs_proc_fd(const struct rootfs *rootfs)
{
	return rootfs->mounts.proc_fd;
}

/* ---- for people --------------------------------------------------------------------- */

static void describe_mount(const struct mount_plan *plan, struct str *to)
{
	auto_free char *what = mount_plan_describe(plan);

	str_appendf(to, "mount %s", what);
	for (size_t i = 0; i < plan->mount->options.count; i++)
		str_appendf(to, "%s%s", i ? "," : " (", plan->mount->options.items[i]);
	str_append(to, plan->mount->options.count ? ")\n" : "\n");
}

void rootfs_describe_mounts(const struct rootfs *rootfs, struct str *to)
{
	if (rootfs->own_mounts) {
		str_append(to, "detach the mount namespace from the creator's (mount)\n");
		str_appendf(to, "make %s a mount of its own (open_tree, move_mount)\n",
			rootfs->root_path);
	}
	for (size_t i = 0; i < rootfs->plans_count; i++) {
		if (rootfs->plans[i].on_root)
			describe_mount(&rootfs->plans[i], to);
	}
	for (size_t i = 0; i < rootfs->plans_count; i++) {
		if (!rootfs->plans[i].on_root)
			describe_mount(&rootfs->plans[i], to);
	}
	if (rootfs->own_mounts)
		str_appendf(to, "make devices in /dev (%s)\n",
			rootfs->user_namespace ? "open_tree, move_mount" : "mknodat");
}

void rootfs_describe_pivot(const struct rootfs *rootfs, struct str *to)
{
	const struct oci_linux *chapter = &rootfs->config->linux;

	for (size_t i = 0; i < chapter->sysctl.count; i++)
		str_appendf(to, "set %s to %s\n", chapter->sysctl.items[i].key,
			chapter->sysctl.items[i].value);
	strings_each (path, &chapter->readonly_paths)
		str_appendf(to, "make %s read-only (mount_setattr)\n", *path);
	strings_each (path, &chapter->masked_paths)
		str_appendf(to, "mask %s (move_mount)\n", *path);
	if (rootfs->own_mounts && rootfs->config->root->readonly)
		str_append(to, "make / read-only (mount_setattr)\n");
	str_appendf(to, "make it the root (%s)\n",
		!rootfs->own_mounts ? "chroot"
		: rootfs->no_pivot  ? "mount MS_MOVE, chroot"
				    : "pivot_root");
}
