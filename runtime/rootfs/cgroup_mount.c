/* What is under /sys/fs/cgroup of the creator decides, and /proc/self/cgroup tells where
 * in it the container is. */
#include "runtime/rootfs/cgroup_mount.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/rootfs/filesystem.h"
#include "runtime/rootfs/mount_api.h"
#include "runtime/rootfs/source.h"
#include "spec/mounts.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

struct cgroup_view {
	const struct mount_plan *plan;
	bool namespaced;
	const char *label;
	struct strings memberships; /* lines of /proc/self/cgroup: "4:cpu,cpuacct:/x" */
};

static int read_memberships(struct cgroup_view *view, struct error *err)
{
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &text, NULL, err) < 0)
		return -1;
	strings_split(&view->memberships, text, '\n');
	return 0;
}

static bool lists_controller(const char *list, const char *controller)
{
	auto_strings names = { 0 };

	strings_split(&names, list, ',');
	return strings_contain(&names, controller);
}

/* The hierarchy of a directory of CGROUP_ROOT: "cpu,cpuacct" has controllers, "systemd"
 * is "name=systemd", "unified" (version 2) has an empty list. ret_options are those of a
 * mount of version 1. */
static bool find_membership(const struct cgroup_view *view, const char *directory,
	char **ret_options, char **ret_path)
{
	auto_free char *first = str_dup_n(directory, strcspn(directory, ","));
	auto_free char *named = str_format("name=%s", directory);
	bool unified = strcmp(directory, "unified") == 0;

	strings_each (line, &view->memberships) {
		const char *list = strchr(*line, ':');
		const char *path = list ? strchr(list + 1, ':') : NULL;
		auto_free char *controllers = NULL;

		if (!path)
			continue;
		controllers = str_dup_n(list + 1, (size_t)(path - list - 1));
		if (unified ? *controllers == '\0'
			    : lists_controller(controllers, first) ||
					str_equal(controllers, named)) {
			*ret_options = take_ptr(&controllers);
			*ret_path = str_dup(path + 1);
			return true;
		}
	}
	return false;
}

/* A plan for one hierarchy, with the options of the whole. */
static struct mount_plan plan_of_hierarchy(
	const struct cgroup_view *view, const char *type, const char *destination)
{
	struct mount_plan plan = *view->plan;

	plan.kind = MOUNT_PLAN_FILESYSTEM;
	plan.type = type;
	plan.source = (char *)type;
	plan.destination = (char *)destination;
	plan.data = (struct strings){ 0 };
	plan.tree_fd = -1;
	return plan;
}

static int mount_new(const struct cgroup_view *view, const char *type,
	const char *options, const struct attach_place *place, int *ret_fd,
	struct error *err)
{
	struct mount_plan plan = plan_of_hierarchy(view, type, place->destination);
	int result;

	if (options && str_after(options, "name="))
		strings_add(&plan.data, "none");
	if (options && *options)
		strings_split(&plan.data, options, ',');
	result = filesystem_mount(&plan, place, NULL, ret_fd, err);
	strings_free(&plan.data);
	return result;
}

static int bind_directory(const struct cgroup_view *view, const char *source,
	const struct attach_place *place, int *ret_fd, struct error *err)
{
	struct mount_plan plan = plan_of_hierarchy(view, "bind", place->destination);
	auto_fd source_fd = -1;
	auto_fd fd = -1;

	plan.kind = MOUNT_PLAN_BIND;
	plan.source = (char *)source;
	if (source_open_tree(&plan, &fd, err) == 0 &&
		attach_tree(&plan, fd, place, err) == 0) {
		*ret_fd = take_fd(&fd);
		return 0;
	}
	if (!mnt_is_missing(err->errnum))
		return -1;
	if (source_open(&plan, &source_fd, err) < 0)
		return -1;
	return attach_bind_classic(&plan, source_fd, place, ret_fd, err);
}

/* A new mount in a cgroup namespace shows only what is the container's. Without one it
 * would show everything: so the container's own directory is bound. */
static int mount_hierarchy(const struct cgroup_view *view, const char *directory,
	const char *host, const struct attach_place *place, int *ret_fd,
	struct error *err)
{
	bool version2 = strcmp(directory, "unified") == 0;
	auto_free char *options = NULL;
	auto_free char *path = NULL;
	auto_free char *source = NULL;

	if (!find_membership(view, directory, &options, &path))
		return fail(err, "/proc/self/cgroup does not list the hierarchy %s",
			directory);
	if (view->namespaced)
		return mount_new(view, version2 ? "cgroup2" : "cgroup",
			version2 ? NULL : options, place, ret_fd, err);
	source = path_join(host, path);
	return bind_directory(view, source, place, ret_fd, err);
}

/* Places below the tmpfs that we have just made: no image had a hand in it, yet the
 * fallback looks destinations up by name. */
static int mount_below(const struct cgroup_view *view, const char *directory,
	const struct attach_place *above, int tmpfs_fd, struct error *err)
{
	auto_free char *host = path_join(CGROUP_ROOT, directory);
	auto_free char *destination = path_join(above->destination, directory);
	struct attach_place place = *above;
	auto_fd target_fd = -1;
	auto_fd fd = -1;

	if (mkdirat(tmpfs_fd, directory, 0755) < 0)
		return fail_errno(err, "making %s", destination);
	target_fd = openat(
		tmpfs_fd, directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target_fd < 0)
		return fail_errno(err, "opening %s", destination);
	place.destination = destination;
	place.target_fd = target_fd;
	if (mount_hierarchy(view, directory, host, &place, &fd, err) < 0)
		return fail_while(err, "cgroup hierarchy %s", directory);
	return 0;
}

/* "cpu" -> "cpu,cpuacct" is repeated; directories with another file system are not ours. */
static int mirror_entry(const struct cgroup_view *view, int host_fd, const char *name,
	const struct attach_place *place, int tmpfs_fd, struct error *err)
{
	char target[NAME_MAX + 1];
	ssize_t length = readlinkat(host_fd, name, target, sizeof(target) - 1);
	auto_fd fd = -1;
	struct statfs fs;

	if (length > 0) {
		target[length] = '\0';
		if (symlinkat(target, tmpfs_fd, name) < 0)
			return fail_errno(err, "making the link %s", name);
		return 0;
	}
	fd = openat(host_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0 ||
		(fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC))
		return 0;
	return mount_below(view, name, place, tmpfs_fd, err);
}

static int mirror_all(const struct cgroup_view *view, const struct attach_place *place,
	int tmpfs_fd, struct error *err)
{
	auto_dir dir = opendir(CGROUP_ROOT);
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "listing %s", CGROUP_ROOT);
	while ((entry = path_next(dir))) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		if (mirror_entry(view, dirfd(dir), entry->d_name, place, tmpfs_fd, err) <
			0)
			return -1;
	}
	return errno ? fail_errno(err, "listing %s", CGROUP_ROOT) : 0;
}

/* Read-only once it is filled, if at all: that is the caller's late_read_only. */
static int mount_version1(const struct cgroup_view *view,
	const struct attach_place *place, int *ret_fd, struct error *err)
{
	struct mount_plan plan =
		plan_of_hierarchy(view, "tmpfs", view->plan->destination);
	bool read_only = plan.set & MOUNT_ATTR_RDONLY;
	auto_fd fd = -1;
	int result;

	plan.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	strings_add(&plan.data, "mode=755");
	strings_add(&plan.data, "size=64k");
	result = filesystem_mount(&plan, place, view->label, &fd, err);
	strings_free(&plan.data);
	if (result < 0 || mirror_all(view, place, fd, err) < 0)
		return -1;
	if (read_only && attach_read_only(fd, 0, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int mount_version2(const struct cgroup_view *view, bool only,
	const struct attach_place *place, int *ret_fd, struct error *err)
{
	const char *host = only ? CGROUP_ROOT : CGROUP_ROOT "/unified";

	if (!only && access(host, F_OK) < 0)
		return fail_errno(
			err, "this machine has no cgroup version 2 at %s", host);
	return mount_hierarchy(view, "unified", host, place, ret_fd, err);
}

int cgroup_mount(const struct mount_plan *plan, const struct attach_place *place,
	struct cgroup_mount_options options, int *ret_fd, struct error *err)
{
	struct cgroup_view view = {
		.plan = plan,
		.namespaced = options.cgroup_namespace,
		.label = options.label,
	};
	bool only_version2;
	struct statfs fs;
	int result;

	if (statfs(CGROUP_ROOT, &fs) < 0)
		return fail_errno(err, "%s", CGROUP_ROOT);
	if (read_memberships(&view, err) < 0)
		return -1;
	only_version2 = fs.f_type == CGROUP2_SUPER_MAGIC;
	if (only_version2 || strcmp(plan->type, "cgroup2") == 0)
		result = mount_version2(&view, only_version2, place, ret_fd, err);
	else
		result = mount_version1(&view, place, ret_fd, err);
	strings_free(&view.memberships);
	return result;
}
