/* The files of CDI's directories: what they say, and which of them has a device. */
#include "builder/cdi/cdi.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "builder/cdi/yaml.h"
#include "spec/hooks.h"

#define SPECIFICATION_MAX (1u << 20) /* bytes */

static const char *const standard_directories[] = {
	"/etc/cdi",
	"/etc/buildkit/cdi",
	"/var/run/cdi",
};

/* ---- tables ------------------------------------------------------------------------- */

static const struct json_field node_fields[] = {
	JSON_STRING(struct cdi_node, path, "path", .required = true),
	JSON_STRING(struct cdi_node, host_path, "hostPath"),
	JSON_STRING(struct cdi_node, type, "type"),
	JSON_I64_OPT(struct cdi_node, major, "major"),
	JSON_I64_OPT(struct cdi_node, minor, "minor"),
	JSON_U32_OPT(struct cdi_node, file_mode, "fileMode"),
	JSON_STRING(struct cdi_node, permissions, "permissions"),
	JSON_U32_OPT(struct cdi_node, uid, "uid"),
	JSON_U32_OPT(struct cdi_node, gid, "gid"),
	JSON_END,
};
static const struct json_type node_type = JSON_TYPE(struct cdi_node, node_fields);

static const struct json_field mount_fields[] = {
	JSON_STRING(struct cdi_mount, host_path, "hostPath", .required = true),
	JSON_STRING(struct cdi_mount, container_path, "containerPath", .required = true),
	JSON_STRING(struct cdi_mount, type, "type"),
	JSON_STRINGS(struct cdi_mount, options, "options"),
	JSON_END,
};
static const struct json_type mount_type = JSON_TYPE(struct cdi_mount, mount_fields);

static const struct json_field hook_fields[] = {
	JSON_STRING(struct cdi_hook, hook_name, "hookName", .required = true),
	JSON_STRING(struct cdi_hook, path, "path", .required = true),
	JSON_STRINGS(struct cdi_hook, args, "args"),
	JSON_STRINGS(struct cdi_hook, env, "env"),
	JSON_U32_OPT(struct cdi_hook, timeout, "timeout"),
	JSON_END,
};
static const struct json_type hook_type = JSON_TYPE(struct cdi_hook, hook_fields);

static const struct json_field net_device_fields[] = {
	JSON_STRING(
		struct cdi_net_device, host_name, "hostInterfaceName", .required = true),
	JSON_STRING(struct cdi_net_device, name, "name", .required = true),
	JSON_END,
};
static const struct json_type net_device_type =
	JSON_TYPE(struct cdi_net_device, net_device_fields);

static const struct json_field edits_fields[] = {
	JSON_STRINGS(struct cdi_edits, env, "env"),
	JSON_ARRAY(struct cdi_edits, nodes, "deviceNodes", &node_type),
	JSON_ARRAY(struct cdi_edits, net_devices, "netDevices", &net_device_type),
	JSON_ARRAY(struct cdi_edits, mounts, "mounts", &mount_type),
	JSON_ARRAY(struct cdi_edits, hooks, "hooks", &hook_type),
	JSON_POINTER(struct cdi_edits, intel_rdt, "intelRdt", &oci_intel_rdt_type),
	JSON_U32S(struct cdi_edits, additional_gids, "additionalGids"),
	JSON_END,
};
static const struct json_type edits_type = JSON_TYPE(struct cdi_edits, edits_fields);

static const struct json_field annotations_fields[] = {
	JSON_RAW(struct cdi_annotations, class, "org.mobyproject.buildkit.device.class"),
	JSON_RAW(struct cdi_annotations, auto_allow,
		"org.mobyproject.buildkit.device.autoallow"),
	JSON_END,
};
static const struct json_type annotations_type =
	JSON_TYPE(struct cdi_annotations, annotations_fields);

static const struct json_field device_fields[] = {
	JSON_STRING(struct cdi_device, name, "name", .required = true),
	JSON_STRUCT(struct cdi_device, annotations, "annotations", &annotations_type),
	JSON_STRUCT(struct cdi_device, edits, "containerEdits", &edits_type,
		.required = true),
	JSON_END,
};
static const struct json_type device_type = JSON_TYPE(struct cdi_device, device_fields);

static const struct json_field specification_fields[] = {
	JSON_STRING(struct cdi_specification, version, "cdiVersion", .required = true),
	JSON_STRING(struct cdi_specification, kind, "kind", .required = true),
	JSON_STRUCT(
		struct cdi_specification, annotations, "annotations", &annotations_type),
	JSON_ARRAY(struct cdi_specification, devices, "devices", &device_type,
		.required = true),
	JSON_STRUCT(struct cdi_specification, edits, "containerEdits", &edits_type),
	JSON_END,
};
static const struct json_type specification_type =
	JSON_TYPE(struct cdi_specification, specification_fields);

/* ---- what no table can say ----------------------------------------------------------- */

/* Letters and digits at both ends, with `between` among them too. */
static bool is_word(const char *text, size_t length, const char *between)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	if (!length || !strchr(letters, text[0]) || !strchr(letters, text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!strchr(letters, text[i]) && !strchr(between, text[i]))
			return false;
	}
	return true;
}

static bool is_kind(const char *text, size_t length)
{
	const char *slash = memchr(text, '/', length);
	size_t vendor = slash ? (size_t)(slash - text) : 0;

	return slash && is_word(text, vendor, "-_.") &&
	       is_word(slash + 1, length - vendor - 1, "-_");
}

bool cdi_is_name(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals && is_kind(text, (size_t)(equals - text));
}

static int check_edits(
	const char *where, const struct cdi_edits *edits, struct error *err)
{
	strings_each (item, &edits->env) {
		if (**item == '=' || !strchr(*item, '='))
			return fail(err, "%s/env/%zu: expected NAME=VALUE, found \"%s\"",
				where, (size_t)(item - edits->env.items), *item);
	}
	for (size_t i = 0; i < edits->nodes_count; i++) {
		const struct cdi_node *node = &edits->nodes[i];

		if (*node->path != '/')
			return fail(err,
				"%s/deviceNodes/%zu/path: expected an absolute path",
				where, i);
		if (node->type &&
			(strlen(node->type) != 1 || !strchr("bcup", *node->type)))
			return fail(err,
				"%s/deviceNodes/%zu/type: expected b, c, u or p, found \"%s\"",
				where, i, node->type);
		if (node->permissions && !str_equal(node->permissions, "none") &&
			node->permissions[strspn(node->permissions, "rwm")])
			return fail(err,
				"%s/deviceNodes/%zu/permissions: expected some of r, w and "
				"m, or none; found \"%s\"",
				where, i, node->permissions);
	}
	for (size_t i = 0; i < edits->mounts_count; i++) {
		if (*edits->mounts[i].container_path != '/')
			return fail(err,
				"%s/mounts/%zu/containerPath: expected an absolute path",
				where, i);
	}
	for (size_t i = 0; i < edits->hooks_count; i++) {
		if (hook_kind_of(edits->hooks[i].hook_name) == HOOK_KINDS)
			return fail(err,
				"%s/hooks/%zu/hookName: \"%s\" is no kind of hook", where,
				i, edits->hooks[i].hook_name);
	}
	return 0;
}

static int check_specification(
	const struct cdi_specification *specification, struct error *err)
{
	if (!is_kind(specification->kind, strlen(specification->kind)))
		return fail(err, "/kind: expected VENDOR/CLASS, found \"%s\"",
			specification->kind);
	if (!specification->devices_count)
		return fail(err, "/devices: expected at least one");
	for (size_t i = 0; i < specification->devices_count; i++) {
		const struct cdi_device *device = &specification->devices[i];
		auto_free char *where = str_format("/devices/%zu/containerEdits", i);

		if (!is_word(device->name, strlen(device->name), "-_.:"))
			return fail(err,
				"/devices/%zu/name: \"%s\" is no name of a device", i,
				device->name);
		if (check_edits(where, &device->edits, err) < 0)
			return -1;
	}
	return check_edits("/containerEdits", &specification->edits, err);
}

/* ---- files --------------------------------------------------------------------------- */

static void free_specification(struct cdi_specification *specification)
{
	free(specification->path);
	json_free(&specification_type, specification);
}

void cdi_close(struct cdi *cdi)
{
	for (size_t i = 0; i < cdi->count; i++)
		free_specification(&cdi->items[i]);
	free(cdi->items);
	*cdi = (struct cdi){ 0 };
}

static int read_specification(
	int dir_fd, const char *name, struct cdi_specification *ret, struct error *err)
{
	const struct json_options options = { .name = ret->path };
	auto_free char *text = NULL;
	auto_str json = { 0 };
	size_t length;

	if (file_read_at(dir_fd, name, SPECIFICATION_MAX, &text, &length, err) < 0)
		return fail_while(err, "%s", ret->path);
	if (str_ends_with(name, ".json"))
		str_append_n(&json, text, length);
	else if (yaml_to_json(ret->path, text, length, &json, err) < 0)
		return -1;
	if (json_read(&specification_type, ret, json.data, json.length, &options, err) <
		0)
		return -1;
	if (check_specification(ret, err) < 0) {
		json_place(ret->path, json.data, json.length, err);
		return -1;
	}
	return 0;
}

static bool is_specification(const char *name)
{
	return str_ends_with(name, ".json") || str_ends_with(name, ".yaml") ||
	       str_ends_with(name, ".yml");
}

static int open_directory(
	const char *path, size_t number, struct cdi *cdi, struct error *err)
{
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strings names = { 0 };
	struct error what;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	if (path_names(fd, path, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		auto_free char *file = path_join(path, *name);
		struct cdi_specification found = { .path = file, .directory = number };

		if (!is_specification(*name))
			continue;
		if (read_specification(fd, *name, &found, &what) < 0) {
			log_warning("%s; its devices are not known", what.text);
			continue;
		}
		found.path = take_ptr(&file);
		found.directory = number;
		cdi->items = str_grow(cdi->items, cdi->count, sizeof(*cdi->items));
		cdi->items[cdi->count++] = found;
	}
	return 0;
}

int cdi_open(const struct strings *directories, struct cdi *ret, struct error *err)
{
	auto_strings list = { 0 };
	struct cdi cdi = { 0 };

	strings_copy(&list, directories);
	for (size_t i = 0; !directories->count && i < ARRAY_SIZE(standard_directories);
		i++)
		strings_add(&list, standard_directories[i]);
	strings_each (directory, &list) {
		if (open_directory(*directory, (size_t)(directory - list.items), &cdi,
			    err) < 0) {
			cdi_close(&cdi);
			return -1;
		}
	}
	*ret = cdi;
	return 0;
}

/* ---- finding ------------------------------------------------------------------------- */

static const struct cdi_device *device_of(
	const struct cdi_specification *specification, const char *name)
{
	const char *rest = str_after(name, specification->kind);

	for (size_t i = 0; rest && *rest == '=' && i < specification->devices_count;
		i++) {
		if (str_equal(specification->devices[i].name, rest + 1))
			return &specification->devices[i];
	}
	return NULL;
}

int cdi_lookup(const struct cdi *cdi, const char *name,
	const struct cdi_specification **ret_specification, const struct cdi_device **ret,
	struct error *err)
{
	const struct cdi_specification *found = NULL, *other = NULL;

	for (size_t i = 0; i < cdi->count; i++) {
		const struct cdi_specification *here = &cdi->items[i];
		const struct cdi_device *device = device_of(here, name);

		if (!device)
			continue;
		other = found && found->directory == here->directory ? found : NULL;
		found = here;
		*ret = device;
	}
	if (!found)
		return fail(err, "no file of CDI's directories has the device %s", name);
	if (other)
		return fail(err, "%s and %s both have the device %s", other->path,
			found->path, name);
	*ret_specification = found;
	return 0;
}

/* Of JSON text: people write true for "true". */
static bool says(const char *json, const char *word)
{
	size_t length = strlen(word);

	if (!json)
		return false;
	if (*json == '"')
		return strncmp(json + 1, word, length) == 0 && json[length + 1] == '"';
	return str_equal(json, word);
}

static bool means(const struct cdi_specification *specification,
	const struct cdi_device *device, const char *pattern)
{
	const char *rest = str_after(pattern, specification->kind);
	const char *class = device->annotations.class ? device->annotations.class
						      : specification->annotations.class;

	if (!strchr(pattern, '/'))
		return says(class, pattern);
	return rest && (!*rest || str_equal(rest, "=*") ||
			       (*rest == '=' && str_equal(rest + 1, device->name)));
}

void cdi_find(const struct cdi *cdi, const char *pattern, struct strings *ret)
{
	auto_strings found = { 0 };

	for (size_t i = 0; i < cdi->count; i++) {
		const struct cdi_specification *here = &cdi->items[i];

		for (size_t n = 0; n < here->devices_count; n++) {
			auto_free char *name =
				str_format("%s=%s", here->kind, here->devices[n].name);

			if (means(here, &here->devices[n], pattern) &&
				!strings_contain(&found, name))
				strings_add_take(&found, take_ptr(&name));
		}
	}
	strings_sort(&found);
	strings_each (name, &found) {
		strings_add(ret, *name);
		if (strchr(pattern, '/') && !strchr(pattern, '='))
			break;
	}
}

bool cdi_is_open_to_all(const struct cdi *cdi, const char *name)
{
	const struct cdi_specification *specification;
	const struct cdi_device *device;
	struct error ignored;

	if (cdi_lookup(cdi, name, &specification, &device, &ignored) < 0)
		return false;
	return says(device->annotations.auto_allow
			    ? device->annotations.auto_allow
			    : specification->annotations.auto_allow,
		"true");
}
