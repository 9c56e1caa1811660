/* User and group id maps of a new user namespace. */
#include "runtime/namespaces/idmap.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "spec/config.h"

/* One of the two maps. */
struct map {
	const char *file;   /* below /proc/PID */
	const char *helper; /* setuid program that may write it for us */
	const char *member; /* of /linux, for the error */
	uint32_t own;       /* our effective id */
	const struct oci_id_mapping *items;
	size_t count;
};

static int write_file(pid_t pid, const char *file, const char *text, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/%s", pid, file);

	return file_write_at(AT_FDCWD, path, text, err);
}

static bool is_only_own(const struct map *map)
{
	return map->count == 1 && map->items[0].size == 1 &&
	       map->items[0].host_id == map->own;
}

/* The kernel lets an unprivileged group map be written only by who gave up setgroups(2),
 * by which leaving a group could gain access. */
static int write_direct(const struct map *map, pid_t pid, struct error *err)
{
	auto_str text = { 0 };

	for (size_t i = 0; i < map->count; i++)
		str_appendf(&text, "%u %u %u\n", map->items[i].container_id,
			map->items[i].host_id, map->items[i].size);
	if (geteuid() != 0 && str_equal(map->file, "gid_map") &&
		write_file(pid, "setgroups", "deny", err) < 0)
		return -1;
	return write_file(pid, map->file, text.data ? text.data : "", err);
}

static int write_by_helper(const struct map *map, pid_t pid, struct error *err)
{
	auto_strings words = { 0 };
	auto_str said = { 0 };
	struct process_run run = { .path = map->helper, .errors = &said };
	int status;

	strings_add(&words, map->helper);
	strings_addf(&words, "%d", pid);
	for (size_t i = 0; i < map->count; i++) {
		strings_addf(&words, "%u", map->items[i].container_id);
		strings_addf(&words, "%u", map->items[i].host_id);
		strings_addf(&words, "%u", map->items[i].size);
	}
	run.argv = words.items;
	if (process_run(&run, &status, err) < 0)
		return fail_hint(err,
			"without privilege only one id, your own, can be mapped; install "
			"the package uidmap for more");
	str_flatten(&said);
	if (status != 0)
		return fail(err, "%s failed: %s", map->helper,
			said.length ? said.data : "(it does not say why)");
	return 0;
}

static int write_map(const struct map *map, pid_t pid, struct error *err)
{
	int result = geteuid() == 0 || is_only_own(map) ? write_direct(map, pid, err)
							: write_by_helper(map, pid, err);

	return result < 0 ? fail_while(err, "/linux/%s", map->member) : 0;
}

int idmap_write(const struct oci_config *config, pid_t pid, struct error *err)
{
	const struct map users = {
		.file = "uid_map",
		.helper = "newuidmap",
		.member = "uidMappings",
		.own = geteuid(),
		.items = config->linux.uid_mappings,
		.count = config->linux.uid_mappings_count,
	};
	const struct map groups = {
		.file = "gid_map",
		.helper = "newgidmap",
		.member = "gidMappings",
		.own = getegid(),
		.items = config->linux.gid_mappings,
		.count = config->linux.gid_mappings_count,
	};

	if (write_map(&groups, pid, err) < 0)
		return -1;
	return write_map(&users, pid, err);
}

bool idmap_to_host(
	const struct oci_id_mapping *maps, size_t count, uint32_t id, uint32_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (id - maps[i].container_id >= maps[i].size ||
			id < maps[i].container_id)
			continue;
		*ret = maps[i].host_id + (id - maps[i].container_id);
		return true;
	}
	return false;
}
