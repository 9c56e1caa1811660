/* New limits for a container that exists. */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"
#include "spec/resources.h"

#define DEVICES_LIST_MAX (1u << 20)

static int read_controllers(
	const struct cgroup *cgroup, struct strings *ret, struct error *err)
{
	const struct cgroup_dir *dir = cgroup_unified(cgroup);
	auto_free char *file = NULL;
	auto_free char *text = NULL;

	if (!dir)
		return 0;
	file = path_join(dir->path, "cgroup.controllers");
	if (file_read_at(AT_FDCWD, file, 4096, &text, NULL, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	strings_split(ret, text, ' ');
	return 0;
}

/* Only where the document has a list: its absence leaves the devices as they are. */
static int update_devices(const struct cgroup *cgroup,
	const struct oci_resources *resources, struct cgroup_writes *writes,
	struct error *err)
{
	const struct cgroup_dir *v1 = cgroup_dir_of(cgroup, "devices");
	const struct cgroup_dir *v2 = cgroup_unified(cgroup);
	struct cgroup_emit to = { .writes = writes, .prefix = "", .update = true };
	auto_cgroup_devices devices = { 0 };
	auto_free char *file = NULL;
	auto_free char *present = NULL;

	if (!resources->devices_count)
		return 0;
	if (cgroup_devices_plan(resources, "", &devices, err) < 0)
		return -1;
	if (v1) {
		to.dir = (size_t)(v1 - cgroup->dirs);
		file = path_join(v1->path, "devices.list");
		if (file_read_at(AT_FDCWD, file, DEVICES_LIST_MAX, &present, NULL, err) <
			0)
			return -1;
		return cgroup_devices_v1_change(&devices, present, &to, err);
	}
	return v2 ? cgroup_devices_attach(&devices, v2->path, true, err)
		  : fail(err, "/devices: this container has no cgroup");
}

int cgroup_update(const struct cgroup *cgroup, const struct oci_resources *resources,
	struct error *err)
{
	auto_strings controllers = { 0 };
	auto_cgroup_writes writes = { 0 };
	struct cgroup_limits_request request = {
		.resources = resources,
		.cgroup = cgroup,
		.controllers = &controllers,
		.prefix = "",
		.update = true,
	};

	if (read_controllers(cgroup, &controllers, err) < 0 ||
		cgroup_limits(&request, &writes, err) < 0 ||
		cgroup_writes_check(&writes, cgroup, err) < 0 ||
		update_devices(cgroup, resources, &writes, err) < 0)
		return -1;
	if (cgroup->unit && cgroup_systemd_update(cgroup, resources, err) < 0)
		return -1;
	return cgroup_writes_apply(&writes, cgroup, false, err);
}
