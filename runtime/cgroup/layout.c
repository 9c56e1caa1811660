/*
 * /proc/self/cgroup lists the hierarchies. Each is nearly always mounted where its
 * name suggests, which one statfs() confirms; only where that fails is mountinfo read, for
 * a machine may have thousands of mounts.
 */
#include "runtime/cgroup/layout.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/mounts/mountinfo.h"

#define USUAL_PLACE "/sys/fs/cgroup"
#define FILE_MAX    (16u << 20) /* of a mountinfo */

void cgroup_layout_free(struct cgroup_layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		free(layout->mounts[i].hierarchy);
		free(layout->mounts[i].path);
		free(layout->mounts[i].own);
	}
	free(layout->mounts);
	strings_free(&layout->controllers);
	*layout = (struct cgroup_layout){ 0 };
}

bool cgroup_hierarchy_has(const char *hierarchy, const char *controller)
{
	size_t length = strlen(controller);

	for (const char *at = hierarchy; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, controller, length) == 0 &&
			(at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* Is a hierarchy of this version mounted there? In a test's tree every directory is. */
static bool is_mounted(const char *root, const char *path, bool unified)
{
	struct statfs fs;

	if (root && unified) {
		auto_free char *file = path_join(path, "cgroup.controllers");

		return access(file, F_OK) == 0;
	}
	if (root)
		return access(path, F_OK) == 0;
	return statfs(path, &fs) == 0 &&
	       fs.f_type == (unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

/* The options of a version 1 mount have each controller of the hierarchy. */
static bool options_match(const char *options, const char *hierarchy)
{
	auto_strings names = { 0 };

	if (str_after(hierarchy, "name="))
		return cgroup_hierarchy_has(options, hierarchy);
	strings_split(&names, hierarchy, ',');
	strings_each (name, &names) {
		if (!cgroup_hierarchy_has(options, *name))
			return false;
	}
	return true;
}

/* The mount point of a hierarchy by one line of mountinfo; or NULL. */
static char *match_mount(const char *line, const char *hierarchy)
{
	bool unified = str_equal(hierarchy, CGROUP_UNIFIED);
	auto_mountinfo mount = { 0 };

	if (!mountinfo_parse(line, &mount) ||
		!str_equal(mount.type, unified ? "cgroup2" : "cgroup"))
		return NULL;
	if (!unified && !options_match(mount.superoptions, hierarchy))
		return NULL;
	return take_ptr(&mount.destination);
}

static int find_mount(
	const char *root, const char *hierarchy, char **ret, struct error *err)
{
	auto_free char *path = str_format("%s/proc/self/mountinfo", root ? root : "");
	auto_free char *text = NULL;
	auto_strings lines = { 0 };
	char *found = NULL;

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL, err) < 0)
		return -1;
	strings_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.count && !found; i++) {
		if (strstr(lines.items[i], " - cgroup"))
			found = match_mount(lines.items[i], hierarchy);
		/* mountinfo also lists what another mount covers. */
		if (found && !root &&
			!is_mounted(NULL, found, str_equal(hierarchy, CGROUP_UNIFIED)))
			free(take_ptr(&found));
	}
	*ret = found;
	return 0;
}

static char *usual_place(const char *root, const char *hierarchy, bool only_unified)
{
	const char *name = str_after(hierarchy, "name=");

	return only_unified ? str_format("%s" USUAL_PLACE, root ? root : "")
			    : str_format("%s" USUAL_PLACE "/%s", root ? root : "",
				      name ? name : hierarchy);
}

char *cgroup_layout_own(const struct cgroup_mount *mount)
{
	auto_free char *path = path_join(mount->path, mount->own);

	return str_dup(access(path, F_OK) == 0 ? mount->own : "/");
}

static int add(struct cgroup_layout *layout, const char *root, const char *hierarchy,
	const char *own, struct error *err)
{
	bool unified = str_equal(hierarchy, CGROUP_UNIFIED);
	auto_free char *path =
		usual_place(root, hierarchy, unified && layout->only_unified);

	if (!is_mounted(root, path, unified)) {
		free(take_ptr(&path));
		if (find_mount(root, hierarchy, &path, err) < 0)
			return -1;
		if (!path)
			return 0;
	}
	layout->mounts =
		str_realloc(layout->mounts, layout->count + 1, sizeof(layout->mounts[0]));
	layout->mounts[layout->count++] = (struct cgroup_mount){
		.hierarchy = str_dup(hierarchy),
		.own = str_dup(own),
		.path = take_ptr(&path),
	};
	return 0;
}

/* "4:memory:/user.slice", "0::/": the kernel lists version 2 last. */
static int add_line(
	struct cgroup_layout *layout, const char *root, char *line, struct error *err)
{
	char *hierarchy = strchr(line, ':');
	char *own = hierarchy ? strchr(hierarchy + 1, ':') : NULL;

	if (!own)
		return fail(err, "/proc/self/cgroup: cannot understand \"%s\"", line);
	hierarchy++;
	*own++ = '\0';
	return add(layout, root, *hierarchy ? hierarchy : CGROUP_UNIFIED, own, err);
}

static int read_controllers(struct cgroup_layout *layout, struct error *err)
{
	const struct cgroup_mount *last =
		layout->count ? &layout->mounts[layout->count - 1] : NULL;
	auto_free char *path = NULL;
	auto_free char *text = NULL;

	if (!last || !str_equal(last->hierarchy, CGROUP_UNIFIED))
		return 0;
	path = path_join(last->path, "cgroup.controllers");
	if (file_read_at(AT_FDCWD, path, 4096, &text, NULL, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	strings_split(&layout->controllers, text, ' ');
	return 0;
}

int cgroup_layout_read(const char *root, struct cgroup_layout *ret, struct error *err)
{
	auto_free char *path = str_format("%s/proc/self/cgroup", root ? root : "");
	auto_free char *top = str_format("%s" USUAL_PLACE, root ? root : "");
	auto_free char *text = NULL;
	auto_strings lines = { 0 };
	auto_cgroup_layout layout = { 0 };

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL, err) < 0)
		return -1;
	layout.only_unified = is_mounted(root, top, true);
	strings_split(&lines, text, '\n');
	strings_each (line, &lines) {
		if (!**line)
			continue;
		/* Version 1 hierarchies that nobody mounted are no part of a machine
		 * whose /sys/fs/cgroup is version 2. */
		if (layout.only_unified && strncmp(*line, "0:", 2) != 0)
			continue;
		if (add_line(&layout, root, *line, err) < 0)
			return -1;
	}
	if (read_controllers(&layout, err) < 0)
		return -1;
	*ret = layout;
	layout = (struct cgroup_layout){ 0 };
	return 0;
}
