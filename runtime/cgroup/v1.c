/*
 * Resources as files of cgroup version 1, one function for each controller. Zero means
 * "not asked" wherever zero would be no limit to live under: callers such as Docker write
 * the members that they leave alone as zeros.
 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "runtime/cgroup/writes.h"
#include "spec/resources.h"

static void emit_swappiness_and_oom(
	const struct cgroup_emit *to, const struct oci_memory *memory)
{
	if (memory->has_swappiness)
		cgroup_emit(to, 0, "memory/swappiness", "memory.swappiness", "%" PRIu64,
			memory->swappiness);
	/* A new cgroup has the OOM killer. */
	if (memory->has_disable_oom_killer && (memory->disable_oom_killer || to->update))
		cgroup_emit(to, 0, "memory/disableOOMKiller", "memory.oom_control", "%d",
			memory->disable_oom_killer);
}

/* -1 is unlimited. */
static unsigned no_limit(int64_t value)
{
	return value < 0 ? WRITE_NO_LIMIT : 0;
}

int cgroup_v1_memory(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	const struct oci_memory *memory = &resources->memory;
	bool unlimited = memory->limit == -1 && !memory->swap;

	/* Only possible while there is no limit and no child. */
	if (memory->has_use_hierarchy)
		cgroup_emit(to, 0, "memory/useHierarchy", "memory.use_hierarchy", "%d",
			memory->use_hierarchy);
	if (memory->kernel)
		log_warning("%s/memory/kernel: kernel memory has no limit of its own in "
			    "today's kernels; ignored",
			to->prefix);
	/* The limit may never be above that of memory and swap together: when both rise,
	 * the latter must go first. */
	if (memory->limit)
		cgroup_emit(to,
			no_limit(memory->limit) |
				(memory->swap || unlimited ? WRITE_AFTER_NEXT : 0),
			"memory/limit", "memory.limit_in_bytes", "%" PRId64,
			memory->limit);
	if (memory->swap)
		cgroup_emit(to, no_limit(memory->swap), "memory/swap",
			"memory.memsw.limit_in_bytes", "%" PRId64, memory->swap);
	else if (unlimited)
		cgroup_emit(to, WRITE_NO_LIMIT | WRITE_OPTIONAL, "memory/limit",
			"memory.memsw.limit_in_bytes", "-1");
	if (memory->reservation)
		cgroup_emit(to, no_limit(memory->reservation), "memory/reservation",
			"memory.soft_limit_in_bytes", "%" PRId64, memory->reservation);
	if (memory->kernel_tcp)
		cgroup_emit(to, no_limit(memory->kernel_tcp), "memory/kernelTCP",
			"memory.kmem.tcp.limit_in_bytes", "%" PRId64, memory->kernel_tcp);
	emit_swappiness_and_oom(to, memory);
	return 0;
}

int cgroup_v1_cpu(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	const struct oci_cpu *cpu = &resources->cpu;

	/* An idle cgroup has no weight, and refuses one. */
	if (cpu->has_idle)
		cgroup_emit(to, 0, "cpu/idle", "cpu.idle", "%" PRId64, cpu->idle);
	if (cpu->shares && cpu->idle <= 0)
		cgroup_emit(to, 0, "cpu/shares", "cpu.shares", "%" PRIu64, cpu->shares);
	/* Which of two goes first depends on what is there: the quota in relation to the
	 * period may not pass the parent's, nor the burst the quota. */
	if (cpu->period)
		cgroup_emit(to, cpu->quota ? WRITE_AFTER_NEXT : 0, "cpu/period",
			"cpu.cfs_period_us", "%" PRIu64, cpu->period);
	if (cpu->quota)
		cgroup_emit(to,
			no_limit(cpu->quota) | (cpu->has_burst ? WRITE_AFTER_NEXT : 0),
			"cpu/quota", "cpu.cfs_quota_us", "%" PRId64, cpu->quota);
	if (cpu->has_burst)
		cgroup_emit(
			to, 0, "cpu/burst", "cpu.cfs_burst_us", "%" PRIu64, cpu->burst);
	if (cpu->realtime_period)
		cgroup_emit(to, cpu->realtime_runtime ? WRITE_AFTER_NEXT : 0,
			"cpu/realtimePeriod", "cpu.rt_period_us", "%" PRIu64,
			cpu->realtime_period);
	if (cpu->realtime_runtime)
		cgroup_emit(to, 0, "cpu/realtimeRuntime", "cpu.rt_runtime_us", "%" PRId64,
			cpu->realtime_runtime);
	return 0;
}

int cgroup_v1_cpuset(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	if (resources->cpu.cpus && *resources->cpu.cpus)
		cgroup_emit(to, 0, "cpu/cpus", "cpuset.cpus", "%s", resources->cpu.cpus);
	if (resources->cpu.mems && *resources->cpu.mems)
		cgroup_emit(to, 0, "cpu/mems", "cpuset.mems", "%s", resources->cpu.mems);
	return 0;
}

int cgroup_v1_pids(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	int64_t limit = resources->pids.limit;

	/* 0 is a limit like another: who is there may stay, and nobody forks. */
	if (resources->pids.has_limit && limit >= 0)
		cgroup_emit(to, 0, "pids/limit", "pids.max", "%" PRId64, limit);
	else if (limit < 0)
		cgroup_emit(to, WRITE_NO_LIMIT, "pids/limit", "pids.max", "max");
	return 0;
}

/* Weights belong to the I/O scheduler: CFQ's files of old, BFQ's today. */
static void emit_weights(const struct cgroup_emit *to, const struct oci_block_io *io)
{
	if (io->weight) {
		cgroup_emit(to, WRITE_ELSE_NEXT, "blockIO/weight", "blkio.weight", "%u",
			io->weight);
		cgroup_emit(
			to, 0, "blockIO/weight", "blkio.bfq.weight", "%u", io->weight);
	}
	if (io->leaf_weight)
		cgroup_emit(to, 0, "blockIO/leafWeight", "blkio.leaf_weight", "%u",
			io->leaf_weight);
	for (size_t i = 0; i < io->weight_device_count; i++) {
		const struct oci_weight_device *device = &io->weight_device[i];
		auto_free char *field = str_format("blockIO/weightDevice/%zu", i);

		if (device->weight) {
			cgroup_emit(to, WRITE_ELSE_NEXT, field, "blkio.weight_device",
				"%" PRId64 ":%" PRId64 " %u", device->major,
				device->minor, device->weight);
			cgroup_emit(to, 0, field, "blkio.bfq.weight_device",
				"%" PRId64 ":%" PRId64 " %u", device->major,
				device->minor, device->weight);
		}
		if (device->leaf_weight)
			cgroup_emit(to, 0, field, "blkio.leaf_weight_device",
				"%" PRId64 ":%" PRId64 " %u", device->major,
				device->minor, device->leaf_weight);
	}
}

static void emit_throttles(const struct cgroup_emit *to, const char *name,
	const char *file, const struct oci_throttle_device *devices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_free char *field = str_format("blockIO/%s/%zu", name, i);

		cgroup_emit(to, 0, field, file, "%" PRId64 ":%" PRId64 " %" PRIu64,
			devices[i].major, devices[i].minor, devices[i].rate);
	}
}

int cgroup_v1_blkio(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	const struct oci_block_io *io = &resources->block_io;

	emit_weights(to, io);
	emit_throttles(to, "throttleReadBpsDevice", "blkio.throttle.read_bps_device",
		io->throttle_read_bps_device, io->throttle_read_bps_device_count);
	emit_throttles(to, "throttleWriteBpsDevice", "blkio.throttle.write_bps_device",
		io->throttle_write_bps_device, io->throttle_write_bps_device_count);
	emit_throttles(to, "throttleReadIOPSDevice", "blkio.throttle.read_iops_device",
		io->throttle_read_iops_device, io->throttle_read_iops_device_count);
	emit_throttles(to, "throttleWriteIOPSDevice", "blkio.throttle.write_iops_device",
		io->throttle_write_iops_device, io->throttle_write_iops_device_count);
	return 0;
}

int cgroup_v1_hugetlb(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	for (size_t i = 0; i < resources->hugepage_limits_count; i++) {
		const struct oci_hugepage_limit *limit = &resources->hugepage_limits[i];
		auto_free char *field = str_format("hugepageLimits/%zu", i);
		auto_free char *file =
			str_format("hugetlb.%s.limit_in_bytes", limit->page_size);
		auto_free char *reserved =
			str_format("hugetlb.%s.rsvd.limit_in_bytes", limit->page_size);

		cgroup_emit(to, 0, field, file, "%" PRIu64, limit->limit);
		cgroup_emit(
			to, WRITE_OPTIONAL, field, reserved, "%" PRIu64, limit->limit);
	}
	return 0;
}

int cgroup_v1_net_cls(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	if (resources->network.class_id)
		cgroup_emit(to, 0, "network/classID", "net_cls.classid", "%u",
			resources->network.class_id);
	return 0;
}

int cgroup_v1_net_prio(const struct cgroup_emit *to,
	const struct oci_resources *resources, struct error *err)
{
	const struct oci_network *network = &resources->network;

	for (size_t i = 0; i < network->priorities_count; i++) {
		auto_free char *field = str_format("network/priorities/%zu", i);

		cgroup_emit(to, 0, field, "net_prio.ifpriomap", "%s %u",
			network->priorities[i].name, network->priorities[i].priority);
	}
	return 0;
}

/* The same file in both versions. */
int cgroup_rdma(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	for (size_t i = 0; i < resources->rdma_count; i++) {
		const struct oci_rdma *rdma = &resources->rdma[i];
		auto_free char *field = str_format("rdma/%s", rdma->device);
		struct str value = { 0 };
		auto_free char *text = NULL;

		str_append(&value, rdma->device);
		if (rdma->has_hca_handles)
			str_appendf(&value, " hca_handle=%u", rdma->hca_handles);
		if (rdma->has_hca_objects)
			str_appendf(&value, " hca_object=%u", rdma->hca_objects);
		text = str_take(&value);
		cgroup_emit(to, 0, field, "rdma.max", "%s", text);
	}
	return 0;
}
