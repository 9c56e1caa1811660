/* The worker that looks at an image's merged files. */
#include "builder/bundle/rootfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/build/worker.h"
#include "builder/rootfs/tree.h"

/* What goes into the worker, and what comes out. */
struct job {
	const struct rootfs_work *work;
	struct user user;
};

char *bundle_volume_name(size_t index)
{
	return str_format("volumes/%zu", index);
}

int bundle_own(int fd, const struct userns_maps *maps, struct error *err)
{
	uid_t user;
	gid_t group;

	if (!maps || !userns_map_find(&maps->users, 0, &user) ||
		!userns_map_find(&maps->groups, 0, &group))
		return 0;
	return fchown(fd, user, group) < 0
		       ? fail_errno(err, "giving a file to the container's root")
		       : 0;
}

static int open_directory(int dir_fd, const char *name, int *ret_fd, struct error *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening %s of the bundle", name);
	*ret_fd = fd;
	return 0;
}

static int copy_root(const struct rootfs_work *work, int root_fd, struct error *err)
{
	auto_fd fd = -1;

	if (work->overlay->copies) /* root_fd is that already */
		return 0;
	if (open_directory(work->bundle_fd, "rootfs", &fd, err) < 0)
		return -1;
	return tree_copy_mapped(root_fd, fd, "/", work->maps, err);
}

/* A volume begins with what the image has at its place. */
static int fill_volume(
	const struct rootfs_work *work, int root_fd, size_t index, struct error *err)
{
	const char *path = work->image->config.config.volumes.items[index];
	auto_free char *name = bundle_volume_name(index);
	auto_fd from = -1;
	auto_fd to = -1;

	if (mkdirat(work->bundle_fd, name, 0755) < 0)
		return fail_errno(err, "making %s of the bundle", name);
	if (open_directory(work->bundle_fd, name, &to, err) < 0)
		return -1;
	from = path_try_open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY, 0);
	if (from < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return fail_errno(err, "opening the volume %s", path);
	if (from < 0) /* not there, or no directory: the volume begins empty */
		return bundle_own(to, work->maps, err);
	return tree_copy_mapped(from, to, path, work->maps, err);
}

static int fill_volumes(const struct rootfs_work *work, int root_fd, struct error *err)
{
	const struct strings *volumes = &work->image->config.config.volumes;

	if (volumes->count == 0)
		return 0;
	if (mkdirat(work->bundle_fd, "volumes", 0755) < 0)
		return fail_errno(err, "making volumes of the bundle");
	for (size_t i = 0; i < volumes->count; i++) {
		if (fill_volume(work, root_fd, i, err) < 0)
			return -1;
	}
	return 0;
}

/* In a worker, in a mount namespace of its own. */
static int look_at_root(void *argument, int output, struct error *err)
{
	struct job *job = argument;
	const struct rootfs_work *work = job->work;
	auto_fd fd = -1;

	umask(0);
	if (worker_isolate_mounts(err) < 0 ||
		overlay_mount(work->overlay, work->mount_at, err) < 0)
		return -1;
	fd = open(work->mount_at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s", work->mount_at);
	if (user_resolve(fd, work->user_text, &job->user, err) < 0)
		return -1;
	if (work->copy && copy_root(work, fd, err) < 0)
		return -1;
	return work->volumes ? fill_volumes(work, fd, err) : 0;
}

int rootfs_run(const struct rootfs_work *work, struct user *ret, struct error *err)
{
	struct job job = { .work = work };
	struct worker worker = {
		.work = look_at_root,
		.argument = &job,
		.result = &job.user,
		.result_size = sizeof(job.user),
		.signal_fd = work->signal_fd,
	};
	bool volumes = work->volumes && work->image->config.config.volumes.count > 0;

	if (!work->copy && !volumes && user_is_plain_root(work->user_text)) {
		*ret = (struct user){ 0 };
		return 0;
	}
	if (worker_run(&worker, err) < 0)
		return -1;
	*ret = job.user;
	return 0;
}
