/*
 * What a runtime can do, as its `features` prints it.
 * Source: OCI runtime-spec 1.3.0, features.md and features-linux.md.
 */
#pragma once

#include "base/json.h"

#undef linux /* predefined as 1 by GNU C; here the name of a member */

struct oci_feature {
	bool has_enabled;
	bool enabled;
};

struct oci_features_cgroup {
	bool has_v1;
	bool v1;
	bool has_v2;
	bool v2;
	bool has_systemd;
	bool systemd;
	bool has_systemd_user;
	bool systemd_user;
	bool has_rdma;
	bool rdma;
};

struct oci_features_seccomp {
	bool has_enabled;
	bool enabled;
	struct strings actions;
	struct strings operators;
	struct strings archs;
	struct strings known_flags;
	struct strings supported_flags;
};

struct oci_features_intel_rdt {
	bool has_enabled;
	bool enabled;
	bool has_schemata;
	bool schemata;
	bool has_monitoring;
	bool monitoring;
};

struct oci_features_memory_policy {
	struct strings modes;
	struct strings flags;
};

struct oci_features_mount_extensions {
	struct oci_feature idmap;
};

struct oci_features_linux {
	struct strings namespaces;
	struct strings capabilities;
	struct oci_features_cgroup cgroup;
	struct oci_features_seccomp seccomp;
	struct oci_feature apparmor;
	struct oci_feature selinux;
	struct oci_features_intel_rdt intel_rdt;
	struct oci_features_memory_policy memory_policy;
	struct oci_features_mount_extensions mount_extensions;
	struct oci_feature net_devices;
};

struct oci_features {
	char *oci_version_min;
	char *oci_version_max;
	struct strings hooks;
	struct strings mount_options;
	struct oci_features_linux linux;
	struct pairs annotations;
	struct strings potentially_unsafe_config_annotations;
};

extern const struct json_type oci_features_type;

#define auto_oci_features __attribute__((cleanup(features_free))) struct oci_features
void features_free(struct oci_features *features);
