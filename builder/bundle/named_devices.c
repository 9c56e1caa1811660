/* Devices by CDI's names: what their vendors' files say becomes part of config.json. */
#include "builder/bundle/named_devices.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

/* ---- nodes --------------------------------------------------------------------------- */

static int stat_node(
	const struct cdi_node *node, struct oci_device *ret, struct error *err)
{
	const char *path = node->host_path ? node->host_path : node->path;
	struct stat found;

	if (stat(path, &found) < 0)
		return fail_errno(err, "the device %s", path);
	if (!S_ISCHR(found.st_mode) && !S_ISBLK(found.st_mode))
		return fail(err, "%s is no device", path);
	bundle_describe_device(&found, ret);
	ret->has_uid = ret->has_gid = false; /* the container's user has it */
	if (node->type && *node->type != ret->type &&
		(*node->type != 'u' || ret->type != 'c'))
		return fail(err, "%s is a device of another type than \"%s\"", path,
			node->type);
	return 0;
}

/* What the file leaves open is as on the host, but for the owner. */
static int describe_node(
	const struct cdi_node *node, struct oci_device *ret, struct error *err)
{
	bool is_pipe = str_equal(node->type, "p");
	bool whole = node->type && (is_pipe || (node->has_major && node->has_minor));

	*ret = (struct oci_device){ .type = whole ? *node->type : 0 };
	if (!whole && stat_node(node, ret, err) < 0)
		return -1;
	if (node->has_major) {
		ret->has_major = true;
		ret->major = node->major;
	}
	if (node->has_minor) {
		ret->has_minor = true;
		ret->minor = node->minor;
	}
	if (node->has_file_mode) {
		ret->has_file_mode = true;
		ret->file_mode = node->file_mode & 07777;
	}
	return 0;
}

static void own_node(
	const struct cdi_node *node, const struct oci_user *user, struct oci_device *ret)
{
	ret->has_uid = node->has_uid || user->uid;
	ret->uid = node->has_uid ? node->uid : user->uid;
	ret->has_gid = node->has_gid || user->gid;
	ret->gid = node->has_gid ? node->gid : user->gid;
}

static const char *access_of(const struct cdi_node *node, const struct oci_device *device)
{
	if (device->type == 'p' || str_equal(node->permissions, "none"))
		return NULL;
	return node->permissions && *node->permissions ? node->permissions : "rwm";
}

static int add_nodes(
	const struct cdi_edits *edits, struct oci_config *config, struct error *err)
{
	for (size_t i = 0; i < edits->nodes_count; i++) {
		const struct cdi_node *node = &edits->nodes[i];
		struct oci_device device;

		if (describe_node(node, &device, err) < 0)
			return -1;
		own_node(node, &config->process->user, &device);
		device.path = str_dup(node->path);
		bundle_add_device_node(&config->linux, &device, access_of(node, &device));
	}
	return 0;
}

/* ---- the rest ------------------------------------------------------------------------ */

static void remove_mount(struct oci_config *config, const char *destination)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->mounts_count; i++) {
		if (str_equal(config->mounts[i].destination, destination))
			json_free(&oci_mount_type, &config->mounts[i]);
		else
			config->mounts[kept++] = config->mounts[i];
	}
	config->mounts_count = kept;
}

static void add_mount(const struct cdi_mount *mount, struct oci_config *config)
{
	bool binds = !mount->type || !*mount->type;
	struct oci_mount *added;

	remove_mount(config, mount->container_path);
	added = bundle_add_mount(config, mount->container_path,
		binds ? "bind" : mount->type, mount->host_path, "");
	strings_free(&added->options);
	strings_copy(&added->options, &mount->options);
	if (binds && !strings_contain(&added->options, "bind") &&
		!strings_contain(&added->options, "rbind"))
		strings_add(&added->options, "rbind");
}

static size_t depth_of(const char *path)
{
	size_t depth = 0;

	for (; *path; path++)
		depth += *path == '/' && path[1] && path[1] != '/';
	return depth;
}

/* What is mounted upon another comes after it, in whatever order the file has them. */
static void add_mounts(const struct cdi_edits *edits, struct oci_config *config)
{
	size_t deepest = 0;

	for (size_t i = 0; i < edits->mounts_count; i++) {
		size_t depth = depth_of(edits->mounts[i].container_path);

		deepest = depth > deepest ? depth : deepest;
	}
	for (size_t depth = 0; depth <= deepest; depth++) {
		for (size_t i = 0; i < edits->mounts_count; i++) {
			if (depth_of(edits->mounts[i].container_path) == depth)
				add_mount(&edits->mounts[i], config);
		}
	}
}

static void add_hooks(const struct cdi_edits *edits, struct oci_config *config)
{
	for (size_t i = 0; i < edits->hooks_count; i++) {
		const struct cdi_hook *hook = &edits->hooks[i];
		struct oci_hook added = {
			.path = str_dup(hook->path),
			.has_timeout = hook->has_timeout,
			.timeout = hook->timeout,
		};

		strings_copy(&added.args, &hook->args);
		strings_copy(&added.env, &hook->env);
		hooks_add(&config->hooks, hook_kind_of(hook->hook_name), &added);
	}
}

static void add_net_devices(const struct cdi_edits *edits, struct oci_linux *platform)
{
	for (size_t i = 0; i < edits->net_devices_count; i++) {
		platform->net_devices = str_realloc(platform->net_devices,
			platform->net_devices_count + 1, sizeof(*platform->net_devices));
		platform->net_devices[platform->net_devices_count++] =
			(struct oci_net_device){
				.host_name = str_dup(edits->net_devices[i].host_name),
				.name = str_dup(edits->net_devices[i].name),
			};
	}
}

static void add_groups(const struct cdi_edits *edits, struct json_u32s *groups)
{
	for (size_t i = 0; i < edits->additional_gids.count; i++) {
		uint32_t gid = edits->additional_gids.items[i];
		bool there = gid == 0;

		for (size_t n = 0; n < groups->count; n++)
			there = there || groups->items[n] == gid;
		if (there)
			continue;
		groups->items = str_realloc(
			groups->items, groups->count + 1, sizeof(*groups->items));
		groups->items[groups->count++] = gid;
	}
}

static int set_intel_rdt(
	const struct cdi_edits *edits, struct oci_linux *platform, struct error *err)
{
	if (!edits->intel_rdt)
		return 0;
	if (platform->intel_rdt)
		json_free(&oci_intel_rdt_type, platform->intel_rdt);
	free(platform->intel_rdt);
	platform->intel_rdt = str_alloc(sizeof(*platform->intel_rdt));
	return json_copy(&oci_intel_rdt_type, platform->intel_rdt, edits->intel_rdt, err);
}

static int apply(
	const struct cdi_edits *edits, struct oci_config *config, struct error *err)
{
	strings_each (item, &edits->env) {
		auto_free char *name = str_dup_n(*item, strcspn(*item, "="));

		strings_env_set(&config->process->env, name, *item + strlen(name) + 1);
	}
	if (add_nodes(edits, config, err) < 0)
		return -1;
	add_net_devices(edits, &config->linux);
	add_mounts(edits, config);
	add_hooks(edits, config);
	add_groups(edits, &config->process->user.additional_gids);
	return set_intel_rdt(edits, &config->linux, err);
}

int bundle_add_named_devices(const struct cdi *cdi, const struct strings *names,
	struct oci_config *config, struct error *err)
{
	auto_strings done = { 0 };

	strings_each (name, names) {
		const struct cdi_specification *specification;
		const struct cdi_device *device;

		if (cdi_lookup(cdi, *name, &specification, &device, err) < 0)
			return -1;
		if (!strings_contain(&done, specification->path) &&
			apply(&specification->edits, config, err) < 0)
			return fail_while(err, "%s", specification->path);
		strings_add(&done, specification->path);
		if (apply(&device->edits, config, err) < 0)
			return fail_while(err, "%s: %s", specification->path, *name);
	}
	return 0;
}
