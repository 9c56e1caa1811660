/* Rules of systemd.slice(5) and systemd.unit(5) for names. */
#include "runtime/cgroup/systemd_names.h"

#include <string.h>

#include "base/str.h"
#include "runtime/cgroup/path.h"

#define UNIT_NAME_MAX 255

static int check_unit(const char *unit, struct error *err)
{
	if (strlen(unit) > UNIT_NAME_MAX)
		return fail(err,
			"/linux/cgroupsPath: the unit \"%s\" is longer than %d bytes",
			unit, UNIT_NAME_MAX);
	for (const char *at = unit; *at; at++) {
		bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');

		if (!letter && !(*at >= '0' && *at <= '9') && !strchr("-_.:@\\", *at))
			return fail(err,
				"/linux/cgroupsPath: systemd allows no '%c' in the name of the "
				"unit \"%s\"",
				*at, unit);
	}
	return 0;
}

int systemd_names(const char *cgroups_path, const char *id, bool user, char **ret_slice,
	char **ret_unit, struct error *err)
{
	const char *path = cgroups_path && *cgroups_path ? cgroups_path : "::";
	auto_strings parts = { 0 };
	auto_free char *unit = NULL;
	auto_free char *place = NULL;
	const char *slice, *prefix, *name;

	strings_split(&parts, path, ':');
	if (parts.count != 3) {
		(void)fail(err,
			"/linux/cgroupsPath: the systemd driver expects \"slice:prefix:name\", "
			"found \"%s\"",
			path);
		return fail_hint(err, "a path goes with --cgroup-manager=cgroupfs");
	}
	slice = *parts.items[0] ? parts.items[0] : user ? "user.slice" : "system.slice";
	prefix = cgroups_path && *cgroups_path ? parts.items[1] : CGROUP_PARENT;
	name = *parts.items[2] ? parts.items[2] : id;
	if (str_ends_with(name, ".slice"))
		unit = str_dup(name);
	else
		unit = str_format("%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	if (check_unit(unit, err) < 0 || systemd_slice_path(slice, &place, err) < 0)
		return -1;
	*ret_slice = str_dup(slice);
	*ret_unit = take_ptr(&unit);
	return 0;
}

int systemd_slice_path(const char *slice, char **ret, struct error *err)
{
	size_t length = strlen(slice);
	struct str path = { 0 };

	if (str_equal(slice, "-.slice")) {
		*ret = str_dup("/");
		return 0;
	}
	if (!str_ends_with(slice, ".slice") || length == strlen(".slice") ||
		*slice == '-' || strchr(slice, '/') || strstr(slice, "--") ||
		slice[length - strlen(".slice") - 1] == '-')
		return fail(err, "/linux/cgroupsPath: \"%s\" is no slice's name", slice);
	/* Each dash begins a level. */
	for (size_t i = 0; i < length - strlen(".slice"); i++)
		if (slice[i] == '-')
			str_appendf(&path, "/%.*s.slice", (int)i, slice);
	str_appendf(&path, "/%s", slice);
	*ret = str_take(&path);
	return 0;
}
