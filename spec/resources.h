/*
 * linux.resources: the limits of the container's cgroup, also what update --resources
 * reads. Absent and zero differ throughout.
 * Source: OCI runtime-spec 1.3.0, config-linux.md: Control groups.
 */
#pragma once

#include "base/json.h"

/* One line of the allow-list of devices, applied in order. */
struct oci_device_rule {
	bool allow;
	int64_t type; /* 'a', 'c', 'b'; 0: not given, all */
	bool has_major;
	int64_t major; /* absent and -1: all */
	bool has_minor;
	int64_t minor;
	char *access; /* of r, w, m; NULL: all */
};

/* Bytes; -1: unlimited */
struct oci_memory {
	bool has_limit;
	int64_t limit;
	bool has_reservation;
	int64_t reservation;
	bool has_swap;
	int64_t swap; /* memory and swap together */
	bool has_kernel;
	int64_t kernel;
	bool has_kernel_tcp;
	int64_t kernel_tcp;
	bool has_swappiness;
	uint64_t swappiness; /* 0 to 100 */
	bool has_disable_oom_killer;
	bool disable_oom_killer;
	bool has_use_hierarchy;
	bool use_hierarchy;
	bool has_check_before_update;
	bool check_before_update;
};

/* Times in microseconds */
struct oci_cpu {
	bool has_shares;
	uint64_t shares;
	bool has_quota;
	int64_t quota;
	bool has_burst;
	uint64_t burst;
	bool has_period;
	uint64_t period;
	bool has_realtime_runtime;
	int64_t realtime_runtime;
	bool has_realtime_period;
	uint64_t realtime_period;
	char *cpus; /* "0-3,7" */
	char *mems;
	bool has_idle;
	int64_t idle;
};

struct oci_pids {
	bool has_limit;
	int64_t limit; /* 0 is left to the runtime, -1: unlimited */
};

struct oci_weight_device {
	int64_t major;
	int64_t minor;
	bool has_weight;
	uint16_t weight;
	bool has_leaf_weight;
	uint16_t leaf_weight;
};

struct oci_throttle_device {
	int64_t major;
	int64_t minor;
	uint64_t rate; /* bytes or operations a second */
};

struct oci_block_io {
	bool has_weight;
	uint16_t weight; /* 10 to 1000 */
	bool has_leaf_weight;
	uint16_t leaf_weight;
	struct oci_weight_device *weight_device;
	size_t weight_device_count;
	struct oci_throttle_device *throttle_read_bps_device;
	size_t throttle_read_bps_device_count;
	struct oci_throttle_device *throttle_write_bps_device;
	size_t throttle_write_bps_device_count;
	struct oci_throttle_device *throttle_read_iops_device;
	size_t throttle_read_iops_device_count;
	struct oci_throttle_device *throttle_write_iops_device;
	size_t throttle_write_iops_device_count;
};

struct oci_hugepage_limit {
	char *page_size; /* "2MB" */
	uint64_t limit;  /* bytes */
};

struct oci_interface_priority {
	char *name;
	uint32_t priority;
};

struct oci_network {
	bool has_class_id;
	uint32_t class_id;
	struct oci_interface_priority *priorities;
	size_t priorities_count;
};

struct oci_rdma {
	char *device; /* the key */
	bool has_hca_handles;
	uint32_t hca_handles;
	bool has_hca_objects;
	uint32_t hca_objects;
};

struct oci_resources {
	struct pairs unified; /* files of cgroup v2 and what is written to them */
	struct oci_device_rule *devices;
	size_t devices_count;
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_pids pids;
	struct oci_block_io block_io;
	struct oci_hugepage_limit *hugepage_limits;
	size_t hugepage_limits_count;
	struct oci_network network;
	struct oci_rdma *rdma;
	size_t rdma_count;
};

extern const struct json_type oci_resources_type;

#define auto_oci_resources __attribute__((cleanup(resources_free))) struct oci_resources
void resources_free(struct oci_resources *resources);

/* Drops what limits nothing by the specification of this version (a config's ociVersion):
 * before 1.3.0 a pids.limit of 0, which engines of that time write for "unlimited". */
void resources_of_version(struct oci_resources *resources, const char *version);
