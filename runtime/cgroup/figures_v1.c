/* What the controllers of version 1 count. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "runtime/cgroup/figures.h"
#include "runtime/cgroup/internal.h"

static void read_cpu(const struct cgroup *cgroup, struct cgroup_figures *to)
{
	const struct cgroup_dir *cpu = cgroup_dir_of(cgroup, "cpu");
	const struct cgroup_dir *account = cgroup_dir_of(cgroup, "cpuacct");
	struct figure_counter *counters = NULL;
	size_t count = cpu ? figure_counters(cpu, "cpu.stat", &counters) : 0;

	if (count) {
		to->periods = figure_counter(counters, count, "nr_periods");
		to->throttled_periods = figure_counter(counters, count, "nr_throttled");
		to->throttled_time = figure_counter(counters, count, "throttled_time");
	}
	figure_counters_free(counters, count);
	if (!account)
		return;
	to->cpu_total = figure_value(account, "cpuacct.usage");
	to->cpu_user = figure_value(account, "cpuacct.usage_user");
	to->cpu_kernel = figure_value(account, "cpuacct.usage_sys");
}

static struct figure_cpu *add_cpu(struct cgroup_figures *to)
{
	to->cpus_used = str_realloc(
		to->cpus_used, to->cpus_used_count + 1, sizeof(to->cpus_used[0]));
	to->cpus_used[to->cpus_used_count] = (struct figure_cpu){ 0 };
	return &to->cpus_used[to->cpus_used_count++];
}

/* "0 USER SYSTEM" a line, after a first of names; a CPU that is away has no line. */
static void read_modes(const struct cgroup_dir *account, struct cgroup_figures *to)
{
	auto_free char *text = figure_text(account, "cpuacct.usage_all");
	char *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
		line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long user, kernel;
		size_t cpu;

		if (sscanf(line, "%zu %llu %llu", &cpu, &user, &kernel) != 3 ||
			cpu >= to->cpus_used_count)
			continue;
		to->cpus_used[cpu].user = user;
		to->cpus_used[cpu].kernel = kernel;
	}
}

static void read_each_cpu(const struct cgroup *cgroup, struct cgroup_figures *to)
{
	const struct cgroup_dir *account = cgroup_dir_of(cgroup, "cpuacct");
	auto_free char *text =
		account ? figure_text(account, "cpuacct.usage_percpu") : NULL;
	char *rest = NULL;

	for (char *word = text ? strtok_r(text, " \n", &rest) : NULL; word;
		word = strtok_r(NULL, " \n", &rest))
		add_cpu(to)->total = strtoull(word, NULL, 10);
	if (to->cpus_used_count)
		read_modes(account, to);
}

static struct figure_usage usage_of(const struct cgroup_dir *dir, const char *name)
{
	auto_free char *limit = str_format("memory.%slimit_in_bytes", name);
	auto_free char *usage = str_format("memory.%susage_in_bytes", name);
	auto_free char *max = str_format("memory.%smax_usage_in_bytes", name);
	auto_free char *failcnt = str_format("memory.%sfailcnt", name);

	return (struct figure_usage){
		.limit = figure_value(dir, limit),
		.usage = figure_value(dir, usage),
		.max = figure_value(dir, max),
		.failcnt = figure_value(dir, failcnt),
	};
}

static void read_memory(const struct cgroup *cgroup, struct cgroup_figures *to)
{
	const struct cgroup_dir *dir = cgroup_dir_of(cgroup, "memory");

	if (!dir)
		return;
	to->memory = usage_of(dir, "");
	to->swap = usage_of(dir, "memsw.");
	to->kernel = usage_of(dir, "kmem.");
	to->kernel_tcp = usage_of(dir, "kmem.tcp.");
	to->memory_raw_count = figure_counters(dir, "memory.stat", &to->memory_raw);
	to->cache = figure_counter(to->memory_raw, to->memory_raw_count, "cache");
}

/* "8:0 Read 4096"; the last line is "Total 4096". */
static void read_io(
	const struct cgroup_dir *dir, const char *file, struct figure_io_list *to)
{
	auto_free char *text = figure_text(dir, file);
	char *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
		line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long major, minor, value;
		char op[16];

		if (sscanf(line, "%llu:%llu %15s %llu", &major, &minor, op, &value) != 4)
			continue;
		to->items =
			str_realloc(to->items, to->items_count + 1, sizeof(to->items[0]));
		to->items[to->items_count++] =
			(struct figure_io){ major, minor, str_dup(op), value };
	}
}

static void read_blkio(const struct cgroup *cgroup, struct cgroup_figures *to)
{
	const struct cgroup_dir *dir = cgroup_dir_of(cgroup, "blkio");

	if (!dir)
		return;
	/* BFQ counts only what went through it. */
	read_io(dir, "blkio.bfq.io_service_bytes_recursive", &to->io_bytes);
	read_io(dir, "blkio.bfq.io_serviced_recursive", &to->io_operations);
	if (!to->io_bytes.items_count)
		read_io(dir, "blkio.throttle.io_service_bytes_recursive", &to->io_bytes);
	if (!to->io_operations.items_count)
		read_io(dir, "blkio.throttle.io_serviced_recursive", &to->io_operations);
}

static void read_hugetlb(const struct cgroup *cgroup, struct cgroup_figures *to)
{
	const struct cgroup_dir *dir = cgroup_dir_of(cgroup, "hugetlb");
	auto_dir entries = dir ? opendir(dir->path) : NULL;
	const struct dirent *entry;

	while (entries && (entry = path_next(entries))) {
		const char *size = str_after(entry->d_name, "hugetlb.");
		const char *dot = size ? strchr(size, '.') : NULL;
		struct figure_hugetlb pages = { 0 };

		if (!dot || !str_equal(dot, ".usage_in_bytes"))
			continue;
		pages.page_size = str_dup_n(size, (size_t)(dot - size));
		pages.usage = figure_value(dir, entry->d_name);
		to->hugetlb = str_realloc(
			to->hugetlb, to->hugetlb_count + 1, sizeof(to->hugetlb[0]));
		to->hugetlb[to->hugetlb_count++] = pages;
	}
}

/* "0-1,3" */
static void read_list(
	const struct cgroup_dir *dir, const char *file, struct json_u32s *to)
{
	auto_free char *text = figure_text(dir, file);
	char *rest = NULL;

	for (char *word = text ? strtok_r(text, ",\n", &rest) : NULL; word;
		word = strtok_r(NULL, ",\n", &rest)) {
		unsigned first = 0, last = 0;
		int fields = sscanf(word, "%u-%u", &first, &last);

		for (; fields > 0 && first <= (fields > 1 ? last : first); first++) {
			to->items = str_realloc(
				to->items, to->count + 1, sizeof(to->items[0]));
			to->items[to->count++] = first;
			if (fields == 1)
				break;
		}
	}
}

static void read_cpuset(const struct cgroup_dir *cpuset, struct cgroup_figures *to)
{
	static const char *const names[] = { FIGURE_CPUSET_NAMES };

	_Static_assert(ARRAY_SIZE(names) == FIGURE_CPUSET_COUNT, "as many as are kept");
	read_list(cpuset, "cpuset.cpus", &to->cpus);
	read_list(cpuset, "cpuset.mems", &to->mems);
	for (size_t i = 0; i < FIGURE_CPUSET_COUNT; i++) {
		auto_free char *file = str_format("cpuset.%s", names[i]);
		auto_free char *text = figure_text(cpuset, file);

		to->cpuset[i] = text ? strtoll(text, NULL, 10) : 0;
	}
}

void cgroup_figures_v1(const struct cgroup *cgroup, struct cgroup_figures *to)
{
	const struct cgroup_dir *pids = cgroup_dir_of(cgroup, "pids");
	const struct cgroup_dir *cpuset = cgroup_dir_of(cgroup, "cpuset");
	uint64_t limit = pids ? figure_value(pids, "pids.max") : 0;

	read_cpu(cgroup, to);
	read_each_cpu(cgroup, to);
	read_memory(cgroup, to);
	read_blkio(cgroup, to);
	read_hugetlb(cgroup, to);
	if (pids) {
		to->pids = figure_value(pids, "pids.current");
		to->pids_limit = limit == UINT64_MAX ? 0 : limit;
	}
	if (cpuset)
		read_cpuset(cpuset, to);
}
