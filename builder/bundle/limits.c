/* Limits of the container's cgroup, and its devices. */
#include "builder/bundle/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/str.h"
#include "builder/rootless.h"

#define CPU_PERIOD 100000 /* microseconds */
#define CPUS_MAX   8192.0

static int add_cpus(const char *text, struct oci_cpu *cpu, struct error *err)
{
	char *end = NULL;
	double cpus =
		isdigit((unsigned char)*text) || *text == '.' ? strtod(text, &end) : -1;

	if (!end || *end || !(cpus >= 0.01 && cpus <= CPUS_MAX))
		return fail(err,
			"--cpus \"%s\": expected a number of processors such as 1.5",
			text);
	cpu->has_period = true;
	cpu->period = CPU_PERIOD;
	cpu->has_quota = true;
	cpu->quota = (int64_t)(cpus * CPU_PERIOD + 0.5);
	return 0;
}

/* "0-3,7" */
static bool is_cpu_list(const char *text)
{
	for (;;) {
		unsigned long first, last;
		char *end;

		if (!isdigit((unsigned char)*text))
			return false;
		first = last = strtoul(text, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return false;
			last = strtoul(end + 1, &end, 10);
		}
		if (first > last || last >= (unsigned long)CPUS_MAX)
			return false;
		if (*end != ',')
			return !*end;
		text = end + 1;
	}
}

static int add_cpu(
	const struct bundle_request *request, struct oci_cpu *cpu, struct error *err)
{
	if (request->cpuset && !is_cpu_list(request->cpuset))
		return fail(err,
			"--cpuset-cpus \"%s\": expected numbers of processors such as 0-3,7",
			request->cpuset);
	if (request->has_cpu_shares && request->cpu_shares < 2)
		return fail(err, "--cpu-shares: expected 2 or more; 1024 is usual");
	cpu->cpus = str_dup(request->cpuset);
	cpu->has_shares = request->has_cpu_shares;
	cpu->shares = (uint64_t)request->cpu_shares;
	return request->cpus ? add_cpus(request->cpus, cpu, err) : 0;
}

static int add_pids(
	const struct bundle_request *request, struct oci_pids *pids, struct error *err)
{
	if (!request->has_pids_limit)
		return 0;
	if (request->pids_limit == 0)
		return fail(err,
			"--pids-limit 0: nothing could be started; expected more, or "
			"-1 for no limit");
	if (request->pids_limit < -1)
		return fail(err,
			"--pids-limit %" PRId64
			": expected 1 or more, or -1 for no limit",
			request->pids_limit);
	pids->has_limit = true;
	pids->limit = request->pids_limit;
	return 0;
}

static struct oci_device_rule *add_rule(struct oci_resources *resources, bool allow)
{
	struct oci_device_rule *rule;

	resources->devices = str_realloc(resources->devices, resources->devices_count + 1,
		sizeof(*resources->devices));
	rule = &resources->devices[resources->devices_count++];
	*rule = (struct oci_device_rule){
		.allow = allow,
		.access = str_dup("rwm"),
	};
	return rule;
}

/* Runtimes allow null, zero, full, random, urandom, tty and ptmx themselves. */
static void add_devices(
	const struct bundle_request *request, struct oci_resources *resources)
{
	static const int64_t kinds[] = { 'c', 'b' };
	struct oci_device_rule *rule = add_rule(resources, request->privileged);

	if (request->privileged)
		rule->type = 'a';
	/* A step may put nodes into its image, though it can open none of them. */
	for (size_t i = 0; request->for_step && i < ARRAY_SIZE(kinds); i++) {
		rule = add_rule(resources, true);
		rule->type = kinds[i];
		free(rule->access);
		rule->access = str_dup("m");
	}
}

static int add_memory(const struct bundle_request *request, struct oci_memory *memory,
	struct error *err)
{
	if (request->has_memory && request->memory == 0)
		return fail(err,
			"--memory 0: expected a size such as 512m, or -1 for no limit");
	if (request->has_memory_swap && !request->has_memory)
		return fail(err, "--memory-swap is the sum with --memory: give both");
	if (request->has_memory_swap && request->memory_swap != -1 &&
		(request->memory == -1 || request->memory_swap < request->memory))
		return fail(err, "--memory-swap is the sum with --memory, and less than "
				 "that here");
	memory->has_limit = request->has_memory;
	memory->limit = request->memory;
	memory->has_swap = request->has_memory_swap;
	memory->swap = request->memory_swap;
	return 0;
}

int bundle_add_limits(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	const struct bundle_request *request = input->request;
	struct oci_resources *resources = &config->linux.resources;

	config->linux.cgroups_path = str_dup(request->cgroups_path);
	if (!rootless_here()) /* a user has no cgroup that could refuse a device */
		add_devices(request, resources);
	return add_memory(request, &resources->memory, err) < 0 ||
			       add_pids(request, &resources->pids, err) < 0
		       ? -1
		       : add_cpu(request, &resources->cpu, err);
}
