/* The plan of a container's cgroups: where the hierarchies are, which directories, which
 * limits. Nothing here changes anything. */
#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/path.h"
#include "runtime/namespaces/idmap.h"
#include "spec/config.h"

static void plan_free(struct cgroup_plan *plan)
{
	if (!plan)
		return;
	cgroup_free(&plan->target);
	cgroup_layout_free(&plan->layout);
	cgroup_writes_free(&plan->writes);
	cgroup_devices_free(&plan->devices);
	free(plan->mount_lengths);
	free(plan->slice);
	free(plan);
}

void cgroup_plan_free(struct cgroup_plan *const *plan)
{
	plan_free(*plan);
}

/* Where a relative path starts. In version 2 processes and child cgroups exclude each
 * other, so that next to our own cgroup is where ours go, not below it. */
static char *start_of(
	const struct cgroup_layout *layout, const struct cgroup_mount *mount)
{
	auto_free char *own = cgroup_layout_own(mount);

	return layout->only_unified ? path_parent(own) : take_ptr(&own);
}

static int plan_dirs(struct cgroup_plan *plan, const struct oci_config *config,
	const char *id, struct error *err)
{
	const char *asked = config->linux.cgroups_path;
	bool ours = !asked || !*asked;
	/* A user's own part of the tree is where it may make cgroups at all. */
	auto_free char *in_own_part =
		ours && plan->rootless ? str_format(CGROUP_PARENT "/%s", id) : NULL;
	const char *path = in_own_part ? in_own_part : asked;

	plan->named = !ours;
	plan->mount_lengths =
		str_realloc(NULL, plan->layout.count + 1, sizeof(plan->mount_lengths[0]));
	for (size_t i = 0; i < plan->layout.count; i++) {
		const struct cgroup_mount *mount = &plan->layout.mounts[i];
		auto_free char *start =
			path && *path != '/' ? start_of(&plan->layout, mount) : NULL;
		auto_free char *below = NULL;

		if (cgroup_path(path, id, start, &below, err) < 0)
			return -1;
		plan->mount_lengths[i] = strlen(mount->path);
		/* The parent of those that name no path is removed with the last. */
		cgroup_add_dir(&plan->target, mount->hierarchy,
			path_join(mount->path, below + 1), ours ? 2 : 1);
	}
	return 0;
}

static int plan_devices(struct cgroup_plan *plan, struct error *err)
{
	const char *prefix = "/linux/resources";
	struct cgroup_emit to = { .writes = &plan->writes, .prefix = prefix };

	if (cgroup_devices_plan(plan->resources, prefix, &plan->devices, err) < 0)
		return -1;
	for (to.dir = 0; to.dir < plan->target.dirs_count; to.dir++)
		if (cgroup_hierarchy_has(plan->target.dirs[to.dir].hierarchy, "devices"))
			return cgroup_devices_v1(&plan->devices, &to, err);
	plan->devices_v2 = cgroup_unified(&plan->target) != NULL;
	return 0;
}

/* Where no cgroup file system is mounted: what only a cgroup could keep is refused, as
 * limits are. A user namespace lets nobody make device nodes, list or no list. */
static int expect_nothing_asked(const struct cgroup_plan *plan,
	const struct oci_config *config, struct error *err)
{
	bool in_user = plan->rootless || config_namespace(config, CLONE_NEWUSER);
	const char *asked = plan->resources->devices_count && !in_user
				    ? "/linux/resources/devices"
			    : plan->named ? "/linux/cgroupsPath"
					  : NULL;

	if (plan->target.driver != CGROUP_DRIVER_CGROUPFS || !asked)
		return 0;
	if (!plan->rootless)
		return fail(err,
			"%s: no cgroup file system is mounted; mount one at "
			"/sys/fs/cgroup, or say --cgroup-manager disabled",
			asked);
	log_warning("%s: the container has no cgroup, for no cgroup file system is "
		    "mounted",
		asked);
	return 0;
}

static int plan_limits(
	struct cgroup_plan *plan, const struct oci_config *config, struct error *err)
{
	struct cgroup_limits_request request = {
		.resources = plan->resources,
		.cgroup = &plan->target,
		.controllers = &plan->layout.controllers,
		.prefix = "/linux/resources",
	};

	if (cgroup_limits(&request, &plan->writes, err) < 0)
		return -1;
	plan->asked = plan->writes.count > 0;
	return plan->target.dirs_count ? plan_devices(plan, err)
				       : expect_nothing_asked(plan, config, err);
}

/* Specification, Cgroup ownership: version 2, a cgroup namespace of its own, a user
 * namespace, and a cgroup mount that is not read-only. */
static void plan_delegation(struct cgroup_plan *plan, const struct oci_config *config)
{
	const struct oci_mount *mount = config_mount_at(config, "/sys/fs/cgroup");
	const struct oci_linux *chapter = &config->linux;

	if (!plan->layout.only_unified || !config->process || !mount ||
		!str_equal(mount->source, "cgroup") ||
		strings_contain(&mount->options, "ro") ||
		!config_makes_namespace(config, CLONE_NEWCGROUP) ||
		!config_makes_namespace(config, CLONE_NEWUSER))
		return;
	plan->delegate = idmap_to_host(chapter->uid_mappings, chapter->uid_mappings_count,
				 config->process->user.uid, &plan->uid) &&
			 idmap_to_host(chapter->gid_mappings, chapter->gid_mappings_count,
				 config->process->user.gid, &plan->gid);
}

int cgroup_plan(const struct oci_config *config, const struct cgroup_request *request,
	struct cgroup_plan **ret, struct error *err)
{
	auto_cgroup_plan plan = str_alloc(sizeof(*plan));
	const struct cgroup_dir *in_use;

	plan->target.driver = request->driver;
	plan->rootless = request->rootless;
	plan->resources = &config->linux.resources;
	plan->annotations = &config->annotations;
	if (request->driver != CGROUP_DRIVER_DISABLED &&
		cgroup_layout_read(request->root, &plan->layout, err) < 0)
		return -1;
	if (request->driver == CGROUP_DRIVER_SYSTEMD) {
		plan->target.user = request->rootless;
		if (cgroup_systemd_plan(
			    plan, config->linux.cgroups_path, request->id, err) < 0)
			return -1;
	} else if (plan_dirs(plan, config, request->id, err) < 0) {
		return -1;
	}
	if (plan_limits(plan, config, err) < 0)
		return -1;
	plan_delegation(plan, config);
	/* Before it is written down, by which a killed create is cleaned up. */
	in_use = cgroup_main_dir(&plan->target);
	if (in_use && cgroup_expect_unused(in_use->path, err) < 0)
		return -1;
	*ret = take_ptr(&plan);
	return 0;
}

void cgroup_plan_describe(const struct cgroup_plan *plan, struct str *to)
{
	for (size_t i = 0; i < plan->target.dirs_count; i++)
		str_appendf(to, "make the cgroup %s\n", plan->target.dirs[i].path);
	for (size_t i = 0; i < plan->writes.count; i++) {
		const struct cgroup_write *write = &plan->writes.items[i];

		str_appendf(to, "write \"%s\" to %s in %s (%s)\n", write->value,
			write->file, plan->target.dirs[write->dir].path, write->field);
	}
	if (plan->devices_v2)
		str_appendf(to,
			"attach an eBPF program that allows %s devices but for %zu "
			"rules\n",
			plan->devices.allow_all ? "all" : "no", plan->devices.count);
}

int cgroup_intended(const struct cgroup_plan *plan, struct cgroup *ret, struct error *err)
{
	/* What systemd is going to make is found by the unit's name. */
	struct cgroup unit = {
		.driver = plan->target.driver,
		.unit = plan->target.unit,
		.user = plan->target.user,
	};

	return json_copy(&cgroup_type, ret, unit.unit ? &unit : &plan->target, err);
}

bool cgroup_wants_adopt(const struct cgroup_plan *plan)
{
	return plan->target.driver == CGROUP_DRIVER_SYSTEMD;
}

int cgroup_adopt(const struct cgroup_plan *plan, pid_t pid, struct cgroup *cgroup,
	struct error *err)
{
	if (!cgroup_wants_adopt(plan))
		return 0;
	return cgroup_systemd_start(plan, pid, cgroup, err);
}
