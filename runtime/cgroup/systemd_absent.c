/* In place of systemd.c in a build --without-systemd. */
#include "runtime/cgroup/internal.h"

static int absent(struct error *err)
{
	(void)fail(
		err, "this mocker-runtime was built without the systemd cgroup driver");
	return fail_hint(err, "use --cgroup-manager=cgroupfs");
}

bool cgroup_has_systemd(void)
{
	return false;
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
