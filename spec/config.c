/* The table of config.json's root, and finders in it. */
#include "spec/config.h"

#include <string.h>

static const struct json_field root_fields[] = {
	JSON_STRING(struct oci_root, path, "path", .required = true),
	JSON_BOOL(struct oci_root, readonly, "readonly"),
	JSON_END,
};
static const struct json_type root_type = JSON_TYPE(struct oci_root, root_fields);

static const struct json_field config_fields[] = {
	JSON_STRING(struct oci_config, oci_version, "ociVersion", .required = true),
	JSON_POINTER(struct oci_config, process, "process", &oci_process_type),
	JSON_POINTER(struct oci_config, root, "root", &root_type),
	JSON_STRING(struct oci_config, hostname, "hostname"),
	JSON_STRING(struct oci_config, domainname, "domainname"),
	JSON_ARRAY(struct oci_config, mounts, "mounts", &oci_mount_type),
	JSON_STRUCT(struct oci_config, hooks, "hooks", &oci_hooks_type),
	JSON_PAIRS(struct oci_config, annotations, "annotations"),
	JSON_STRUCT(struct oci_config, linux, "linux", &oci_linux_type),
	JSON_RAW(struct oci_config, solaris, "solaris"),
	JSON_RAW(struct oci_config, windows, "windows"),
	JSON_RAW(struct oci_config, vm, "vm"),
	JSON_RAW(struct oci_config, zos, "zos"),
	JSON_RAW(struct oci_config, freebsd, "freebsd"),
	JSON_END,
};
const struct json_type oci_config_type = JSON_TYPE(struct oci_config, config_fields);

void config_free(struct oci_config *config)
{
	json_free(&oci_config_type, config);
}

const struct oci_namespace *config_namespace(
	const struct oci_config *config, int64_t type)
{
	for (size_t i = 0; i < config->linux.namespaces_count; i++) {
		if (config->linux.namespaces[i].type == type)
			return &config->linux.namespaces[i];
	}
	return NULL;
}

bool config_makes_namespace(const struct oci_config *config, int64_t type)
{
	const struct oci_namespace *found = config_namespace(config, type);

	return found && (!found->path || !*found->path);
}

const struct oci_mount *config_mount_at(const struct oci_config *config, const char *path)
{
	for (size_t i = config->mounts_count; i-- > 0;) {
		if (strcmp(config->mounts[i].destination, path) == 0)
			return &config->mounts[i];
	}
	return NULL;
}
