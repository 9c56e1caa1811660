/*
 * The systemd driver: systemd makes a scope (or slice) for the container and puts its
 * init into it; we write what it has no property for, and in version 1 add the hierarchies
 * that it leaves alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/systemd_bus.h"
#include "runtime/cgroup/systemd_names.h"
#include "runtime/cgroup/systemd_properties.h"

bool cgroup_has_systemd(void)
{
	return true;
}

int cgroup_need_systemd(struct error *err)
{
	return 0;
}

/* Where the unit will be, if it is the system manager's; a user's manager has its own
 * place in the tree, which is read when the unit exists. */
int cgroup_systemd_plan(struct cgroup_plan *plan, const char *cgroups_path,
	const char *id, struct error *err)
{
	auto_systemd_bus bus = NULL;
	auto_free char *below = NULL;

	if (systemd_names(cgroups_path, id, plan->target.user, &plan->slice,
		    &plan->target.unit, err) < 0 ||
		systemd_slice_path(plan->slice, &below, err) < 0)
		return -1;
	/* Whether it can be had at all is better known before anything is made. */
	if (systemd_bus_open(plan->target.user, &bus, err) < 0)
		return -1;
	plan->mount_lengths =
		str_realloc(NULL, plan->layout.count + 1, sizeof(plan->mount_lengths[0]));
	for (size_t i = 0; i < plan->layout.count; i++) {
		const struct cgroup_mount *mount = &plan->layout.mounts[i];
		auto_free char *slice = path_join(mount->path, below + 1);

		plan->mount_lengths[i] = strlen(mount->path);
		cgroup_add_dir(&plan->target, mount->hierarchy,
			path_join(slice, plan->target.unit), 1);
	}
	return 0;
}

static int properties_of(
	const struct cgroup_plan *plan, struct systemd_properties *to, struct error *err)
{
	bool unified = plan->layout.only_unified;
	bool scope = !str_ends_with(plan->target.unit, ".slice");
	static const char *const accounted[] = { "CPUAccounting", "MemoryAccounting",
		"TasksAccounting" };

	systemd_add_string(to, "Description", plan->target.unit);
	systemd_add_bool(to, "DefaultDependencies", false);
	if (scope) {
		systemd_add_string(to, "Slice", plan->slice);
		/* The container may divide its cgroup further. */
		systemd_add_bool(to, "Delegate", true);
	}
	for (size_t i = 0; i < ARRAY_SIZE(accounted); i++)
		systemd_add_bool(to, accounted[i], true);
	systemd_add_bool(to, unified ? "IOAccounting" : "BlockIOAccounting", true);
	systemd_add_devices(to, &plan->devices);
	if (systemd_add_limits(to, plan->resources, unified, "/linux/resources", err) < 0)
		return -1;
	return systemd_add_annotations(to, plan->annotations, err);
}

/* The cgroup of a process in the hierarchy that systemd manages. */
static int place_of(
	const struct cgroup_plan *plan, pid_t pid, char **ret, struct error *err)
{
	const char *mark = plan->layout.only_unified ? "0::" : "name=systemd:";
	auto_free char *file = str_format("/proc/%d/cgroup", pid);
	auto_free char *text = NULL;
	const char *line;

	if (file_read_at(AT_FDCWD, file, 1u << 20, &text, NULL, err) < 0)
		return -1;
	line = strstr(text, mark);
	if (!line)
		return fail(err, "%s has no line of systemd's hierarchy", file);
	line += strlen(mark);
	*ret = str_dup_n(line, strcspn(line, "\n"));
	return 0;
}

/* Version 1's other hierarchies: the same path, made and entered by us. */
static int add_hierarchy(const struct cgroup_mount *mount, const char *place, pid_t pid,
	struct cgroup *to, struct error *err)
{
	auto_free char *path = path_join(mount->path, place + 1);
	auto_free char *procs = path_join(path, "cgroup.procs");
	bool systemds = str_equal(mount->hierarchy, "name=systemd") ||
			str_equal(mount->hierarchy, CGROUP_UNIFIED);
	uint32_t made = 0;
	char text[16];

	if (!systemds && cgroup_make_v1(mount, path, &made, err) < 0)
		return -1;
	cgroup_add_dir(to, mount->hierarchy, str_dup(path), systemds ? 0 : MAX(made, 1));
	/* On a hybrid machine systemd may not use version 2 at all. */
	if (systemds && access(path, F_OK) < 0) {
		to->dirs_count--;
		free(to->dirs[to->dirs_count].hierarchy);
		free(to->dirs[to->dirs_count].path);
		return 0;
	}
	(void)snprintf(text, sizeof(text), "%d", pid);
	return systemds ? 0 : file_write_at(AT_FDCWD, procs, text, err);
}

static int adopt(
	const struct cgroup_plan *plan, pid_t pid, struct cgroup *to, struct error *err)
{
	auto_free char *place = NULL;

	if (place_of(plan, pid, &place, err) < 0)
		return -1;
	if (!str_ends_with(place, plan->target.unit))
		return fail(err, "systemd started %s, but the process is in %s",
			plan->target.unit, place);
	for (size_t i = 0; i < plan->layout.count; i++)
		if (add_hierarchy(&plan->layout.mounts[i], place, pid, to, err) < 0)
			return -1;
	return cgroup_apply_limits(plan, to, err);
}

int cgroup_systemd_start(const struct cgroup_plan *plan, pid_t pid, struct cgroup *cgroup,
	struct error *err)
{
	auto_systemd_properties properties = { 0 };
	auto_systemd_bus bus = NULL;
	struct cgroup made = { .driver = CGROUP_DRIVER_SYSTEMD,
		.user = plan->target.user };

	if (properties_of(plan, &properties, err) < 0 ||
		systemd_bus_open(plan->target.user, &bus, err) < 0 ||
		systemd_bus_start(bus, plan->target.unit, &properties, pid, err) < 0)
		return -1;
	made.unit = str_dup(plan->target.unit);
	if (adopt(plan, pid, &made, err) < 0) {
		cgroup_undo(&made);
		cgroup_free(&made);
		return -1;
	}
	cgroup_free(cgroup);
	*cgroup = made;
	return 0;
}

int cgroup_systemd_stop(const struct cgroup *cgroup, struct error *err)
{
	auto_systemd_bus bus = NULL;

	if (systemd_bus_open(cgroup->user, &bus, err) < 0) {
		if (err->errnum != ENOENT)
			return -1;
		/* Without systemd no unit is left; the directories are ours to remove. */
		log_debug("%s", err->text);
		return 0;
	}
	return systemd_bus_stop(bus, cgroup->unit, err);
}

int cgroup_systemd_attach(const struct cgroup *cgroup, struct error *err)
{
	auto_systemd_bus bus = NULL;

	if (systemd_bus_open(cgroup->user, &bus, err) < 0)
		return -1;
	return systemd_bus_attach(bus, cgroup->unit, err);
}

int cgroup_systemd_update(const struct cgroup *cgroup,
	const struct oci_resources *resources, struct error *err)
{
	bool unified = !cgroup_dir_of(cgroup, "name=systemd");
	auto_systemd_properties properties = { 0 };
	auto_systemd_bus bus = NULL;

	if (systemd_add_limits(&properties, resources, unified, "", err) < 0 ||
		systemd_bus_open(cgroup->user, &bus, err) < 0)
		return -1;
	return systemd_bus_set(bus, cgroup->unit, &properties, err);
}
