/* attach_tree() is the way of Linux 5.2 and later, attach_bind_classic() that of before. */
#include "runtime/rootfs/attach.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/rootfs/mount_api.h"

static uint64_t early_set(const struct mount_plan *plan)
{
	return plan->late_read_only ? plan->set & ~(uint64_t)MOUNT_ATTR_RDONLY
				    : plan->set;
}

/* mount_setattr() for both halves; -1 with errno. */
static int change_attributes(const struct mount_plan *plan, int fd)
{
	struct mnt_change below = {
		.set = plan->recursive_set,
		.clear = plan->recursive_clear,
		.recursive = true,
	};
	struct mnt_change own = { .set = early_set(plan), .clear = plan->clear };

	if ((below.set || below.clear) && mnt_change(fd, &below) < 0)
		return -1;
	return own.set || own.clear ? mnt_change(fd, &own) : 0;
}

static int fail_attributes(const struct mount_plan *plan, struct error *err)
{
	(void)fail_errno(err, "setting the mount options of %s", plan->destination);
	if (err->errnum == EPERM)
		return fail_hint(err,
			"the source has options that the container's user namespace "
			"may not take away");
	return -1;
}

/* Without mount_setattr(). */
static int remount_attributes(const struct mount_plan *plan, int fd, struct error *err)
{
	uint64_t set = early_set(plan);

	if (plan->recursive_set || plan->recursive_clear)
		return fail_code(err, ENOSYS,
			"%s: mount options of a whole tree need Linux 5.12",
			plan->destination);
	if ((set || plan->clear) && mnt_remount(fd, set, plan->clear) < 0)
		return fail_attributes(plan, err);
	return 0;
}

int attach_attributes(const struct mount_plan *plan, int fd, struct error *err)
{
	if (change_attributes(plan, fd) == 0)
		return 0;
	return errno == ENOSYS ? remount_attributes(plan, fd, err)
			       : fail_attributes(plan, err);
}

static int propagate(int fd, unsigned long propagation, bool recursive)
{
	struct mnt_change change = {
		.propagation = propagation,
		.recursive = recursive,
	};

	if (mnt_change(fd, &change) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
	return mnt_mount(NULL, fd, NULL, propagation | (recursive ? MS_REC : 0), NULL);
}

struct propagating {
	int fd;
	int errnum;
};

static void propagate_option(void *argument, unsigned long flag, bool recursive)
{
	struct propagating *all = argument;

	if (!all->errnum && propagate(all->fd, flag & ~(unsigned long)MS_REC,
				    recursive || flag & MS_REC) < 0)
		all->errnum = errno;
}

int attach_propagation(const struct mount_plan *plan, int fd,
	const struct attach_place *place, struct error *err)
{
	struct propagating all = { .fd = fd };

	/* What the creator opened is still a peer of the creator's mount. */
	if (plan->tree_fd >= 0 && !place->shares_with_creator)
		propagate_option(&all, MS_SLAVE, true);
	if (plan->has_propagation)
		mount_plan_each_propagation(plan, propagate_option, &all);
	else if (place->propagation)
		propagate_option(&all, place->propagation, false);
	errno = all.errnum;
	return errno ? fail_errno(err, "setting the propagation of %s", plan->destination)
		     : 0;
}

int attach_tree(const struct mount_plan *plan, int tree_fd,
	const struct attach_place *place, struct error *err)
{
	bool late = false;

	if (plan->kind != MOUNT_PLAN_FILESYSTEM && change_attributes(plan, tree_fd) < 0) {
		if (errno != ENOSYS)
			return fail_attributes(plan, err);
		late = true; /* mount(2) can change only what is attached */
	}
	if (mnt_move(tree_fd, place->target_fd) < 0)
		return fail_errno(err, "attaching the mount");
	if (late && remount_attributes(plan, tree_fd, err) < 0)
		return -1;
	return attach_propagation(plan, tree_fd, place, err);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What is mounted on the root itself is not seen from beneath it. */
static int open_by_name(const struct attach_place *place, int *ret_fd, struct error *err)
{
	int fd;

	if (strcmp(place->destination, "/") != 0)
		return path_open_in_root(place->root_fd, place->destination,
			O_PATH | (place->nofollow ? O_NOFOLLOW : 0), 0, ret_fd, err);
	fd = open(place->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s", place->root_path);
	*ret_fd = fd;
	return 0;
}

static int reopen(const struct attach_place *place, struct stat *ret_stat, int *ret_fd,
	struct error *err)
{
	auto_fd fd = -1;

	if (open_by_name(place, &fd, err) < 0)
		return -1;
	if (fstat(fd, ret_stat) < 0)
		return fail_errno(err, "%s", place->destination);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int fail_exchanged(const struct attach_place *place, struct error *err)
{
	return fail_code(err, EAGAIN, "%s: was exchanged while it was being mounted on",
		place->destination);
}

int attach_reopen(const struct attach_place *place, int *ret_fd, struct error *err)
{
	struct stat target, mounted;
	auto_fd fd = -1;

	if (fstat(place->target_fd, &target) < 0)
		return fail_errno(err, "%s", place->destination);
	if (reopen(place, &mounted, &fd, err) < 0)
		return -1;
	if (same_file(&target, &mounted))
		return fail_exchanged(place, err);
	*ret_fd = take_fd(&fd);
	return 0;
}

int attach_bind_classic(const struct mount_plan *plan, int source_fd,
	const struct attach_place *asked, int *ret_fd, struct error *err)
{
	struct attach_place place = *asked;
	struct stat source, mounted;
	auto_fd fd = -1;

	if (fstat(source_fd, &source) < 0)
		return fail_errno(err, "%s", plan->source);
	place.nofollow |=
		S_ISLNK(source.st_mode); /* src-nofollow: it is the link there */
	if (mnt_mount(fd_path(source_fd).text, place.target_fd, NULL,
		    MS_BIND | (plan->bind_recursive ? MS_REC : 0), NULL) < 0)
		return fail_errno(err, "mounting");
	if (reopen(&place, &mounted, &fd, err) < 0)
		return -1;
	if (!same_file(&source, &mounted))
		return fail_exchanged(&place, err);
	if (attach_attributes(plan, fd, err) < 0 ||
		attach_propagation(plan, fd, &place, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

int attach_read_only(int fd, uint64_t more, struct error *err)
{
	struct mnt_change change = { .set = MOUNT_ATTR_RDONLY | more };

	if (mnt_change(fd, &change) == 0)
		return 0;
	if (errno != ENOSYS || mnt_remount(fd, change.set, 0) < 0)
		return fail_errno(err, "making it read-only");
	return 0;
}
