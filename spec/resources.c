/* The table of the cgroup's limits. */
#include "spec/resources.h"

#include <stdio.h>

#include "spec/names.h"

static const struct json_field device_rule_fields[] = {
	JSON_BOOL(struct oci_device_rule, allow, "allow", .required = true),
	JSON_WORD(struct oci_device_rule, type, "type", device_rule_type_words),
	JSON_I64_OPT(struct oci_device_rule, major, "major"),
	JSON_I64_OPT(struct oci_device_rule, minor, "minor"),
	JSON_STRING(struct oci_device_rule, access, "access"),
	JSON_END,
};
static const struct json_type device_rule_type =
	JSON_TYPE(struct oci_device_rule, device_rule_fields);

static const struct json_field memory_fields[] = {
	JSON_I64_OPT(struct oci_memory, limit, "limit"),
	JSON_I64_OPT(struct oci_memory, reservation, "reservation"),
	JSON_I64_OPT(struct oci_memory, swap, "swap"),
	JSON_I64_OPT(struct oci_memory, kernel, "kernel"),
	JSON_I64_OPT(struct oci_memory, kernel_tcp, "kernelTCP"),
	JSON_U64_OPT(struct oci_memory, swappiness, "swappiness"),
	JSON_BOOL_OPT(struct oci_memory, disable_oom_killer, "disableOOMKiller"),
	JSON_BOOL_OPT(struct oci_memory, use_hierarchy, "useHierarchy"),
	JSON_BOOL_OPT(struct oci_memory, check_before_update, "checkBeforeUpdate"),
	JSON_END,
};
static const struct json_type memory_type = JSON_TYPE(struct oci_memory, memory_fields);

static const struct json_field cpu_fields[] = {
	JSON_U64_OPT(struct oci_cpu, shares, "shares"),
	JSON_I64_OPT(struct oci_cpu, quota, "quota"),
	JSON_U64_OPT(struct oci_cpu, burst, "burst"),
	JSON_U64_OPT(struct oci_cpu, period, "period"),
	JSON_I64_OPT(struct oci_cpu, realtime_runtime, "realtimeRuntime"),
	JSON_U64_OPT(struct oci_cpu, realtime_period, "realtimePeriod"),
	JSON_STRING(struct oci_cpu, cpus, "cpus"),
	JSON_STRING(struct oci_cpu, mems, "mems"),
	JSON_I64_OPT(struct oci_cpu, idle, "idle"),
	JSON_END,
};
static const struct json_type cpu_type = JSON_TYPE(struct oci_cpu, cpu_fields);

static const struct json_field pids_fields[] = {
	JSON_I64_OPT(struct oci_pids, limit, "limit", .required = true),
	JSON_END,
};
static const struct json_type pids_type = JSON_TYPE(struct oci_pids, pids_fields);

static const struct json_field weight_device_fields[] = {
	JSON_I64(struct oci_weight_device, major, "major", .required = true),
	JSON_I64(struct oci_weight_device, minor, "minor", .required = true),
	JSON_U16_OPT(struct oci_weight_device, weight, "weight"),
	JSON_U16_OPT(struct oci_weight_device, leaf_weight, "leafWeight"),
	JSON_END,
};
static const struct json_type weight_device_type =
	JSON_TYPE(struct oci_weight_device, weight_device_fields);

static const struct json_field throttle_device_fields[] = {
	JSON_I64(struct oci_throttle_device, major, "major", .required = true),
	JSON_I64(struct oci_throttle_device, minor, "minor", .required = true),
	JSON_U64(struct oci_throttle_device, rate, "rate", .always = true),
	JSON_END,
};
static const struct json_type throttle_device_type =
	JSON_TYPE(struct oci_throttle_device, throttle_device_fields);

/* clang-format off */
static const struct json_field block_io_fields[] = {
	JSON_U16_OPT(struct oci_block_io, weight, "weight"),
	JSON_U16_OPT(struct oci_block_io, leaf_weight, "leafWeight"),
	JSON_ARRAY(struct oci_block_io, weight_device, "weightDevice", &weight_device_type),
	JSON_ARRAY(struct oci_block_io, throttle_read_bps_device, "throttleReadBpsDevice",
		&throttle_device_type),
	JSON_ARRAY(struct oci_block_io, throttle_write_bps_device, "throttleWriteBpsDevice",
		&throttle_device_type),
	JSON_ARRAY(struct oci_block_io, throttle_read_iops_device, "throttleReadIOPSDevice",
		&throttle_device_type),
	JSON_ARRAY(struct oci_block_io, throttle_write_iops_device, "throttleWriteIOPSDevice",
		&throttle_device_type),
	JSON_END,
};
/* clang-format on */
static const struct json_type block_io_type =
	JSON_TYPE(struct oci_block_io, block_io_fields);

static const struct json_field hugepage_limit_fields[] = {
	JSON_STRING(struct oci_hugepage_limit, page_size, "pageSize", .required = true),
	JSON_U64(struct oci_hugepage_limit, limit, "limit", .required = true),
	JSON_END,
};
static const struct json_type hugepage_limit_type =
	JSON_TYPE(struct oci_hugepage_limit, hugepage_limit_fields);

static const struct json_field interface_priority_fields[] = {
	JSON_STRING(struct oci_interface_priority, name, "name", .required = true),
	JSON_U32(struct oci_interface_priority, priority, "priority", .required = true),
	JSON_END,
};
static const struct json_type interface_priority_type =
	JSON_TYPE(struct oci_interface_priority, interface_priority_fields);

static const struct json_field network_fields[] = {
	JSON_U32_OPT(struct oci_network, class_id, "classID"),
	JSON_ARRAY(
		struct oci_network, priorities, "priorities", &interface_priority_type),
	JSON_END,
};
static const struct json_type network_type =
	JSON_TYPE(struct oci_network, network_fields);

static const struct json_field rdma_fields[] = {
	JSON_U32_OPT(struct oci_rdma, hca_handles, "hcaHandles"),
	JSON_U32_OPT(struct oci_rdma, hca_objects, "hcaObjects"),
	JSON_END,
};
static const struct json_type rdma_type = JSON_TYPE(struct oci_rdma, rdma_fields);

static const struct json_field resources_fields[] = {
	JSON_PAIRS(struct oci_resources, unified, "unified"),
	JSON_ARRAY(struct oci_resources, devices, "devices", &device_rule_type),
	JSON_STRUCT(struct oci_resources, memory, "memory", &memory_type),
	JSON_STRUCT(struct oci_resources, cpu, "cpu", &cpu_type),
	JSON_STRUCT(struct oci_resources, pids, "pids", &pids_type),
	JSON_STRUCT(struct oci_resources, block_io, "blockIO", &block_io_type),
	JSON_ARRAY(struct oci_resources, hugepage_limits, "hugepageLimits",
		&hugepage_limit_type),
	JSON_STRUCT(struct oci_resources, network, "network", &network_type),
	JSON_MAP(struct oci_resources, rdma, "rdma", &rdma_type),
	JSON_END,
};
const struct json_type oci_resources_type =
	JSON_TYPE(struct oci_resources, resources_fields);

void resources_free(struct oci_resources *resources)
{
	json_free(&oci_resources_type, resources);
}

void resources_of_version(struct oci_resources *resources, const char *version)
{
	unsigned major = 0, minor = 0;

	if (sscanf(version, "%u.%u", &major, &minor) == 2 && major == 1 && minor < 3 &&
		resources->pids.limit == 0)
		resources->pids.has_limit = false;
}
