/* mounts_apply() dispatches on the kind of each; the kinds have files of their own. */
#include "runtime/rootfs/mounts.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/xattr.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/rootfs/attach.h"
#include "runtime/rootfs/cgroup_mount.h"
#include "runtime/rootfs/filesystem.h"
#include "runtime/rootfs/mount_api.h"
#include "runtime/rootfs/overlay.h"
#include "runtime/rootfs/source.h"
#include "runtime/rootfs/target.h"
#include "spec/mounts.h"

/* A descriptor of our own. */
static int keep(int fd, int *ret_fd, struct error *err)
{
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? fail_errno(err, "keeping it open") : 0;
}

/* Opens the destination; the root itself is open already. */
static int find_place(const struct mount_plan *plan, const struct mounts *mounts,
	enum target_flags flags, struct attach_place *ret, struct error *err)
{
	struct target target = { .fd = -1 };

	if (plan->on_root) {
		if (keep(mounts->root_fd, &target.fd, err) < 0)
			return -1;
	} else {
		if (plan->destination_nofollow)
			flags |= TARGET_NOFOLLOW;
		if (target_open(mounts->root_fd, plan->destination, flags, &target, err) <
			0)
			return -1;
	}
	*ret = (struct attach_place){
		.root_fd = mounts->root_fd,
		.target_fd = target.fd,
		.target_made = target.made,
		.destination = plan->destination,
		.root_path = mounts->root_path,
		.nofollow = plan->destination_nofollow,
		.propagation = mounts->propagation,
		.shares_with_creator = mounts->shares_with_creator,
	};
	return 0;
}

/* ---- bind mounts -------------------------------------------------------------------- */

static enum target_flags target_flags_of(int source_fd)
{
	struct stat st;

	return fstat(source_fd, &st) == 0 && !S_ISDIR(st.st_mode) ? TARGET_FILE
								  : TARGET_DIRECTORY;
}

static int bind_classic(const struct mount_plan *plan, const struct mounts *mounts,
	int *ret_fd, struct error *err)
{
	struct attach_place place;
	auto_fd source_fd = -1;
	int result;

	if (source_open(plan, &source_fd, err) < 0 ||
		find_place(plan, mounts, target_flags_of(source_fd), &place, err) < 0)
		return -1;
	result = attach_bind_classic(plan, source_fd, &place, ret_fd, err);
	close(place.target_fd);
	return result;
}

static int bind_tree(const struct mount_plan *plan, const struct mounts *mounts,
	int tree_fd, struct error *err)
{
	struct attach_place place;
	int result;

	if (find_place(plan, mounts, target_flags_of(tree_fd), &place, err) < 0)
		return -1;
	result = attach_tree(plan, tree_fd, &place, err);
	close(place.target_fd);
	return result;
}

/* copy-symlink: the link itself, with its text. True in *ret_done if the source is one. */
static int copy_symlink(const struct mount_plan *plan, const struct mounts *mounts,
	bool *ret_done, struct error *err)
{
	char text[PATH_MAX], present[PATH_MAX];
	ssize_t length = readlink(plan->source, text, sizeof(text) - 1);
	const char *name = path_base(plan->destination);
	auto_fd parent_fd = -1;

	*ret_done = length >= 0;
	if (length < 0)
		return 0;
	text[length] = '\0';
	if (target_open_parent(mounts->root_fd, plan->destination, &parent_fd, err) < 0)
		return -1;
	if (symlinkat(text, parent_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return fail_errno(err, "copying the symbolic link");
	if (readlinkat(parent_fd, name, present, sizeof(present)) == length &&
		memcmp(text, present, (size_t)length) == 0)
		return 0;
	return fail_code(
		err, EEXIST, "copying the symbolic link: something else is there");
}

/* Init's own copy of the source is better than the creator's: in a user namespace, it has
 * the options locked that it has on the host. The creator's serves where that fails. */
static int take_tree(struct mount_plan *plan, const struct mounts *mounts, int *ret_fd,
	struct error *err)
{
	bool shared = mounts->shares_with_creator && source_asks_to_be_shared(plan);

	if (shared && plan->tree_fd < 0)
		return fail_code(err, EOPNOTSUPP,
			"a mount that stays shared with the host's needs Linux 5.2");
	if (!plan->idmap && !shared && !mounts->names_hidden &&
		source_open_tree(plan, ret_fd, err) == 0) {
		cleanup_fd(&plan->tree_fd);
		plan->tree_fd = -1;
		return 0;
	}
	if (plan->tree_fd < 0)
		return mounts->names_hidden
			       ? fail(err, "the source %s is out of reach", plan->source)
			       : -1;
	return keep(plan->tree_fd, ret_fd, err);
}

static int mount_bind(struct mount_plan *plan, const struct mounts *mounts, int *ret_fd,
	struct error *err)
{
	auto_fd fd = -1;
	bool done = false;

	if (plan->copy_symlink && copy_symlink(plan, mounts, &done, err) < 0)
		return -1;
	if (done)
		return 0;
	if (take_tree(plan, mounts, &fd, err) == 0 &&
		bind_tree(plan, mounts, fd, err) == 0) {
		*ret_fd = take_fd(&fd);
		return 0;
	}
	if (!mnt_is_missing(err->errnum) || plan->tree_fd >= 0)
		return -1;
	return bind_classic(plan, mounts, ret_fd, err);
}

/* ---- file systems ------------------------------------------------------------------- */

static int bind_equivalent(const struct mount_plan *plan, const char *source,
	const struct attach_place *place, int *ret_fd, struct error *err)
{
	struct mount_plan bind = *plan;
	auto_fd fd = -1;

	/* With all below, which the user namespace may not lift; options hold for all. */
	bind.kind = MOUNT_PLAN_BIND;
	bind.source = (char *)source;
	bind.bind_recursive = true;
	bind.late_read_only = false;
	bind.recursive_set |= plan->set;
	if (source_open_tree(&bind, &fd, err) < 0 ||
		attach_tree(&bind, fd, place, err) < 0)
		return fail_while(err,
			"its namespace is the host's, and a user namespace may not mount "
			"that, nor is there one to bind");
	*ret_fd = take_fd(&fd);
	return 0;
}

/* What sources_open_views() has made. */
static int attach_view(const struct mount_plan *plan, const struct attach_place *place,
	int *ret_fd, struct error *err)
{
	if (attach_tree(plan, plan->tree_fd, place, err) < 0)
		return -1;
	return keep(plan->tree_fd, ret_fd, err);
}

static const char *label_for(const struct mount_plan *plan, const struct mounts *mounts)
{
	/* The policy labels these; and a message queue's is made with its namespace, too
	 * early for us. */
	if (strcmp(plan->type, "proc") == 0 || strcmp(plan->type, "sysfs") == 0 ||
		strcmp(plan->type, "mqueue") == 0)
		return NULL;
	return mounts->label;
}

static int label_queues(const struct mount_plan *plan, const struct mounts *mounts,
	int fd, struct error *err)
{
	const char *label = mounts->label;

	if (!label || strcmp(plan->type, "mqueue") != 0 ||
		!(mounts->namespaces & CLONE_NEWIPC))
		return 0;
	if (setxattr(fd_path(fd).text, XATTR_NAME_SELINUX, label, strlen(label), 0) < 0)
		return fail_errno(err, "/linux/mountLabel: labelling it \"%s\"", label);
	return 0;
}

static int fail_filesystem(const struct mount_plan *plan, struct error *err)
{
	const char *gid = mount_plan_value(plan, "gid");

	if (err->errnum == ENODEV)
		return fail_hint(err, "this kernel does not have it");
	if (err->errnum == EPERM && strcmp(plan->type, "proc") == 0)
		return fail_hint(err,
			"in a user namespace it needs a new pid namespace, and a /proc "
			"of the creator of which nothing is covered");
	if (err->errnum == EINVAL && strcmp(plan->type, "devpts") == 0 && gid)
		return fail_hint(err,
			"is gid %s mapped into the container's user namespace?", gid);
	return -1;
}

static int make_filesystem(const struct mount_plan *plan, const struct mounts *mounts,
	const struct attach_place *place, int *ret_fd, struct error *err)
{
	const struct mount_view *view = mount_plan_view(plan);
	const char *label = label_for(plan, mounts);

	if (plan->kind == MOUNT_PLAN_CGROUPS)
		return cgroup_mount(plan, place,
			(struct cgroup_mount_options){
				.cgroup_namespace = mounts->namespaces & CLONE_NEWCGROUP,
				.label = label,
			},
			ret_fd, err);
	if (strcmp(plan->type, "overlay") == 0)
		return overlay_mount(plan, place, mounts->bundle, label, ret_fd, err);
	if (filesystem_mount(plan, place, label, ret_fd, err) == 0)
		return label_queues(plan, mounts, *ret_fd, err);
	if (err->errnum != EPERM || !view)
		return fail_filesystem(plan, err);
	/* What the kernel refuses to a user namespace that does not own the namespace which
	 * the file system shows: the creator's mount of its own shows just the same. */
	if (!(mounts->namespaces & view->namespace))
		return bind_equivalent(plan, view->creators, place, ret_fd, err);
	return plan->tree_fd >= 0 ? attach_view(plan, place, ret_fd, err)
				  : fail_filesystem(plan, err);
}

static int mount_filesystem(const struct mount_plan *plan, struct mounts *mounts,
	int *ret_fd, struct error *err)
{
	enum target_flags flags = TARGET_DIRECTORY;
	struct attach_place place;
	int result;

	if (strcmp(plan->type, "proc") == 0 || strcmp(plan->type, "sysfs") == 0)
		flags |= TARGET_NO_SYMLINKS;
	if (find_place(plan, mounts, flags, &place, err) < 0)
		return -1;
	result = make_filesystem(plan, mounts, &place, ret_fd, err);
	close(place.target_fd);
	if (result == 0 && mounts->proc_fd < 0 && strcmp(plan->type, "proc") == 0 &&
		strcmp(plan->destination, "/proc") == 0)
		result = keep(*ret_fd, &mounts->proc_fd, err);
	return result;
}

/* ---- remounts ----------------------------------------------------------------------- */

/* As mount(2) has it: with "bind" only the mount changes, else its file system too. */
static int remount(
	const struct mount_plan *plan, const struct mounts *mounts, struct error *err)
{
	auto_free char *data = strings_join(&plan->data, ",");
	unsigned long flags = mnt_flags_of_attributes(plan->set) | plan->superblock_flags;
	auto_fd fd = -1;

	if (path_open_in_root(mounts->root_fd, plan->destination, O_PATH, 0, &fd, err) <
		0)
		return -1;
	if (mount_is_bind(plan->mount)) {
		if (attach_attributes(plan, fd, err) < 0)
			return -1;
	} else if (mnt_mount(plan->source, fd, plan->type, MS_REMOUNT | flags, data) <
		   0) {
		return fail_errno(err, "remounting");
	}
	return attach_propagation(plan, fd, &(struct attach_place){ .root_fd = -1 }, err);
}

/* ---- all ---------------------------------------------------------------------------- */

static int apply_one(struct mount_plan *plan, struct mounts *mounts, struct error *err)
{
	auto_fd fd = -1;

	switch (plan->kind) {
	case MOUNT_PLAN_BIND:
		if (mount_bind(plan, mounts, &fd, err) < 0)
			return -1;
		break;
	case MOUNT_PLAN_FILESYSTEM:
	case MOUNT_PLAN_CGROUPS:
		if (mount_filesystem(plan, mounts, &fd, err) < 0)
			return -1;
		break;
	case MOUNT_PLAN_REMOUNT:
		return remount(plan, mounts, err);
	}
	if (plan->on_root) {
		close(mounts->root_fd);
		if (keep(fd, &mounts->root_fd, err) < 0)
			return -1;
	}
	if (plan->late_read_only)
		plan->late_fd = take_fd(&fd);
	return 0;
}

static int apply(struct mount_plan *plan, struct mounts *mounts, struct error *err)
{
	auto_free char *what = NULL;

	if (apply_one(plan, mounts, err) == 0)
		return 0;
	what = mount_plan_describe(plan);
	return fail_while(err, "/mounts/%zu: mounting %s", plan->index, what);
}

int mounts_apply_on_root(
	struct mount_plan *plans, size_t count, struct mounts *mounts, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (plans[i].on_root && apply(&plans[i], mounts, err) < 0)
			return -1;
	}
	return 0;
}

int mounts_apply(
	struct mount_plan *plans, size_t count, struct mounts *mounts, struct error *err)
{
	if (mounts_apply_on_root(plans, count, mounts, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!plans[i].on_root && apply(&plans[i], mounts, err) < 0)
			return -1;
	}
	return 0;
}

int mounts_finish(struct mount_plan *plans, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (plans[i].late_fd < 0)
			continue;
		if (attach_read_only(plans[i].late_fd, 0, err) < 0)
			return fail_while(err, "/mounts/%zu: %s", plans[i].index,
				plans[i].destination);
		close(plans[i].late_fd);
		plans[i].late_fd = -1;
	}
	return 0;
}

int mounts_propagate_again(const struct mounts *mounts, const struct mount_plan *plans,
	size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		auto_fd fd = -1;

		if (!plans[i].has_propagation)
			continue;
		if (path_open_in_root(mounts->root_fd, plans[i].destination, O_PATH, 0,
			    &fd, err) < 0 ||
			attach_propagation(&plans[i], fd,
				&(struct attach_place){ .root_fd = -1 }, err) < 0)
			return fail_while(err, "/mounts/%zu", plans[i].index);
	}
	return 0;
}
