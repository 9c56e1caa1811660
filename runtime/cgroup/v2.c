/*
 * Resources as files of cgroup version 2, one function for each controller. What it cannot
 * express fails by name instead of being left out. Zero means "not asked", as in v1.c.
 */
#include <inttypes.h>

#include "base/log.h"
#include "runtime/cgroup/convert.h"
#include "runtime/cgroup/writes.h"
#include "spec/resources.h"

/* -1 is unlimited. */
static void emit_limit(const struct cgroup_emit *to, unsigned flags, const char *field,
	const char *file, int64_t value)
{
	if (value < 0)
		cgroup_emit(to, flags, field, file, "max");
	else
		cgroup_emit(to, flags, field, file, "%" PRId64, value);
}

static int impossible(const struct cgroup_emit *to, const char *field, struct error *err)
{
	return fail(err, "%s/%s: cgroup v2 has no such setting", to->prefix, field);
}

static int check_memory(
	const struct cgroup_emit *to, const struct oci_memory *memory, struct error *err)
{
	if (memory->has_swappiness)
		return impossible(to, "memory/swappiness", err);
	if (memory->disable_oom_killer)
		return impossible(to, "memory/disableOOMKiller", err);
	if (memory->has_use_hierarchy && !memory->use_hierarchy)
		return fail(err,
			"%s/memory/useHierarchy: cgroup v2 always accounts for the children",
			to->prefix);
	if (memory->kernel_tcp > 0)
		return impossible(to, "memory/kernelTCP", err);
	if (memory->kernel)
		log_warning(
			"%s/memory/kernel: cgroup v2 has no limit of kernel memory of "
			"its own; ignored",
			to->prefix);
	return 0;
}

int cgroup_v2_memory(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	const struct oci_memory *memory = &resources->memory;
	unsigned check = memory->check_before_update ? WRITE_CHECK_USAGE : 0;
	int64_t swap;

	if (check_memory(to, memory, err) < 0)
		return -1;
	/* The file is absent where there is no swap; none and all are then the same. */
	if (memory->swap) {
		if (cgroup_swap_of_memsw(
			    memory->swap, memory->limit, to->prefix, &swap, err) < 0)
			return -1;
		emit_limit(to, swap <= 0 ? WRITE_OPTIONAL : 0, "memory/swap",
			"memory.swap.max", swap);
	} else if (memory->limit == -1) {
		emit_limit(to, WRITE_OPTIONAL, "memory/limit", "memory.swap.max", -1);
	}
	if (memory->limit)
		emit_limit(to, check, "memory/limit", "memory.max", memory->limit);
	if (memory->reservation)
		emit_limit(
			to, 0, "memory/reservation", "memory.low", memory->reservation);
	return 0;
}

static void emit_cpu_max(const struct cgroup_emit *to, const struct oci_cpu *cpu)
{
	struct str value = { 0 };
	auto_free char *text = NULL;

	if (!cpu->quota && !cpu->period)
		return;
	if (cpu->quota > 0)
		str_appendf(&value, "%" PRId64, cpu->quota);
	else
		str_append(&value, "max");
	if (cpu->period)
		str_appendf(&value, " %" PRIu64, cpu->period);
	text = str_take(&value);
	/* Burst above the quota is refused: lowering both, the burst goes first. */
	cgroup_emit(to, cpu->has_burst ? WRITE_AFTER_NEXT : 0,
		cpu->quota ? "cpu/quota" : "cpu/period", "cpu.max", "%s", text);
}

int cgroup_v2_cpu(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	const struct oci_cpu *cpu = &resources->cpu;

	if (cpu->realtime_runtime)
		return impossible(to, "cpu/realtimeRuntime", err);
	if (cpu->realtime_period)
		return impossible(to, "cpu/realtimePeriod", err);
	/* An idle cgroup has no weight, and refuses one. */
	if (cpu->has_idle)
		cgroup_emit(to, 0, "cpu/idle", "cpu.idle", "%" PRId64, cpu->idle);
	if (cpu->shares && cpu->idle <= 0)
		cgroup_emit(to, 0, "cpu/shares", "cpu.weight", "%" PRIu64,
			cgroup_weight_of_shares(cpu->shares));
	emit_cpu_max(to, cpu);
	if (cpu->has_burst)
		cgroup_emit(to, 0, "cpu/burst", "cpu.max.burst", "%" PRIu64, cpu->burst);
	return 0;
}

int cgroup_v2_cpuset(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	return cgroup_v1_cpuset(to, resources, err);
}

int cgroup_v2_pids(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	return cgroup_v1_pids(to, resources, err);
}

static int check_io(
	const struct cgroup_emit *to, const struct oci_block_io *io, struct error *err)
{
	if (io->leaf_weight)
		return impossible(to, "blockIO/leafWeight", err);
	for (size_t i = 0; i < io->weight_device_count; i++) {
		auto_free char *field =
			str_format("blockIO/weightDevice/%zu/leafWeight", i);

		if (io->weight_device[i].leaf_weight)
			return impossible(to, field, err);
	}
	return 0;
}

/* BFQ's own file takes version 1's figures; io.weight is the iocost controller's. */
static void emit_weights(const struct cgroup_emit *to, const struct oci_block_io *io)
{
	if (io->weight) {
		cgroup_emit(to, WRITE_ELSE_NEXT, "blockIO/weight", "io.bfq.weight", "%u",
			io->weight);
		cgroup_emit(to, 0, "blockIO/weight", "io.weight", "%" PRIu64,
			cgroup_io_weight(io->weight));
	}
	for (size_t i = 0; i < io->weight_device_count; i++) {
		const struct oci_weight_device *device = &io->weight_device[i];
		auto_free char *field = str_format("blockIO/weightDevice/%zu", i);

		if (!device->weight)
			continue;
		cgroup_emit(to, WRITE_ELSE_NEXT, field, "io.bfq.weight",
			"%" PRId64 ":%" PRId64 " %u", device->major, device->minor,
			device->weight);
		cgroup_emit(to, 0, field, "io.weight", "%" PRId64 ":%" PRId64 " %" PRIu64,
			device->major, device->minor, cgroup_io_weight(device->weight));
	}
}

static void emit_throttles(const struct cgroup_emit *to, const char *name,
	const char *key, const struct oci_throttle_device *devices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_free char *field = str_format("blockIO/%s/%zu", name, i);

		cgroup_emit(to, 0, field, "io.max", "%" PRId64 ":%" PRId64 " %s=%" PRIu64,
			devices[i].major, devices[i].minor, key, devices[i].rate);
	}
}

int cgroup_v2_io(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	const struct oci_block_io *io = &resources->block_io;

	if (check_io(to, io, err) < 0)
		return -1;
	emit_weights(to, io);
	emit_throttles(to, "throttleReadBpsDevice", "rbps", io->throttle_read_bps_device,
		io->throttle_read_bps_device_count);
	emit_throttles(to, "throttleWriteBpsDevice", "wbps",
		io->throttle_write_bps_device, io->throttle_write_bps_device_count);
	emit_throttles(to, "throttleReadIOPSDevice", "riops",
		io->throttle_read_iops_device, io->throttle_read_iops_device_count);
	emit_throttles(to, "throttleWriteIOPSDevice", "wiops",
		io->throttle_write_iops_device, io->throttle_write_iops_device_count);
	return 0;
}

int cgroup_v2_hugetlb(const struct cgroup_emit *to, const struct oci_resources *resources,
	struct error *err)
{
	for (size_t i = 0; i < resources->hugepage_limits_count; i++) {
		const struct oci_hugepage_limit *limit = &resources->hugepage_limits[i];
		auto_free char *field = str_format("hugepageLimits/%zu", i);
		auto_free char *file = str_format("hugetlb.%s.max", limit->page_size);
		auto_free char *reserved =
			str_format("hugetlb.%s.rsvd.max", limit->page_size);

		cgroup_emit(to, 0, field, file, "%" PRIu64, limit->limit);
		cgroup_emit(
			to, WRITE_OPTIONAL, field, reserved, "%" PRIu64, limit->limit);
	}
	return 0;
}
