/* The rules for resources. What a controller of this machine can do is not asked here. */
#include <string.h>

#include "spec/validate_private.h"

static void check_devices(struct validation *validation,
	const struct oci_resources *resources, const char *pointer)
{
	for (size_t i = 0; i < resources->devices_count; i++) {
		const struct oci_device_rule *rule = &resources->devices[i];
		struct place place = at("%s/devices/%zu", pointer, i);

		if ((rule->has_major && rule->major < -1) ||
			(rule->has_minor && rule->minor < -1))
			problem(validation, place,
				"a device number is -1 (all) or at least 0");
		if (rule->access && rule->access[strspn(rule->access, "rwm")])
			problem(validation, at("%.180s/access", place.text),
				"expected letters of \"rwm\", found \"%.20s\"",
				rule->access);
	}
}

static void check_limit(
	struct validation *validation, bool has, int64_t value, struct place place)
{
	if (has && value < -1)
		problem(validation, place,
			"expected -1 (unlimited) or a limit in bytes, found %lld",
			(long long)value);
}

static void check_memory(struct validation *validation, const struct oci_memory *memory,
	const char *pointer)
{
	const struct {
		bool has;
		int64_t value;
		const char *name;
	} limits[] = {
		{ memory->has_limit, memory->limit, "limit" },
		{ memory->has_reservation, memory->reservation, "reservation" },
		{ memory->has_swap, memory->swap, "swap" },
		{ memory->has_kernel, memory->kernel, "kernel" },
		{ memory->has_kernel_tcp, memory->kernel_tcp, "kernelTCP" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		check_limit(validation, limits[i].has, limits[i].value,
			at("%s/memory/%s", pointer, limits[i].name));
	if (memory->has_limit && memory->has_swap && memory->limit > 0 &&
		memory->swap > 0 && memory->swap < memory->limit)
		problem(validation, at("%s/memory/swap", pointer),
			"swap counts memory and swap together: %lld is below the limit of %lld",
			(long long)memory->swap, (long long)memory->limit);
	if (memory->has_swappiness && memory->swappiness > 100)
		problem(validation, at("%s/memory/swappiness", pointer),
			"expected a value from 0 to 100, found %llu",
			(unsigned long long)memory->swappiness);
}

static void check_cpu(
	struct validation *validation, const struct oci_cpu *cpu, const char *pointer)
{
	if (cpu->has_quota && cpu->quota > 0 && cpu->has_burst &&
		cpu->burst > (uint64_t)cpu->quota)
		problem(validation, at("%s/cpu/burst", pointer),
			"the burst (%llu) is above the quota (%lld)",
			(unsigned long long)cpu->burst, (long long)cpu->quota);
	if (cpu->has_idle && cpu->idle != 0 && cpu->idle != 1)
		problem(validation, at("%s/cpu/idle", pointer),
			"expected 0 or 1, found %lld", (long long)cpu->idle);
	if (cpu->cpus && *cpu->cpus)
		validate_number_list(validation, cpu->cpus, at("%s/cpu/cpus", pointer));
	if (cpu->mems && *cpu->mems)
		validate_number_list(validation, cpu->mems, at("%s/cpu/mems", pointer));
}

/* 0 stands for "not set" in what Docker writes. */
static void check_weight(
	struct validation *validation, bool has, uint16_t weight, struct place place)
{
	if (has && weight && (weight < 10 || weight > 1000))
		problem(validation, place, "expected a weight from 10 to 1000, found %u",
			weight);
}

static void check_block_io(
	struct validation *validation, const struct oci_block_io *io, const char *pointer)
{
	check_weight(
		validation, io->has_weight, io->weight, at("%s/blockIO/weight", pointer));
	check_weight(validation, io->has_leaf_weight, io->leaf_weight,
		at("%s/blockIO/leafWeight", pointer));
	for (size_t i = 0; i < io->weight_device_count; i++) {
		const struct oci_weight_device *device = &io->weight_device[i];
		struct place place = at("%s/blockIO/weightDevice/%zu", pointer, i);

		check_weight(validation, device->has_weight, device->weight, place);
		check_weight(
			validation, device->has_leaf_weight, device->leaf_weight, place);
		if (!device->has_weight && !device->has_leaf_weight)
			problem(validation, place, "expected a weight or a leafWeight");
	}
}

/* "64KB", "2MB", "1GB" */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && *text != '0' && strchr("KMG", text[digits]) && text[digits] &&
	       strcmp(text + digits + 1, "B") == 0;
}

static void check_hugepages(struct validation *validation,
	const struct oci_resources *resources, const char *pointer)
{
	for (size_t i = 0; i < resources->hugepage_limits_count; i++) {
		const char *size = resources->hugepage_limits[i].page_size;

		if (!is_page_size(size))
			problem(validation,
				at("%s/hugepageLimits/%zu/pageSize", pointer, i),
				"expected a size such as 64KB, 2MB or 1GB, found \"%.40s\"",
				size);
	}
}

static void check_rdma(struct validation *validation,
	const struct oci_resources *resources, const char *pointer)
{
	for (size_t i = 0; i < resources->rdma_count; i++) {
		const struct oci_rdma *rdma = &resources->rdma[i];

		if (!rdma->has_hca_handles && !rdma->has_hca_objects)
			problem(validation,
				at_key(at("%s/rdma", pointer).text, rdma->device),
				"expected hcaHandles or hcaObjects");
	}
}

/* Files of cgroup v2 by which processes and cgroups are managed: no limits, and what stands
 * in them is the runtime's to say. */
static bool is_managed(const char *file)
{
	static const char *const managed[] = { "cgroup.procs", "cgroup.threads",
		"cgroup.kill", "cgroup.freeze", "cgroup.type", "cgroup.subtree_control" };

	for (size_t i = 0; i < ARRAY_SIZE(managed); i++) {
		if (strcmp(file, managed[i]) == 0)
			return true;
	}
	return false;
}

static void check_unified(struct validation *validation,
	const struct oci_resources *resources, const char *pointer)
{
	for (size_t i = 0; i < resources->unified.count; i++) {
		const char *file = resources->unified.items[i].key;

		if (!*file || strchr(file, '/') || *file == '.')
			problem(validation, at_key(at("%s/unified", pointer).text, file),
				"expected the name of a cgroup's file");
		if (is_managed(file))
			problem(validation, at_key(at("%s/unified", pointer).text, file),
				"it is no limit, and the runtime's own to write");
	}
}

void validate_resources(struct validation *validation,
	const struct oci_resources *resources, const char *pointer)
{
	check_devices(validation, resources, pointer);
	check_memory(validation, &resources->memory, pointer);
	check_cpu(validation, &resources->cpu, pointer);
	if (resources->pids.has_limit && resources->pids.limit < -1)
		problem(validation, at("%s/pids/limit", pointer),
			"expected -1 (unlimited) or a number of processes, found %lld",
			(long long)resources->pids.limit);
	check_block_io(validation, &resources->block_io, pointer);
	check_hugepages(validation, resources, pointer);
	check_rdma(validation, resources, pointer);
	check_unified(validation, resources, pointer);
}
