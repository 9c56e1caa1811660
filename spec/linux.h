/*
 * The chapter "linux" of config.json, without what has chapters of its own (resources,
 * seccomp). Source: OCI runtime-spec 1.3.0, config-linux.md.
 */
#pragma once

#include "base/json.h"
#include "spec/mounts.h"
#include "spec/resources.h"
#include "spec/seccomp.h"

#undef linux /* predefined as 1 by GNU C; here the name of a member */

struct oci_namespace {
	int64_t type; /* CLONE_NEW* */
	char *path;   /* an existing one to join; NULL: a new one (so does "") */
};

struct oci_device {
	int64_t type; /* the letter: 'c', 'b', 'u' (as 'c'), 'p' */
	char *path;
	bool has_major;
	int64_t major;
	bool has_minor;
	int64_t minor;
	bool has_file_mode;
	uint32_t file_mode;
	bool has_uid;
	uint32_t uid;
	bool has_gid;
	uint32_t gid;
};

/* A network interface of the host that moves into the container. */
struct oci_net_device {
	char *host_name; /* the key */
	char *name;      /* in the container; NULL: the same */
};

struct oci_time_offset {
	char *clock; /* the key: "boottime" or "monotonic" */
	int64_t secs;
	uint32_t nanosecs;
};

/* resctrl: cache and memory bandwidth allocation, monitoring */
struct oci_intel_rdt {
	char *clos_id;
	struct strings schemata;
	char *l3_cache_schema;
	char *mem_bw_schema;
	bool enable_monitoring;
	bool enable_cmt; /* these two until 1.2 of the specification */
	bool enable_mbm;
};

extern const struct json_type oci_intel_rdt_type;

/* set_mempolicy(2) */
struct oci_memory_policy {
	int64_t mode;            /* MPOL_* */
	char *nodes;             /* "0-3,7" */
	struct json_words flags; /* MPOL_F_* bits */
};

struct oci_personality {
	int64_t domain;          /* PER_* */
	struct json_words flags; /* ADDR_NO_RANDOMIZE and other bits of personality(2) */
};

struct oci_linux {
	struct oci_id_mapping *uid_mappings;
	size_t uid_mappings_count;
	struct oci_id_mapping *gid_mappings;
	size_t gid_mappings_count;
	struct pairs sysctl;
	struct oci_resources resources;
	char *cgroups_path;
	struct oci_namespace *namespaces;
	size_t namespaces_count;
	struct oci_device *devices;
	size_t devices_count;
	struct oci_net_device *net_devices;
	size_t net_devices_count;
	struct oci_seccomp *seccomp;
	int64_t rootfs_propagation; /* MS_SHARED | MS_REC ...; 0: not given */
	struct strings masked_paths;
	struct strings readonly_paths;
	char *mount_label;
	struct oci_intel_rdt *intel_rdt;
	struct oci_memory_policy *memory_policy;
	struct oci_personality *personality;
	struct oci_time_offset *time_offsets;
	size_t time_offsets_count;
};

extern const struct json_type oci_linux_type;
extern const struct json_type oci_namespace_type;
extern const struct json_type oci_device_type;
