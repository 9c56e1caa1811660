/* The rules for namespaces and for what would be the host's without a namespace of its
 * own; devices; paths in the container. */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "spec/names.h"
#include "spec/validate_private.h"

#define NET_DEVICES_MAX 1000 /* each is compared with each */

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* ---- namespaces and mappings ------------------------------------------------------- */

void validate_namespaces(struct validation *validation, const struct oci_linux *linux)
{
	int64_t seen = 0;

	for (size_t i = 0; i < linux->namespaces_count; i++) {
		const struct oci_namespace *entry = &linux->namespaces[i];

		if (seen & entry->type)
			problem(validation, at("/linux/namespaces/%zu", i),
				"a second namespace of type \"%s\"",
				word_of_number(namespace_words, entry->type));
		seen |= entry->type;
		if (entry->path && *entry->path && *entry->path != '/')
			problem(validation, at("/linux/namespaces/%zu/path", i),
				"expected an absolute path, found \"%.60s\"",
				entry->path);
	}
}

static bool is_mapped(const struct oci_id_mapping *mappings, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (id >= mappings[i].container_id &&
			id - mappings[i].container_id < mappings[i].size)
			return true;
	}
	return false;
}

/* setresuid(2) would say EINVAL. */
static void check_user_is_mapped(
	struct validation *validation, const struct oci_config *config)
{
	const struct oci_linux *linux = &config->linux;
	const struct oci_user *user = &config->process->user;

	if (!is_mapped(linux->uid_mappings, linux->uid_mappings_count, user->uid))
		problem(validation, at("/process/user/uid"),
			"user %u is in no range of /linux/uidMappings", user->uid);
	if (!is_mapped(linux->gid_mappings, linux->gid_mappings_count, user->gid))
		problem(validation, at("/process/user/gid"),
			"group %u is in no range of /linux/gidMappings", user->gid);
	for (size_t i = 0; i < user->additional_gids.count; i++) {
		uint32_t gid = user->additional_gids.items[i];

		if (!is_mapped(linux->gid_mappings, linux->gid_mappings_count, gid))
			problem(validation, at("/process/user/additionalGids/%zu", i),
				"group %u is in no range of /linux/gidMappings", gid);
	}
}

static void check_mappings(struct validation *validation, const struct oci_config *config)
{
	const struct oci_linux *linux = &config->linux;

	validate_id_mappings(validation, linux->uid_mappings, linux->uid_mappings_count,
		"/linux/uidMappings");
	validate_id_mappings(validation, linux->gid_mappings, linux->gid_mappings_count,
		"/linux/gidMappings");
	if (!config_namespace(config, CLONE_NEWUSER)) {
		if (linux->uid_mappings_count || linux->gid_mappings_count)
			problem(validation,
				at(linux->uid_mappings_count ? "/linux/uidMappings"
							     : "/linux/gidMappings"),
				"mappings belong to a user namespace; add a namespace of type \"user\"");
		return;
	}
	if (!config_makes_namespace(config, CLONE_NEWUSER))
		return;
	if (!linux->uid_mappings_count)
		problem(validation, at("/linux/uidMappings"),
			"a new user namespace needs mappings");
	if (!linux->gid_mappings_count)
		problem(validation, at("/linux/gidMappings"),
			"a new user namespace needs mappings");
	if (config->process && linux->uid_mappings_count && linux->gid_mappings_count &&
		linux->uid_mappings_count + linux->gid_mappings_count <=
			2 * ID_MAPPINGS_MAX)
		check_user_is_mapped(validation, config);
}

static void check_time_offsets(
	struct validation *validation, const struct oci_config *config)
{
	const struct oci_linux *linux = &config->linux;

	if (linux->time_offsets_count && !config_makes_namespace(config, CLONE_NEWTIME))
		problem(validation, at("/linux/timeOffsets"),
			"offsets belong to a new time namespace; add a namespace of type \"time\"");
	for (size_t i = 0; i < linux->time_offsets_count; i++) {
		const struct oci_time_offset *offset = &linux->time_offsets[i];
		struct place place = at_key("/linux/timeOffsets", offset->clock);

		if (strcmp(offset->clock, "boottime") != 0 &&
			strcmp(offset->clock, "monotonic") != 0)
			problem(validation, place,
				"unknown clock, expected \"boottime\" or \"monotonic\"");
		if (offset->nanosecs > 999999999)
			problem(validation, place,
				"expected less than 1000000000 nanoseconds, found %u",
				offset->nanosecs);
	}
}

/* ---- sysctl ------------------------------------------------------------------------ */

/* Parameters that a namespace has for itself. */
static const struct {
	const char *name; /* a "." at its end: all below */
	int64_t namespace;
} namespaced[] = {
	{ "net.", CLONE_NEWNET },
	{ "fs.mqueue.", CLONE_NEWIPC },
	{ "kernel.msgmax", CLONE_NEWIPC },
	{ "kernel.msgmnb", CLONE_NEWIPC },
	{ "kernel.msgmni", CLONE_NEWIPC },
	{ "kernel.msg_next_id", CLONE_NEWIPC },
	{ "kernel.sem", CLONE_NEWIPC },
	{ "kernel.sem_next_id", CLONE_NEWIPC },
	{ "kernel.shm_next_id", CLONE_NEWIPC },
	{ "kernel.shm_rmid_forced", CLONE_NEWIPC },
	{ "kernel.shmall", CLONE_NEWIPC },
	{ "kernel.shmmax", CLONE_NEWIPC },
	{ "kernel.shmmni", CLONE_NEWIPC },
	{ "kernel.hostname", CLONE_NEWUTS },
	{ "kernel.domainname", CLONE_NEWUTS },
	{ "user.", CLONE_NEWUSER },
};

static int64_t sysctl_namespace(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaced); i++) {
		const char *rest = str_after(name, namespaced[i].name);

		if (rest && (!*rest || str_ends_with(namespaced[i].name, ".")))
			return namespaced[i].namespace;
	}
	return 0;
}

/* As sysctl(8) reads names: if "/" comes first, it separates and "." is a character. */
static char *sysctl_dotted(const char *name)
{
	char *dotted = str_dup(name);
	size_t first = strcspn(name, "./");

	for (char *c = dotted; name[first] == '/' && *c; c++) {
		if (*c == '/' || *c == '.')
			*c = *c == '/' ? '.' : '/';
	}
	return dotted;
}

/* "net.ipv4.conf.eth0/1.x" is a name; "net/../kernel/x" and "net..x" are none. */
static bool is_sysctl_name(const char *dotted)
{
	bool empty = true; /* the component that is being read */

	for (const char *c = dotted; *c; c++) {
		if ((*c == '.' && empty) || (*c == '/' && c[1] == '/'))
			return false;
		empty = *c == '.';
	}
	return !empty && !strstr(dotted, ".//");
}

static void check_sysctl(struct validation *validation, const struct oci_config *config)
{
	const struct pairs *sysctl = &config->linux.sysctl;

	for (size_t i = 0; i < sysctl->count; i++) {
		const char *name = sysctl->items[i].key;
		struct place place = at_key("/linux/sysctl", name);
		auto_free char *dotted = sysctl_dotted(name);
		int64_t needed = sysctl_namespace(dotted);

		if (!is_sysctl_name(dotted))
			problem(validation, place, "not a kernel parameter's name");
		else if (!needed)
			problem(validation, place,
				"no namespace has this parameter for itself; it would change the host");
		else if (!config_namespace(config, needed))
			problem(validation, place,
				"it would change the host; add a namespace of type \"%s\"",
				word_of_number(namespace_words, needed));
		else if (strcmp(dotted, "kernel.hostname") == 0 && config->hostname &&
			 *config->hostname)
			problem(validation, place, "/hostname says so already");
	}
}

/* ---- devices ----------------------------------------------------------------------- */

static void check_device(
	struct validation *validation, const struct oci_device *device, size_t i)
{
	struct place place = at("/linux/devices/%zu", i);

	if (*device->path != '/')
		problem(validation, at("/linux/devices/%zu/path", i),
			"expected an absolute path, found \"%.60s\"", device->path);
	if (device->type == 'p')
		return;
	if (!device->has_major || !device->has_minor)
		problem(validation, place,
			"a device of type \"%c\" needs major and minor",
			(char)device->type);
	else if (device->major < 0 || device->major > 4095 || device->minor < 0 ||
		 device->minor > 1048575)
		problem(validation, place,
			"expected a major number up to 4095 and a minor up to 1048575, found %lld:%lld",
			(long long)device->major, (long long)device->minor);
}

/* "eth%d" is a template, in which the kernel puts a number. */
static bool is_interface_name(const char *name)
{
	const char *percent = strchr(name, '%');

	return *name && strlen(name) < 16 && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && !name[strcspn(name, "/: \t\n\v\f\r")] &&
	       (!percent || strcmp(percent, "%d") == 0);
}

static const char *name_inside(const struct oci_net_device *device)
{
	return device->name && *device->name ? device->name : device->host_name;
}

static void check_net_devices(
	struct validation *validation, const struct oci_config *config)
{
	const struct oci_linux *linux = &config->linux;

	if (linux->net_devices_count && !config_namespace(config, CLONE_NEWNET))
		problem(validation, at("/linux/netDevices"),
			"there is nowhere to move them; add a namespace of type \"network\"");
	if (linux->net_devices_count > NET_DEVICES_MAX) {
		problem(validation, at("/linux/netDevices"), "more than %d interfaces",
			NET_DEVICES_MAX);
		return;
	}
	for (size_t i = 0; i < linux->net_devices_count; i++) {
		const struct oci_net_device *device = &linux->net_devices[i];
		struct place place = at_key("/linux/netDevices", device->host_name);

		if (!is_interface_name(device->host_name) ||
			!is_interface_name(name_inside(device)))
			problem(validation, place,
				"an interface's name has 1 to 15 characters without \"/\", \":\" and space, and \"%%\" only in a last \"%%d\"");
		for (size_t k = 0; k < i && !strchr(name_inside(device), '%'); k++) {
			if (strcmp(name_inside(&linux->net_devices[k]),
				    name_inside(device)) == 0)
				problem(validation, place,
					"a second interface called \"%.15s\" in the container",
					name_inside(device));
		}
	}
}

/* ---- paths ------------------------------------------------------------------------- */

static void check_paths(struct validation *validation, const struct oci_config *config,
	const struct strings *paths, const char *pointer)
{
	for (size_t i = 0; i < paths->count; i++) {
		if (*paths->items[i] != '/')
			problem(validation, at("%s/%zu", pointer, i),
				"expected an absolute path, found \"%.60s\"",
				paths->items[i]);
	}
	if (paths->count && !config_namespace(config, CLONE_NEWNS))
		problem(validation, at("%s", pointer),
			"it would change the host; add a namespace of type \"mount\"");
}

/* What is mounted upon "/" covers nothing for a process whose root it is. */
static void check_masked(struct validation *validation, const struct strings *paths)
{
	for (size_t i = 0; i < paths->count; i++) {
		auto_free char *clean = path_clean(paths->items[i]);

		if (strcmp(clean, "/") == 0)
			problem(validation, at("/linux/maskedPaths/%zu", i),
				"the root directory cannot be hidden");
	}
}

static void check_cgroups_path(struct validation *validation, const char *path)
{
	auto_strings parts = { 0 };

	if (!path)
		return;
	strings_split(&parts, path, '/');
	if (strings_contain(&parts, ".."))
		problem(validation, at("/linux/cgroupsPath"),
			"\"..\" would lead out of the place that the path names");
}

void validate_linux(struct validation *validation, const struct oci_config *config)
{
	const struct oci_linux *linux = &config->linux;

	check_mappings(validation, config);
	check_time_offsets(validation, config);
	check_sysctl(validation, config);
	for (size_t i = 0; i < linux->devices_count; i++)
		check_device(validation, &linux->devices[i], i);
	check_net_devices(validation, config);
	check_paths(validation, config, &linux->masked_paths, "/linux/maskedPaths");
	check_masked(validation, &linux->masked_paths);
	check_paths(validation, config, &linux->readonly_paths, "/linux/readonlyPaths");
	check_cgroups_path(validation, linux->cgroups_path);
	validate_resources(validation, &linux->resources, "/linux/resources");
	if (linux->seccomp)
		validate_seccomp(validation, linux->seccomp);
	if (linux->intel_rdt)
		validate_intel_rdt(validation, linux->intel_rdt);
	if (linux->memory_policy)
		validate_memory_policy(validation, linux->memory_policy);
}
