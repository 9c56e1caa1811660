/* Mounts are found in the running container by what covers their destination now. */
#include "runtime/criu/external.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/criu/options.h"
#include "runtime/criu/wire.h"
#include "runtime/mounts/mountinfo.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/rootfs/devices.h"
#include "runtime/rootfs/mount_plan.h"
#include "spec/config.h"
#include "spec/names.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000
#endif

/* The mounts of config.json, understood. */
struct plans {
	struct mount_plan *items;
	size_t count;
};

static void plans_free(struct plans *plans)
{
	mount_plans_free(plans->items, plans->count);
}

#define auto_plans __attribute__((cleanup(plans_free))) struct plans

static int make_plans(const struct oci_config *config, const char *bundle,
	struct plans *ret, struct error *err)
{
	return mount_plans_make(config, bundle, &ret->items, &ret->count, err);
}

int external_check(const struct oci_config *config, const char *bundle, struct error *err)
{
	auto_plans plans = { 0 };

	if (make_plans(config, bundle, &plans, err) < 0)
		return -1;
	for (size_t i = 0; i < plans.count; i++) {
		if (plans.items[i].idmap)
			return fail(err,
				"/mounts/%zu: criu knows no id-mapped mounts: it would "
				"come back without its mappings",
				plans.items[i].index);
	}
	if (config->linux.net_devices_count)
		return fail(err,
			"/linux/netDevices: criu cannot save the state of a host's "
			"interface");
	return 0;
}

/* ---- finding a mount ---------------------------------------------------------------- */

struct view {
	int root;        /* the container's "/" */
	char *mountinfo; /* of its process */
	struct strings known;
	struct str *to;
};

static void view_close(struct view *view)
{
	cleanup_fd(&view->root);
	free(view->mountinfo);
	strings_free(&view->known);
}

static int view_open(
	const struct container *container, struct view *view, struct error *err)
{
	auto_free char *root = str_format("/proc/%d/root", container->state.pid);
	auto_free char *mounts = str_format("/proc/%d/mountinfo", container->state.pid);

	view->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (view->root < 0)
		return fail_errno(err, "opening %s", root);
	return file_read_at(AT_FDCWD, mounts, 64u << 20, &view->mountinfo, NULL, err);
}

/* NULL where no line has the id. */
static char *mountpoint_of_id(const char *text, uint64_t id)
{
	auto_strings lines = { 0 };

	strings_split(&lines, text, '\n');
	strings_each (line, &lines) {
		auto_mountinfo mount = { 0 };

		if (mountinfo_parse(*line, &mount) && mount.id == id)
			return take_ptr(&mount.destination);
	}
	return NULL;
}

/* Where in the container the mount begins that the path is on; "/" is the root itself. */
static char *mountpoint_of(const struct view *view, const char *path, mode_t *ret_mode)
{
	auto_fd fd = path_try_open_in_root(view->root, path, O_PATH, 0);
	struct statx status;

	if (fd < 0 ||
		statx(fd, "", AT_EMPTY_PATH, STATX_MODE | STATX_MNT_ID, &status) < 0)
		return NULL;
	*ret_mode = status.stx_mode;
	return mountpoint_of_id(view->mountinfo, status.stx_mnt_id);
}

static void put_once(struct view *view, const char *mountpoint, const char *name)
{
	if (strings_contain(&view->known, mountpoint))
		return;
	strings_add(&view->known, mountpoint);
	criu_put_pair(view->to, CRIU_EXT_MNT, mountpoint, name);
}

/* ---- at a dump ---------------------------------------------------------------------- */

static void put_if_mounted(struct view *view, const char *path, const char *name)
{
	mode_t mode;
	auto_free char *mountpoint = mountpoint_of(view, path, &mode);

	if (mountpoint && !str_equal(mountpoint, "/"))
		put_once(view, mountpoint, name);
}

/* A directory is masked by a tmpfs, which is the container's. */
static void put_masks(struct view *view, const struct oci_config *config)
{
	strings_each (path, &config->linux.masked_paths) {
		mode_t mode;
		auto_free char *mountpoint = mountpoint_of(view, *path, &mode);
		auto_free char *clean = path_clean(*path);

		if (mountpoint && !S_ISDIR(mode) && str_equal(mountpoint, clean))
			put_once(view, mountpoint, "/dev/null");
	}
}

static void put_devices(struct view *view, const struct oci_config *config)
{
	const char *path;

	if (!config_namespace(config, CLONE_NEWUSER))
		return; /* nodes in a tmpfs of the container's */
	for (size_t i = 0; (path = devices_default_path(i)); i++)
		put_if_mounted(view, path, path);
	for (size_t i = 0; i < config->linux.devices_count; i++)
		put_if_mounted(view, config->linux.devices[i].path,
			config->linux.devices[i].path);
}

static char *cgroup_name(const char *destination, const struct cgroup_dir *dir)
{
	const char *below = str_after(dir->path, "/sys/fs/cgroup/");

	if (str_equal(dir->hierarchy, "unified") || !below)
		return str_dup(destination);
	return str_format("%s/%.*s", destination, (int)strcspn(below, "/"), below);
}

static bool is_plain_cgroups(
	const struct mount_plan *plan, const struct oci_config *config)
{
	return plan->kind == MOUNT_PLAN_CGROUPS &&
	       !config_namespace(config, CLONE_NEWCGROUP);
}

int external_put_dump(struct str *to, const struct container *container,
	const struct oci_config *config, struct error *err)
{
	__attribute__((cleanup(view_close))) struct view view = { .root = -1, .to = to };
	const struct cgroup *cgroup = &container->state.cgroup;
	auto_plans plans = { 0 };

	if (view_open(container, &view, err) < 0 ||
		make_plans(config, container->state.bundle, &plans, err) < 0)
		return -1;
	for (size_t i = 0; i < plans.count; i++) {
		const struct mount_plan *plan = &plans.items[i];

		if (plan->kind == MOUNT_PLAN_BIND && !plan->on_root)
			put_if_mounted(&view, plan->destination, plan->destination);
		if (!is_plain_cgroups(plan, config))
			continue;
		for (size_t j = 0; j < cgroup->dirs_count; j++) {
			auto_free char *name =
				cgroup_name(plan->destination, &cgroup->dirs[j]);

			put_if_mounted(&view, name, name);
		}
	}
	put_masks(&view, config);
	put_devices(&view, config);
	for (size_t i = 0; i < config->linux.namespaces_count; i++) {
		const struct oci_namespace *wanted = &config->linux.namespaces[i];
		bool net = wanted->type == CLONE_NEWNET;
		struct stat status;
		auto_free char *name = NULL;

		if (!wanted->path || (!net && wanted->type != CLONE_NEWPID))
			continue;
		if (stat(wanted->path, &status) < 0)
			return fail_errno(
				err, "/linux/namespaces/%zu/path: %s", i, wanted->path);
		name = str_format("%s[%llu]:%s", net ? "net" : "pid",
			(unsigned long long)status.st_ino,
			net ? "extRootNetNS" : "extRootPidNS");
		wire_put_text(to, CRIU_EXTERNAL, name);
	}
	return 0;
}

/* ---- at a restore ------------------------------------------------------------------- */

/* Names that the images do not have are no harm. */
int external_put_restore(struct str *to, const struct container *container,
	const struct oci_config *config, struct error *err)
{
	const struct cgroup *cgroup = &container->state.cgroup;
	auto_plans plans = { 0 };
	const char *path;

	if (make_plans(config, container->state.bundle, &plans, err) < 0)
		return -1;
	for (size_t i = 0; i < plans.count; i++) {
		const struct mount_plan *plan = &plans.items[i];

		if (plan->kind == MOUNT_PLAN_BIND && !plan->on_root)
			criu_put_pair(to, CRIU_EXT_MNT, plan->destination, plan->source);
		if (!is_plain_cgroups(plan, config))
			continue;
		for (size_t j = 0; j < cgroup->dirs_count; j++) {
			auto_free char *name =
				cgroup_name(plan->destination, &cgroup->dirs[j]);

			criu_put_pair(to, CRIU_EXT_MNT, name, cgroup->dirs[j].path);
		}
	}
	for (size_t i = 0; (path = devices_default_path(i)); i++)
		criu_put_pair(to, CRIU_EXT_MNT, path, path);
	for (size_t i = 0; i < config->linux.devices_count; i++)
		criu_put_pair(to, CRIU_EXT_MNT, config->linux.devices[i].path,
			config->linux.devices[i].path);
	return 0;
}

static void put_inherited(struct str *to, const char *key, int fd)
{
	auto_str pair = { 0 };

	wire_put_text(&pair, 1, key);
	wire_put_number(&pair, 2, fd);
	wire_put_message(to, CRIU_INHERIT_FD, &pair);
}

/* Net and pid by a name that the images have; the others criu joins itself. */
int external_put_namespaces(struct str *to, const struct oci_config *config,
	const struct namespaces *namespaces, int *ret_inherited, size_t *ret_count,
	struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < namespaces->joins_count; i++) {
		const struct namespace_join *join = &namespaces->joins[i];
		const struct oci_namespace *wanted = config_namespace(config, join->type);
		const char *word = word_of_number(namespace_words, join->type);

		if (join->type == CLONE_NEWCGROUP)
			return fail(err,
				"/linux/namespaces: criu cannot restore into a cgroup "
				"namespace that exists");
		if (join->type != CLONE_NEWNET && join->type != CLONE_NEWPID) {
			criu_put_pair(to, CRIU_JOIN_NS,
				join->type == CLONE_NEWNS ? "mnt" : word, wanted->path);
			continue;
		}
		put_inherited(to,
			join->type == CLONE_NEWNET ? "extRootNetNS" : "extRootPidNS",
			join->fd);
		ret_inherited[count++] = join->fd;
	}
	*ret_count = count;
	return 0;
}
