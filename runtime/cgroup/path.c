/*
 * linux.cgroupsPath: absent is /mocker/ID; an absolute path counts from the hierarchy's
 * mount point, a relative one from our own cgroup (specification, config-linux.md,
 * Cgroups Path). ".." never climbs over where the path starts.
 */
#include "runtime/cgroup/path.h"

#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "runtime/cgroup/internal.h"

/* "system.slice:docker:ID" */
static bool is_systemd_form(const char *path)
{
	const char *colon = strchr(path, ':');

	return !strchr(path, '/') && colon && strchr(colon + 1, ':');
}

int cgroup_path(const char *cgroups_path, const char *id, const char *own, char **ret,
	struct error *err)
{
	auto_free char *rooted = NULL;
	auto_free char *clean = NULL;

	if (!cgroups_path || !*cgroups_path) {
		*ret = str_format("/" CGROUP_PARENT "/%s", id);
		return 0;
	}
	if (is_systemd_form(cgroups_path)) {
		(void)fail(err,
			"/linux/cgroupsPath: \"%s\" is in the form of the systemd "
			"driver, expected a path",
			cgroups_path);
		return fail_hint(err, "use --systemd-cgroup (--cgroup-manager=systemd)");
	}
	if (strchr(cgroups_path, '\n'))
		return fail(
			err, "/linux/cgroupsPath: a cgroup's name cannot have a newline");
	rooted = str_format("/%s", cgroups_path);
	clean = path_clean(rooted);
	if (str_equal(clean, "/"))
		return fail(err,
			"/linux/cgroupsPath: \"%s\" is the top of the hierarchy, expected a "
			"cgroup below it",
			cgroups_path);
	*ret = *cgroups_path == '/' ? take_ptr(&clean) : path_join(own, clean + 1);
	return 0;
}

char *cgroup_join_below(const char *path, const char *sub)
{
	auto_free char *rooted = str_format("/%s", sub);
	auto_free char *clean = path_clean(rooted);

	return str_equal(clean, "/") ? str_dup(path) : path_join(path, clean + 1);
}
