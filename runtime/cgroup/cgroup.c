/* struct cgroup: what state.json keeps of a container's cgroups, and small questions. */
#include "runtime/cgroup/cgroup.h"

#include <string.h>
#include <unistd.h>

#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/layout.h"

const struct word cgroup_driver_words[] = {
	{ "cgroupfs", CGROUP_DRIVER_CGROUPFS },
	{ "systemd", CGROUP_DRIVER_SYSTEMD },
	{ "disabled", CGROUP_DRIVER_DISABLED },
	{ NULL, 0 },
};

/* clang-format off */
static const struct json_field dir_fields[] = {
	JSON_STRING(struct cgroup_dir, hierarchy, "hierarchy", .required = true),
	JSON_STRING(struct cgroup_dir, path, "path", .required = true),
	JSON_U32(struct cgroup_dir, made, "made"),
	JSON_END,
};
static const struct json_type dir_type = JSON_TYPE(struct cgroup_dir, dir_fields);

static const struct json_field fields[] = {
	JSON_WORD(struct cgroup, driver, "driver", cgroup_driver_words, .required = true),
	JSON_STRING(struct cgroup, unit, "unit"),
	JSON_BOOL(struct cgroup, user, "user"),
	JSON_ARRAY(struct cgroup, dirs, "dirs", &dir_type),
	JSON_END,
};
const struct json_type cgroup_type = JSON_TYPE(struct cgroup, fields);
/* clang-format on */

void cgroup_free(struct cgroup *cgroup)
{
	json_free(&cgroup_type, cgroup);
}

void cgroup_add_dir(struct cgroup *to, const char *hierarchy, char *path, uint32_t made)
{
	to->dirs = str_realloc(to->dirs, to->dirs_count + 1, sizeof(to->dirs[0]));
	to->dirs[to->dirs_count++] = (struct cgroup_dir){
		.hierarchy = str_dup(hierarchy),
		.path = path,
		.made = made,
	};
}

const struct cgroup_dir *cgroup_dir_of(
	const struct cgroup *cgroup, const char *controller)
{
	for (size_t i = 0; i < cgroup->dirs_count; i++)
		if (cgroup_hierarchy_has(cgroup->dirs[i].hierarchy, controller))
			return &cgroup->dirs[i];
	return NULL;
}

const struct cgroup_dir *cgroup_unified(const struct cgroup *cgroup)
{
	return cgroup_dir_of(cgroup, CGROUP_UNIFIED);
}

/* All directories hold the same processes. Version 1's are preferred for their order:
 * what ran in the freezer's can be stopped there. */
const struct cgroup_dir *cgroup_main_dir(const struct cgroup *cgroup)
{
	static const char *const preferred[] = { "freezer", "devices", "pids", "memory" };
	const struct cgroup_dir *dir;

	for (size_t i = 0; i < ARRAY_SIZE(preferred); i++)
		if ((dir = cgroup_dir_of(cgroup, preferred[i])))
			return dir;
	dir = cgroup_unified(cgroup);
	return dir || !cgroup->dirs_count ? dir : &cgroup->dirs[0];
}

bool cgroup_exists(const struct cgroup *cgroup)
{
	const struct cgroup_dir *dir = cgroup_main_dir(cgroup);

	return dir && access(dir->path, F_OK) == 0;
}

static bool wanted_below(const char *hierarchy, const char *controllers)
{
	auto_strings names = { 0 };

	strings_split(&names, controllers, ',');
	strings_each (name, &names) {
		if (cgroup_hierarchy_has(hierarchy, *name))
			return true;
	}
	return false;
}

/* The directory of --cgroup for this hierarchy: the last value that concerns it. */
static const char *below_of(const char *hierarchy, const struct strings *below)
{
	const char *found = "";

	strings_each (value, below) {
		char *colon = strchr(*value, ':');
		auto_free char *controllers =
			colon ? str_dup_n(*value, (size_t)(colon - *value)) : NULL;

		if (!colon)
			found = *value;
		else if (wanted_below(hierarchy, controllers))
			found = colon + 1;
	}
	return found;
}

static int check_below(const struct cgroup *cgroup, const char *value, struct error *err)
{
	const char *colon = strchr(value, ':');
	auto_free char *path = str_format("/%s/", colon ? colon + 1 : value);
	auto_free char *controllers =
		str_dup_n(value, colon ? (size_t)(colon - value) : 0);
	auto_strings names = { 0 };

	if (strstr(path, "/../"))
		return fail(err, "--cgroup: %s is not a sub cgroup path", value);
	if (!colon)
		return 0;
	strings_split(&names, controllers, ',');
	strings_each (name, &names) {
		if (!cgroup_dir_of(cgroup, *name))
			return fail(err,
				"--cgroup: %s: the container has no hierarchy of \"%s\"",
				value, *name);
	}
	return 0;
}

int cgroup_below(const struct cgroup *cgroup, const struct strings *below,
	struct cgroup *ret, struct error *err)
{
	auto_cgroup copy = { .driver = cgroup->driver, .user = cgroup->user };

	if (below->count && !cgroup->dirs_count)
		return fail(err, "--cgroup: this container has no cgroup");
	if (!below->count)
		copy.unit = str_dup(cgroup->unit); /* all of it is meant */
	strings_each (value, below) {
		if (check_below(cgroup, *value, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < cgroup->dirs_count; i++) {
		const struct cgroup_dir *dir = &cgroup->dirs[i];
		const char *sub = below_of(dir->hierarchy, below);
		auto_free char *path = cgroup_join_below(dir->path, sub);

		if (*sub && access(path, F_OK) < 0)
			return fail_errno(err, "--cgroup: %s", path);
		cgroup_add_dir(&copy, dir->hierarchy, take_ptr(&path), 0);
	}
	*ret = copy;
	copy = (struct cgroup){ 0 };
	return 0;
}
