/*
 * All of linux.resources but the devices, as a list of writes: finds for each controller
 * the hierarchy that has it, checks what the kernel would not, and says by name what no
 * hierarchy of this machine can limit.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/cgroup/layout.h"
#include "runtime/cgroup/writes.h"
#include "spec/resources.h"

struct controller {
	const char *v1;
	const char *v2; /* NULL: version 2 has nothing like it */
	cgroup_emit_function *emit_v1;
	cgroup_emit_function *emit_v2;
};

static const struct controller controllers[] = {
	{ "cpuset", "cpuset", cgroup_v1_cpuset, cgroup_v2_cpuset },
	{ "memory", "memory", cgroup_v1_memory, cgroup_v2_memory },
	{ "cpu", "cpu", cgroup_v1_cpu, cgroup_v2_cpu },
	{ "pids", "pids", cgroup_v1_pids, cgroup_v2_pids },
	{ "blkio", "io", cgroup_v1_blkio, cgroup_v2_io },
	{ "hugetlb", "hugetlb", cgroup_v1_hugetlb, cgroup_v2_hugetlb },
	{ "net_cls", NULL, cgroup_v1_net_cls, NULL },
	{ "net_prio", NULL, cgroup_v1_net_prio, NULL },
	{ "rdma", "rdma", cgroup_rdma, cgroup_rdma },
};

static const struct cgroup_dir *find(
	const struct cgroup *cgroup, const char *controller, size_t *ret_index)
{
	for (size_t i = 0; i < cgroup->dirs_count; i++) {
		if (cgroup_hierarchy_has(cgroup->dirs[i].hierarchy, controller)) {
			*ret_index = i;
			return &cgroup->dirs[i];
		}
	}
	return NULL;
}

static const struct cgroup_write *first_limit(const struct cgroup_writes *writes)
{
	for (size_t i = 0; i < writes->count; i++) {
		if (!(writes->items[i].flags & WRITE_NO_LIMIT))
			return &writes->items[i];
	}
	return NULL;
}

/* Nothing here has the controller: fine as long as no limit is asked of it. */
static int expect_nothing(const struct cgroup_limits_request *request,
	const struct controller *controller, struct error *err)
{
	auto_cgroup_writes asked = { 0 };
	struct cgroup_emit to = { .writes = &asked, .prefix = request->prefix };
	const struct cgroup_write *limit;

	if (controller->emit_v1(&to, request->resources, err) < 0)
		return -1;
	limit = first_limit(&asked);
	if (!limit)
		return 0;
	if (!request->cgroup->dirs_count)
		return fail(
			err, "%s: this container has no cgroup to limit", limit->field);
	return fail(err,
		"%s: no cgroup hierarchy of this machine has the controller \"%s\"",
		limit->field, controller->v1);
}

static int emit_controller(const struct cgroup_limits_request *request,
	const struct controller *controller, struct cgroup_writes *writes,
	struct error *err)
{
	struct cgroup_emit to = {
		.writes = writes, .prefix = request->prefix, .update = request->update
	};

	if (find(request->cgroup, controller->v1, &to.dir))
		return controller->emit_v1(&to, request->resources, err);
	if (controller->v2 && strings_contain(request->controllers, controller->v2) &&
		find(request->cgroup, CGROUP_UNIFIED, &to.dir))
		return controller->emit_v2(&to, request->resources, err);
	return expect_nothing(request, controller, err);
}

/* Raw files of version 2: "memory.high": "512M". */
static int emit_unified(const struct cgroup_limits_request *request,
	struct cgroup_writes *writes, struct error *err)
{
	const struct pairs *unified = &request->resources->unified;
	struct cgroup_emit to = { .writes = writes, .prefix = request->prefix };

	if (!unified->count)
		return 0;
	if (!find(request->cgroup, CGROUP_UNIFIED, &to.dir))
		return fail(err, "%s/unified/%s: this container has no cgroup v2",
			request->prefix, unified->items[0].key);
	for (size_t i = 0; i < unified->count; i++) {
		const char *file = unified->items[i].key;
		auto_free char *field = str_format("unified/%s", file);

		if (strchr(file, '/') || !strchr(file, '.'))
			return fail(err,
				"%s/%s: expected a file of cgroup v2 such as \"memory.high\"",
				request->prefix, field);
		cgroup_emit(&to, 0, field, file, "%s", unified->items[i].value);
	}
	return 0;
}

/* The size is part of a file's name. */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && strchr("KMG", text[digits]) && text[digits] &&
	       str_equal(text + digits + 1, "B");
}

static int check_io(const struct oci_block_io *io, const char *prefix, struct error *err)
{
	if (io->weight && (io->weight < 10 || io->weight > 1000))
		return fail(err, "%s/blockIO/weight: %u is not in 10 to 1000", prefix,
			io->weight);
	for (size_t i = 0; i < io->weight_device_count; i++)
		if (io->weight_device[i].weight &&
			(io->weight_device[i].weight < 10 ||
				io->weight_device[i].weight > 1000))
			return fail(err,
				"%s/blockIO/weightDevice/%zu/weight: %u is not in 10 to 1000",
				prefix, i, io->weight_device[i].weight);
	return 0;
}

static int check_names(
	const struct oci_resources *resources, const char *prefix, struct error *err)
{
	for (size_t i = 0; i < resources->hugepage_limits_count; i++)
		if (!is_page_size(resources->hugepage_limits[i].page_size))
			return fail(err,
				"%s/hugepageLimits/%zu/pageSize: expected a size such as "
				"\"2MB\", found \"%s\"",
				prefix, i, resources->hugepage_limits[i].page_size);
	for (size_t i = 0; i < resources->network.priorities_count; i++)
		if (strpbrk(resources->network.priorities[i].name, " \t\n/"))
			return fail(err,
				"%s/network/priorities/%zu/name: \"%s\" is no interface's name",
				prefix, i, resources->network.priorities[i].name);
	for (size_t i = 0; i < resources->rdma_count; i++)
		if (strpbrk(resources->rdma[i].device, " \t\n"))
			return fail(err, "%s/rdma: \"%s\" is no device's name", prefix,
				resources->rdma[i].device);
	return 0;
}

static int check_figures(
	const struct oci_resources *resources, const char *prefix, struct error *err)
{
	const struct oci_cpu *cpu = &resources->cpu;
	const struct oci_memory *memory = &resources->memory;

	if (memory->has_swappiness && memory->swappiness > 100)
		return fail(err, "%s/memory/swappiness: %" PRIu64 " is not in 0 to 100",
			prefix, memory->swappiness);
	if (memory->limit < -1 || memory->swap < -1 || memory->reservation < -1)
		return fail(err,
			"%s/memory: a limit is a number of bytes, or -1 for none",
			prefix);
	if (memory->limit > 0 && memory->swap > 0 && memory->swap < memory->limit)
		return fail(err,
			"%s/memory/swap: %" PRId64
			" counts memory and swap together, and is "
			"below the memory limit %" PRId64,
			prefix, memory->swap, memory->limit);
	if (cpu->quota > 0 && cpu->burst > (uint64_t)cpu->quota)
		return fail(err, "%s/cpu/burst: %" PRIu64 " is above the quota %" PRId64,
			prefix, cpu->burst, cpu->quota);
	if (cpu->has_idle && cpu->idle != 0 && cpu->idle != 1)
		return fail(err, "%s/cpu/idle: expected 0 or 1, found %" PRId64, prefix,
			cpu->idle);
	return check_io(&resources->block_io, prefix, err);
}

int cgroup_limits(const struct cgroup_limits_request *request, struct cgroup_writes *ret,
	struct error *err)
{
	auto_cgroup_writes writes = { 0 };

	if (check_figures(request->resources, request->prefix, err) < 0 ||
		check_names(request->resources, request->prefix, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (emit_controller(request, &controllers[i], &writes, err) < 0)
			return -1;
	if (emit_unified(request, &writes, err) < 0)
		return -1;
	*ret = writes;
	writes = (struct cgroup_writes){ 0 };
	return 0;
}
