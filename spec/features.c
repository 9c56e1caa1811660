/* The table of the features. */
#include "spec/features.h"

static const struct json_field feature_fields[] = {
	JSON_BOOL_OPT(struct oci_feature, enabled, "enabled"),
	JSON_END,
};
static const struct json_type feature_type =
	JSON_TYPE(struct oci_feature, feature_fields);

static const struct json_field cgroup_fields[] = {
	JSON_BOOL_OPT(struct oci_features_cgroup, v1, "v1"),
	JSON_BOOL_OPT(struct oci_features_cgroup, v2, "v2"),
	JSON_BOOL_OPT(struct oci_features_cgroup, systemd, "systemd"),
	JSON_BOOL_OPT(struct oci_features_cgroup, systemd_user, "systemdUser"),
	JSON_BOOL_OPT(struct oci_features_cgroup, rdma, "rdma"),
	JSON_END,
};
static const struct json_type cgroup_type =
	JSON_TYPE(struct oci_features_cgroup, cgroup_fields);

static const struct json_field seccomp_fields[] = {
	JSON_BOOL_OPT(struct oci_features_seccomp, enabled, "enabled"),
	JSON_STRINGS(struct oci_features_seccomp, actions, "actions"),
	JSON_STRINGS(struct oci_features_seccomp, operators, "operators"),
	JSON_STRINGS(struct oci_features_seccomp, archs, "archs"),
	JSON_STRINGS(struct oci_features_seccomp, known_flags, "knownFlags"),
	JSON_STRINGS(struct oci_features_seccomp, supported_flags, "supportedFlags"),
	JSON_END,
};
static const struct json_type seccomp_type =
	JSON_TYPE(struct oci_features_seccomp, seccomp_fields);

static const struct json_field intel_rdt_fields[] = {
	JSON_BOOL_OPT(struct oci_features_intel_rdt, enabled, "enabled"),
	JSON_BOOL_OPT(struct oci_features_intel_rdt, schemata, "schemata"),
	JSON_BOOL_OPT(struct oci_features_intel_rdt, monitoring, "monitoring"),
	JSON_END,
};
static const struct json_type intel_rdt_type =
	JSON_TYPE(struct oci_features_intel_rdt, intel_rdt_fields);

static const struct json_field memory_policy_fields[] = {
	JSON_STRINGS(struct oci_features_memory_policy, modes, "modes"),
	JSON_STRINGS(struct oci_features_memory_policy, flags, "flags"),
	JSON_END,
};
static const struct json_type memory_policy_type =
	JSON_TYPE(struct oci_features_memory_policy, memory_policy_fields);

static const struct json_field mount_extensions_fields[] = {
	JSON_STRUCT(struct oci_features_mount_extensions, idmap, "idmap", &feature_type),
	JSON_END,
};
static const struct json_type mount_extensions_type =
	JSON_TYPE(struct oci_features_mount_extensions, mount_extensions_fields);

/* clang-format off */
static const struct json_field linux_fields[] = {
	JSON_STRINGS(struct oci_features_linux, namespaces, "namespaces"),
	JSON_STRINGS(struct oci_features_linux, capabilities, "capabilities"),
	JSON_STRUCT(struct oci_features_linux, cgroup, "cgroup", &cgroup_type),
	JSON_STRUCT(struct oci_features_linux, seccomp, "seccomp", &seccomp_type),
	JSON_STRUCT(struct oci_features_linux, apparmor, "apparmor", &feature_type),
	JSON_STRUCT(struct oci_features_linux, selinux, "selinux", &feature_type),
	JSON_STRUCT(struct oci_features_linux, intel_rdt, "intelRdt", &intel_rdt_type),
	JSON_STRUCT(struct oci_features_linux, memory_policy, "memoryPolicy",
		&memory_policy_type),
	JSON_STRUCT(struct oci_features_linux, mount_extensions, "mountExtensions",
		&mount_extensions_type),
	JSON_STRUCT(struct oci_features_linux, net_devices, "netDevices", &feature_type),
	JSON_END,
};
/* clang-format on */
static const struct json_type linux_type =
	JSON_TYPE(struct oci_features_linux, linux_fields);

static const struct json_field features_fields[] = {
	JSON_STRING(
		struct oci_features, oci_version_min, "ociVersionMin", .required = true),
	JSON_STRING(
		struct oci_features, oci_version_max, "ociVersionMax", .required = true),
	JSON_STRINGS(struct oci_features, hooks, "hooks"),
	JSON_STRINGS(struct oci_features, mount_options, "mountOptions"),
	JSON_STRUCT(struct oci_features, linux, "linux", &linux_type),
	JSON_PAIRS(struct oci_features, annotations, "annotations"),
	JSON_STRINGS(struct oci_features, potentially_unsafe_config_annotations,
		"potentiallyUnsafeConfigAnnotations"),
	JSON_END,
};
const struct json_type oci_features_type =
	JSON_TYPE(struct oci_features, features_fields);

void features_free(struct oci_features *features)
{
	json_free(&oci_features_type, features);
}
