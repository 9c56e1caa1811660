/* The table of the chapter "linux". */
#include "spec/linux.h"

#include "spec/names.h"

static const struct json_field namespace_fields[] = {
	JSON_WORD(struct oci_namespace, type, "type", namespace_words, .required = true),
	JSON_STRING(struct oci_namespace, path, "path"),
	JSON_END,
};
const struct json_type oci_namespace_type =
	JSON_TYPE(struct oci_namespace, namespace_fields);

static const struct json_field device_fields[] = {
	JSON_STRING(struct oci_device, path, "path", .required = true),
	JSON_WORD(struct oci_device, type, "type", device_type_words, .required = true),
	JSON_I64_OPT(struct oci_device, major, "major"),
	JSON_I64_OPT(struct oci_device, minor, "minor"),
	JSON_U32_OPT(struct oci_device, file_mode, "fileMode"),
	JSON_U32_OPT(struct oci_device, uid, "uid"),
	JSON_U32_OPT(struct oci_device, gid, "gid"),
	JSON_END,
};
const struct json_type oci_device_type = JSON_TYPE(struct oci_device, device_fields);

static const struct json_field net_device_fields[] = {
	JSON_STRING(struct oci_net_device, name, "name"),
	JSON_END,
};
static const struct json_type net_device_type =
	JSON_TYPE(struct oci_net_device, net_device_fields);

static const struct json_field time_offset_fields[] = {
	JSON_I64(struct oci_time_offset, secs, "secs"),
	JSON_U32(struct oci_time_offset, nanosecs, "nanosecs"),
	JSON_END,
};
static const struct json_type time_offset_type =
	JSON_TYPE(struct oci_time_offset, time_offset_fields);

static const struct json_field intel_rdt_fields[] = {
	JSON_STRING(struct oci_intel_rdt, clos_id, "closID"),
	JSON_STRINGS(struct oci_intel_rdt, schemata, "schemata"),
	JSON_STRING(struct oci_intel_rdt, l3_cache_schema, "l3CacheSchema"),
	JSON_STRING(struct oci_intel_rdt, mem_bw_schema, "memBwSchema"),
	JSON_BOOL(struct oci_intel_rdt, enable_monitoring, "enableMonitoring"),
	JSON_BOOL(struct oci_intel_rdt, enable_cmt, "enableCMT"),
	JSON_BOOL(struct oci_intel_rdt, enable_mbm, "enableMBM"),
	JSON_END,
};
const struct json_type oci_intel_rdt_type =
	JSON_TYPE(struct oci_intel_rdt, intel_rdt_fields);

static const struct json_field memory_policy_fields[] = {
	JSON_WORD(struct oci_memory_policy, mode, "mode", memory_policy_words,
		.required = true),
	JSON_STRING(struct oci_memory_policy, nodes, "nodes"),
	JSON_WORDS(struct oci_memory_policy, flags, "flags", memory_policy_flag_words),
	JSON_END,
};
static const struct json_type memory_policy_type =
	JSON_TYPE(struct oci_memory_policy, memory_policy_fields);

static const struct json_field personality_fields[] = {
	JSON_WORD(struct oci_personality, domain, "domain", personality_words,
		.required = true),
	JSON_WORDS(struct oci_personality, flags, "flags", personality_flag_words),
	JSON_END,
};
static const struct json_type personality_type =
	JSON_TYPE(struct oci_personality, personality_fields);

static const struct json_field linux_fields[] = {
	JSON_ARRAY(struct oci_linux, uid_mappings, "uidMappings", &oci_id_mapping_type),
	JSON_ARRAY(struct oci_linux, gid_mappings, "gidMappings", &oci_id_mapping_type),
	JSON_PAIRS(struct oci_linux, sysctl, "sysctl"),
	JSON_STRUCT(struct oci_linux, resources, "resources", &oci_resources_type),
	JSON_STRING(struct oci_linux, cgroups_path, "cgroupsPath"),
	JSON_ARRAY(struct oci_linux, namespaces, "namespaces", &oci_namespace_type),
	JSON_ARRAY(struct oci_linux, devices, "devices", &oci_device_type),
	JSON_MAP(struct oci_linux, net_devices, "netDevices", &net_device_type),
	JSON_POINTER(struct oci_linux, seccomp, "seccomp", &oci_seccomp_type),
	JSON_WORD(struct oci_linux, rootfs_propagation, "rootfsPropagation",
		propagation_words),
	JSON_STRINGS(struct oci_linux, masked_paths, "maskedPaths"),
	JSON_STRINGS(struct oci_linux, readonly_paths, "readonlyPaths"),
	JSON_STRING(struct oci_linux, mount_label, "mountLabel"),
	JSON_POINTER(struct oci_linux, intel_rdt, "intelRdt", &oci_intel_rdt_type),
	JSON_POINTER(
		struct oci_linux, memory_policy, "memoryPolicy", &memory_policy_type),
	JSON_POINTER(struct oci_linux, personality, "personality", &personality_type),
	JSON_MAP(struct oci_linux, time_offsets, "timeOffsets", &time_offset_type),
	JSON_END,
};
const struct json_type oci_linux_type = JSON_TYPE(struct oci_linux, linux_fields);
