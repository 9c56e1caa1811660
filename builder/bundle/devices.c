/* Devices of the host: each becomes a node of the container and a rule of its cgroup. Those
 * with a vendor's name bring more; see named_devices.c. */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "builder/bundle/named_devices.h"

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

static struct oci_device *place_of_node(struct oci_linux *platform, const char *path)
{
	for (size_t i = 0; i < platform->devices_count; i++) {
		if (str_equal(platform->devices[i].path, path)) {
			free(platform->devices[i].path);
			return &platform->devices[i];
		}
	}
	platform->devices = str_grow(
		platform->devices, platform->devices_count, sizeof(*platform->devices));
	return &platform->devices[platform->devices_count++];
}

void bundle_add_device_node(
	struct oci_linux *platform, const struct oci_device *device, const char *access)
{
	struct oci_resources *resources = &platform->resources;
	struct oci_device_rule *rule;

	*place_of_node(platform, device->path) = *device;
	if (!access)
		return;
	resources->devices = str_realloc(resources->devices, resources->devices_count + 1,
		sizeof(*resources->devices));
	rule = &resources->devices[resources->devices_count++];
	*rule = (struct oci_device_rule){
		.allow = true,
		.type = device->type,
		.has_major = true,
		.major = device->major,
		.has_minor = true,
		.minor = device->minor,
		.access = str_dup(access),
	};
}

void bundle_describe_device(const struct stat *stat, struct oci_device *ret)
{
	*ret = (struct oci_device){
		.type = S_ISCHR(stat->st_mode) ? 'c' : 'b',
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

static int add_device(const char *text, struct oci_linux *platform, struct error *err)
{
	auto_free char *option = str_format("--device %s", text);
	auto_strings parts = { 0 };
	const char *access, *target;
	struct oci_device device;
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
	bundle_describe_device(&found, &device);
	device.path = str_dup(target);
	bundle_add_device_node(platform, &device, access);
	return 0;
}

int bundle_add_devices(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	auto_strings named = { 0 };
	auto_cdi own = { 0 };

	strings_each (item, &input->request->devices) {
		if (cdi_is_name(*item))
			strings_add(&named, *item);
		else if (add_device(*item, &config->linux, err) < 0)
			return -1;
	}
	if (named.count > 0 && !input->cdi &&
		cdi_open(&input->request->cdi_directories, &own, err) < 0)
		return -1;
	return bundle_add_named_devices(
		input->cdi ? input->cdi : &own, &named, config, err);
}
