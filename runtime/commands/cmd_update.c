/* update: new limits for a container that exists, from options or as linux.resources. */
#include <unistd.h>

#include "runtime/commands/commands.h"
#include "spec/resources.h"
#include "spec/validate.h"

struct update_options {
	const char *resources;
	const char *cpus;
	const char *mems;
	const char *l3_cache_schema;
	const char *mem_bw_schema;
	int64_t blkio_weight, cpu_period, cpu_quota, cpu_burst, cpu_idle, cpu_shares;
	int64_t rt_period, rt_runtime, pids;
	int64_t memory, reservation, swap, kernel, kernel_tcp;
	bool has_blkio_weight, has_cpu_period, has_cpu_quota, has_cpu_burst, has_cpu_idle;
	bool has_cpu_shares, has_rt_period, has_rt_runtime, has_pids;
	bool has_memory, has_reservation, has_swap, has_kernel, has_kernel_tcp;
};

/* clang-format off */
#define BYTES(m, name, help, ...) \
	OPTION_BYTES(struct update_options, m, name, 0, "BYTES", help, \
		OPTION_HAS(struct update_options, m), ##__VA_ARGS__)
#define NUMBER(m, name, argument, help) \
	OPTION_I64(struct update_options, m, name, 0, argument, help, \
		OPTION_HAS(struct update_options, m))

static const struct option_spec options[] = {
	OPTION_STRING(struct update_options, resources, "resources", 'r', "FILE",
		"read linux.resources from the file, or from standard input (-)"),
	NUMBER(blkio_weight, "blkio-weight", "WEIGHT", "share of block I/O, 10 to 1000"),
	NUMBER(cpu_period, "cpu-period", "USECS", "length of a period of CPU time"),
	NUMBER(cpu_quota, "cpu-quota", "USECS", "CPU time in a period; -1 for no limit"),
	NUMBER(cpu_burst, "cpu-burst", "USECS", "CPU time that may be saved up"),
	NUMBER(cpu_idle, "cpu-idle", "0|1", "1: run only when nobody else wants the CPU"),
	NUMBER(cpu_shares, "cpu-share", "SHARES", "share of CPU time beside others"),
	NUMBER(rt_period, "cpu-rt-period", "USECS", "length of a real-time period"),
	NUMBER(rt_runtime, "cpu-rt-runtime", "USECS", "real-time CPU time in a period"),
	OPTION_STRING(struct update_options, cpus, "cpuset-cpus", 0, "LIST",
		"CPUs to run on, such as 0-3,7"),
	OPTION_STRING(struct update_options, mems, "cpuset-mems", 0, "LIST",
		"memory nodes to use"),
	BYTES(memory, "memory", "limit of memory; -1 for none"),
	BYTES(reservation, "memory-reservation", "memory that is left to the container"),
	BYTES(swap, "memory-swap", "limit of memory and swap together; -1 for none"),
	BYTES(kernel, "kernel-memory", "has no effect in today's kernels",
		.hidden = true),
	BYTES(kernel_tcp, "kernel-memory-tcp", "limit of TCP buffers (cgroup v1)",
		.hidden = true),
	NUMBER(pids, "pids-limit", "COUNT", "limit of processes and threads; -1 for none"),
	OPTION_STRING(struct update_options, l3_cache_schema, "l3-cache-schema", 0, "SCHEMA",
		"Intel RDT: share of the L3 cache"),
	OPTION_STRING(struct update_options, mem_bw_schema, "mem-bw-schema", 0, "SCHEMA",
		"Intel RDT: share of memory bandwidth"),
	OPTION_END,
};
/* clang-format on */

static int read_document(
	const struct command_call *call, struct oci_resources *ret, struct error *err)
{
	const struct update_options *given = call->options;
	const char *path = given->resources;

	if (call_read(call, &oci_resources_type, ret, path, err) < 0)
		return -1;
	if (resources_validate(ret, NULL, err) < 0)
		return fail_while(
			err, "%s", str_equal(path, "-") ? "standard input" : path);
	return 0;
}

/* Unsigned members of the specification. */
static int check_signs(const struct update_options *given, struct error *err)
{
	const struct {
		const char *option;
		int64_t value, max;
	} figures[] = {
		{ "blkio-weight", given->blkio_weight, 1000 },
		{ "cpu-period", given->cpu_period, INT64_MAX },
		{ "cpu-burst", given->cpu_burst, INT64_MAX },
		{ "cpu-share", given->cpu_shares, INT64_MAX },
		{ "cpu-rt-period", given->rt_period, INT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		if (figures[i].value < 0 || figures[i].value > figures[i].max)
			return fail(err, "--%s: %lld is out of range", figures[i].option,
				(long long)figures[i].value);
	return 0;
}

static void take_memory(const struct update_options *given, struct oci_memory *memory)
{
	memory->has_limit = given->has_memory;
	memory->limit = given->memory;
	memory->has_reservation = given->has_reservation;
	memory->reservation = given->reservation;
	memory->has_swap = given->has_swap;
	memory->swap = given->swap;
	memory->has_kernel = given->has_kernel;
	memory->kernel = given->kernel;
	memory->has_kernel_tcp = given->has_kernel_tcp;
	memory->kernel_tcp = given->kernel_tcp;
}

static void take_cpu(const struct update_options *given, struct oci_cpu *cpu)
{
	cpu->has_shares = given->has_cpu_shares;
	cpu->shares = (uint64_t)given->cpu_shares;
	cpu->has_quota = given->has_cpu_quota;
	cpu->quota = given->cpu_quota;
	cpu->has_period = given->has_cpu_period;
	cpu->period = (uint64_t)given->cpu_period;
	cpu->has_burst = given->has_cpu_burst;
	cpu->burst = (uint64_t)given->cpu_burst;
	cpu->has_idle = given->has_cpu_idle;
	cpu->idle = given->cpu_idle;
	cpu->has_realtime_period = given->has_rt_period;
	cpu->realtime_period = (uint64_t)given->rt_period;
	cpu->has_realtime_runtime = given->has_rt_runtime;
	cpu->realtime_runtime = given->rt_runtime;
	cpu->cpus = str_dup(given->cpus);
	cpu->mems = str_dup(given->mems);
}

static int take_options(
	const struct update_options *given, struct oci_resources *ret, struct error *err)
{
	if (check_signs(given, err) < 0)
		return -1;
	take_memory(given, &ret->memory);
	take_cpu(given, &ret->cpu);
	ret->pids.has_limit = given->has_pids;
	ret->pids.limit = given->pids;
	ret->block_io.has_weight = given->has_blkio_weight;
	ret->block_io.weight = (uint16_t)given->blkio_weight;
	return 0;
}

static bool same_rule(const struct oci_device_rule *a, const struct oci_device_rule *b)
{
	return a->allow == b->allow && a->type == b->type &&
	       a->has_major == b->has_major && a->major == b->major &&
	       a->has_minor == b->has_minor && a->minor == b->minor &&
	       str_equal(a->access, b->access);
}

static bool same_devices(const struct oci_resources *a, const struct oci_resources *b)
{
	for (size_t i = 0; i < a->devices_count && i < b->devices_count; i++)
		if (!same_rule(&a->devices[i], &b->devices[i]))
			return false;
	return a->devices_count == b->devices_count;
}

/* Engines hand over all that a container has, changed in one place. The list of devices that
 * was there is no wish to take away what hooks have added to it since. A limit of processes
 * has its meaning by the version of config.json. */
static int drop_unchanged(const struct container *container,
	struct oci_resources *resources, struct error *err)
{
	auto_oci_config config = { 0 };

	if (!resources->devices_count &&
		(!resources->pids.has_limit || resources->pids.limit != 0))
		return 0;
	if (container_config(container, &config, err) < 0)
		return -1;
	resources_of_version(resources, config.oci_version);
	if (same_devices(resources, &config.linux.resources))
		resources->devices_count = 0;
	return 0;
}

static int update(const struct command_call *call, struct error *err)
{
	const struct update_options *given = call->options;
	auto_container container = CONTAINER_NONE;
	auto_oci_resources resources = { 0 };
	struct oci_resources changes; /* borrows what those have */

	if (call_driver_of_container(call, err) < 0)
		return -1;
	if (given->resources ? read_document(call, &resources, err) < 0
			     : take_options(given, &resources, err) < 0)
		return -1;
	if (call_container(call, CONTAINER_CHANGE, &container, err) < 0)
		return -1;
	if (container_status(&container) == CONTAINER_STOPPED)
		return fail_code(err, ESRCH,
			"cannot update container \"%s\": container not running",
			call->argv[0]);
	changes = resources;
	if (drop_unchanged(&container, &changes, err) < 0)
		return -1;
	if (cgroup_update(&container.state.cgroup, &changes, err) < 0)
		return fail_while(err, "updating \"%s\"", call->argv[0]);
	if (resctrl_update(&container.state.resctrl, given->l3_cache_schema,
		    given->mem_bw_schema, err) < 0)
		return fail_while(err, "updating \"%s\"", call->argv[0]);
	return 0;
}

const struct command command_update = {
	.name = "update",
	.operands = "ID",
	.summary = "change the limits of a container",
	.details =
		"What is not given stays as it is. With --resources the document alone "
		"decides, and other options but those for Intel RDT are not looked at.",
	.options = options,
	.options_size = sizeof(struct update_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = update,
};
