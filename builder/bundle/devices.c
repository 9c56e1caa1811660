/* Devices of the host: each becomes a node of the container and a rule of its cgroup. */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "builder/bundle/config.h"

static bool is_access(const char *text)
{
	return *text && strspn(text, "rwm") == strlen(text);
}

/* SOURCE[:TARGET][:ACCESS]: the last field is the access if it can be one. */
static int split(const char *option, const char *text, struct strings *parts,
	const char **ret_access, struct error *err)
{
	strings_split(parts, text, ':');
	*ret_access = "rwm";
	if (parts->count > 1 && is_access(parts->items[parts->count - 1]))
		*ret_access = parts->items[parts->count - 1];
	if (parts->count < 1 || parts->count > 3 ||
		(parts->count == 3 && !is_access(parts->items[2])))
		return fail(err,
			"%s: expected SOURCE[:TARGET][:ACCESS], the access made "
			"of r, w and m",
			option);
	return 0;
}

static void append_node(
	struct oci_linux *platform, const char *path, const struct stat *stat)
{
	struct oci_device *device;

	platform->devices = str_grow(
		platform->devices, platform->devices_count, sizeof(*platform->devices));
	device = &platform->devices[platform->devices_count++];
	*device = (struct oci_device){
		.type = S_ISCHR(stat->st_mode) ? 'c' : 'b',
		.path = str_dup(path),
		.has_major = true,
		.major = major(stat->st_rdev),
		.has_minor = true,
		.minor = minor(stat->st_rdev),
		.has_file_mode = true,
		.file_mode = stat->st_mode & 07777,
		.has_uid = true,
		.uid = stat->st_uid,
		.has_gid = true,
		.gid = stat->st_gid,
	};
}

static void append_rule(
	struct oci_resources *resources, const char *access, const struct stat *stat)
{
	struct oci_device_rule *rule;

	resources->devices = str_realloc(resources->devices, resources->devices_count + 1,
		sizeof(*resources->devices));
	rule = &resources->devices[resources->devices_count++];
	*rule = (struct oci_device_rule){
		.allow = true,
		.type = S_ISCHR(stat->st_mode) ? 'c' : 'b',
		.has_major = true,
		.major = major(stat->st_rdev),
		.has_minor = true,
		.minor = minor(stat->st_rdev),
		.access = str_dup(access),
	};
}

static int add_device(const char *text, struct oci_linux *platform, struct error *err)
{
	auto_free char *option = str_format("--device %s", text);
	auto_strings parts = { 0 };
	const char *access, *target;
	struct stat found;

	if (split(option, text, &parts, &access, err) < 0)
		return -1;
	target = parts.count > 1 && parts.items[1] != access ? parts.items[1]
							     : parts.items[0];
	if (*target != '/')
		return fail(err, "%s: expected an absolute path", option);
	if (stat(parts.items[0], &found) < 0)
		return fail_errno(err, "%s: the device %s", option, parts.items[0]);
	if (!S_ISCHR(found.st_mode) && !S_ISBLK(found.st_mode))
		return fail(err, "%s: %s is no device", option, parts.items[0]);
	append_node(platform, target, &found);
	append_rule(&platform->resources, access, &found);
	return 0;
}

int bundle_add_devices(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	strings_each (item, &input->request->devices) {
		if (add_device(*item, &config->linux, err) < 0)
			return -1;
	}
	return 0;
}
