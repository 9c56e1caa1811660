/*
 * In place of systemd.c in an executable without that driver: a build --without-systemd, or
 * a static one, which cannot load sd-bus. The latter has a twin that can, and becomes it.
 */
#include <unistd.h>

#include "base/path.h"
#include "base/process.h"
#include "runtime/cgroup/internal.h"

#define TWIN "mocker-runtime-systemd"

static int absent(struct error *err)
{
	(void)fail(err, "this mocker-runtime has no systemd cgroup driver, and there is "
			"no " TWIN " beside it");
	return fail_hint(err, "use --cgroup-manager=cgroupfs");
}

bool cgroup_has_systemd(void)
{
	auto_free char *twin = NULL;
	struct error none;

	return path_of_sibling(TWIN, &twin, &none) == 0;
}

int cgroup_need_systemd(struct error *err)
{
	auto_strings arguments = { 0 };
	auto_free char *twin = NULL;

	if (path_of_sibling(TWIN, &twin, err) < 0)
		return absent(err);
	if (process_arguments(&arguments, err) < 0)
		return -1;
	(void)execv(twin, arguments.items);
	return fail_errno(err, "executing %s", twin);
}

int cgroup_systemd_plan(struct cgroup_plan *plan, const char *cgroups_path,
	const char *id, struct error *err)
{
	return absent(err);
}

int cgroup_systemd_start(const struct cgroup_plan *plan, pid_t pid, struct cgroup *cgroup,
	struct error *err)
{
	return absent(err);
}

int cgroup_systemd_stop(const struct cgroup *cgroup, struct error *err)
{
	return absent(err);
}

int cgroup_systemd_attach(const struct cgroup *cgroup, struct error *err)
{
	return absent(err);
}

int cgroup_systemd_update(const struct cgroup *cgroup,
	const struct oci_resources *resources, struct error *err)
{
	return absent(err);
}
