/*
 * Makes the container's directories and writes its limits.
 *
 * Version 1's cpuset is of no use without CPUs and memory nodes, which a new directory
 * there does not have: they are copied from its parent. Version 2's controllers work only
 * where the parent hands them down.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"

#define RACE_TRIES 16 /* another container's removal takes our common parent away */
#define FILE_MAX   (1u << 20)

/* Removes a directory that we made, and those above it that we made too. Keeps errno. */
static void unmake(const char *path, uint32_t levels)
{
	auto_free char *parent = path_parent(path);
	int errnum = errno;

	if (levels && rmdir(path) == 0)
		unmake(parent, levels - 1);
	errno = errnum;
}

/* mkdir -p, telling how many levels were made. -1 with errno, and then there are none. */
static int make(const char *path, uint32_t *ret_made)
{
	auto_free char *parent = path_parent(path);
	uint32_t above = 0;

	*ret_made = 0;
	for (int i = 0; i < RACE_TRIES; i++) {
		if (mkdir(path, 0755) == 0) {
			*ret_made = above + 1;
			return 0;
		}
		if (errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			break;
		if (make(parent, &above) < 0)
			return -1;
	}
	unmake(parent, above);
	return -1;
}

static int read_line(
	const char *directory, const char *file, char **ret, struct error *err)
{
	auto_free char *path = path_join(directory, file);
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	*ret = take_ptr(&text);
	return 0;
}

/* The value of the nearest directory that has one, from `path` up to the mount point;
 * written to those on the way that have none. */
static int inherit(const char *mount, const char *path, const char *file, char **ret,
	struct error *err)
{
	auto_free char *name = path_join(path, file);
	auto_free char *parent = NULL;
	auto_free char *value = NULL;

	if (read_line(path, file, &value, err) < 0)
		return -1;
	if (!*value && strlen(path) > strlen(mount)) {
		free(take_ptr(&value));
		parent = path_parent(path);
		if (inherit(mount, parent, file, &value, err) < 0 ||
			file_write_at(AT_FDCWD, name, value, err) < 0)
			return -1;
	}
	*ret = take_ptr(&value);
	return 0;
}

/* Down from a directory that was there to `path`, which is `made` levels below it: what
 * was just made has no value, and is not asked. */
static int hand_down(const char *mount, const char *path, uint32_t made, const char *file,
	char **ret, struct error *err)
{
	auto_free char *name = path_join(path, file);
	auto_free char *parent = path_parent(path);
	auto_free char *value = NULL;

	if (!made)
		return inherit(mount, path, file, ret, err);
	if (hand_down(mount, parent, made - 1, file, &value, err) < 0 ||
		file_write_at(AT_FDCWD, name, value, err) < 0)
		return -1;
	*ret = take_ptr(&value);
	return 0;
}

static int inherit_cpuset(
	const char *mount, const char *path, uint32_t made, struct error *err)
{
	auto_free char *cpus = NULL;
	auto_free char *mems = NULL;

	if (hand_down(mount, path, made, "cpuset.cpus", &cpus, err) < 0)
		return -1;
	return hand_down(mount, path, made, "cpuset.mems", &mems, err);
}

/* A directory that was there may be a leftover, but not one that is in use. */
int cgroup_expect_unused(const char *path, struct error *err)
{
	auto_free char *pids = NULL;

	if (read_line(path, "cgroup.procs", &pids, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (!*pids)
		return 0;
	(void)fail_code(err, EBUSY, "container's cgroup is not empty: %s has process %s",
		path, pids);
	return fail_hint(err, "is linux.cgroupsPath used by two containers?");
}

int cgroup_make_v1(const struct cgroup_mount *mount, const char *path, uint32_t *ret_made,
	struct error *err)
{
	if (make(path, ret_made) < 0)
		return fail_errno(err, "making the cgroup %s", path);
	return cgroup_hierarchy_has(mount->hierarchy, "cpuset")
		       ? inherit_cpuset(mount->path, path, *ret_made, err)
		       : 0;
}

static int make_dir(const struct cgroup_plan *plan, size_t index, uint32_t *ret_made,
	struct error *err)
{
	const struct cgroup_dir *dir = &plan->target.dirs[index];
	auto_free char *mount = str_dup_n(dir->path, plan->mount_lengths[index]);
	bool unified = str_equal(dir->hierarchy, CGROUP_UNIFIED);

	if (make(dir->path, ret_made) < 0)
		return fail_errno(err, "making the cgroup %s", dir->path);
	if (!*ret_made && cgroup_expect_unused(dir->path, err) < 0)
		return -1;
	if (unified)
		return cgroup_enable_controllers(plan, mount, dir->path, err);
	return cgroup_hierarchy_has(dir->hierarchy, "cpuset")
		       ? inherit_cpuset(mount, dir->path, *ret_made, err)
		       : 0;
}

/* Files that may be handed to the container's user: /sys/kernel/cgroup/delegate, else
 * what the specification lists. */
static int delegate(const struct cgroup_plan *plan, const char *path, struct error *err)
{
	auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *text = NULL;
	auto_strings files = { 0 };
	struct error absent;

	if (dir < 0 || fchown(dir, plan->uid, plan->gid) < 0)
		return fail_errno(
			err, "giving the cgroup %s to the container's user", path);
	if (file_read_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", 4096, &text, NULL,
		    &absent) < 0)
		text = str_dup("cgroup.procs\ncgroup.subtree_control\ncgroup.threads");
	strings_split(&files, text, '\n');
	strings_each (file, &files) {
		if (**file && fchownat(dir, *file, plan->uid, plan->gid, 0) < 0 &&
			errno != ENOENT)
			return fail_errno(
				err, "giving %s/%s to the container's user", path, *file);
	}
	return 0;
}

int cgroup_apply_limits(
	const struct cgroup_plan *plan, const struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_dir *unified = cgroup_unified(cgroup);

	if (cgroup_writes_apply(&plan->writes, cgroup, plan->rootless, err) < 0)
		return -1;
	if (!plan->devices_v2 || !unified)
		return 0;
	if (cgroup_devices_attach(&plan->devices, unified->path, false, err) == 0)
		return 0;
	/* A user namespace lets nobody make device nodes, list or no list. */
	if (plan->rootless && (err->errnum == EPERM || err->errnum == EACCES)) {
		log_debug("%s; left out", err->text);
		return 0;
	}
	return fail_while(err, "/linux/resources/devices");
}

static bool no_rights(const struct error *err)
{
	return err->errnum == EACCES || err->errnum == EPERM || err->errnum == EROFS;
}

static int fill(const struct cgroup_plan *plan, struct cgroup *made, struct error *err)
{
	for (size_t i = 0; i < plan->target.dirs_count; i++) {
		const struct cgroup_dir *dir = &plan->target.dirs[i];
		uint32_t levels = 0;
		int result = make_dir(plan, i, &levels, err);

		/* One that was there is used, and left when the container goes (runtime.md,
		 * Delete); what a killed create leaves, its own state.json names. */
		if (levels || result == 0)
			cgroup_add_dir(made, dir->hierarchy, str_dup(dir->path),
				levels ? MAX(levels, dir->made) : 0);
		if (result < 0)
			return -1;
	}
	if (cgroup_expect_thawed(made, err) < 0)
		return -1;
	if (plan->delegate && cgroup_unified(made) &&
		delegate(plan, cgroup_unified(made)->path, err) < 0)
		return -1;
	return cgroup_apply_limits(plan, made, err);
}

int cgroup_create(const struct cgroup_plan *plan, struct cgroup *ret, struct error *err)
{
	struct cgroup made = { .driver = plan->target.driver, .user = plan->target.user };

	if (plan->target.driver != CGROUP_DRIVER_CGROUPFS) {
		*ret = made;
		return 0;
	}
	if (fill(plan, &made, err) < 0) {
		cgroup_undo(&made);
		cgroup_free(&made);
		if (!plan->rootless || !no_rights(err))
			return -1;
		if (plan->asked)
			return fail_hint(err,
				"%s needs a cgroup, and this user may make none there",
				plan->writes.items[0].field);
		/* Nobody may ask for something and not hear that it is left out. */
		if (plan->named)
			log_warning(
				"/linux/cgroupsPath: the container has no cgroup, for "
				"this user may make none there: %s",
				err->text);
		else
			log_debug("no cgroups for this container: %s", err->text);
		made = (struct cgroup){ .driver = plan->target.driver };
	}
	*ret = made;
	return 0;
}
