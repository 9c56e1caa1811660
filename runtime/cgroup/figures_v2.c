/* What the controllers of version 2 count, in version 1's units: nanoseconds, and swap
 * together with memory. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "runtime/cgroup/figures.h"
#include "runtime/cgroup/internal.h"

#define NS_PER_US 1000

static void read_cpu(const struct cgroup_dir *dir, struct cgroup_figures *to)
{
	struct figure_counter *counters = NULL;
	size_t count = figure_counters(dir, "cpu.stat", &counters);

	to->cpu_total = figure_counter(counters, count, "usage_usec") * NS_PER_US;
	to->cpu_user = figure_counter(counters, count, "user_usec") * NS_PER_US;
	to->cpu_kernel = figure_counter(counters, count, "system_usec") * NS_PER_US;
	to->periods = figure_counter(counters, count, "nr_periods");
	to->throttled_periods = figure_counter(counters, count, "nr_throttled");
	to->throttled_time =
		figure_counter(counters, count, "throttled_usec") * NS_PER_US;
	figure_counters_free(counters, count);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

static void read_memory(const struct cgroup_dir *dir, struct cgroup_figures *to)
{
	struct figure_counter *events = NULL;
	size_t count;

	to->memory_raw_count = figure_counters(dir, "memory.stat", &to->memory_raw);
	if (!to->memory_raw_count)
		return;
	to->cache = figure_counter(to->memory_raw, to->memory_raw_count, "file");
	to->memory.usage = figure_value(dir, "memory.current");
	to->memory.limit = figure_value(dir, "memory.max");
	to->memory.max = figure_value(dir, "memory.peak");
	count = figure_counters(dir, "memory.events", &events);
	to->memory.failcnt = figure_counter(events, count, "max");
	figure_counters_free(events, count);
	to->swap.usage = sum(to->memory.usage, figure_value(dir, "memory.swap.current"));
	to->swap.limit = sum(to->memory.limit, figure_value(dir, "memory.swap.max"));
	to->kernel.usage = figure_counter(to->memory_raw, to->memory_raw_count, "kernel");
	to->kernel_tcp.usage =
		figure_counter(to->memory_raw, to->memory_raw_count, "sock");
}

static void add_io(struct figure_io_list *to, unsigned long long major,
	unsigned long long minor, const char *op, const char *line, const char *key)
{
	const char *at = strstr(line, key);

	to->items = str_realloc(to->items, to->items_count + 1, sizeof(to->items[0]));
	to->items[to->items_count++] = (struct figure_io){
		.major = major,
		.minor = minor,
		.op = str_dup(op),
		.value = at ? strtoull(at + strlen(key), NULL, 10) : 0,
	};
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" */
static void read_io(const struct cgroup_dir *dir, struct cgroup_figures *to)
{
	auto_free char *text = figure_text(dir, "io.stat");
	char *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
		line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long major, minor;

		if (sscanf(line, "%llu:%llu ", &major, &minor) != 2)
			continue;
		add_io(&to->io_bytes, major, minor, "Read", line, " rbytes=");
		add_io(&to->io_bytes, major, minor, "Write", line, " wbytes=");
		add_io(&to->io_bytes, major, minor, "Discard", line, " dbytes=");
		add_io(&to->io_operations, major, minor, "Read", line, " rios=");
		add_io(&to->io_operations, major, minor, "Write", line, " wios=");
		add_io(&to->io_operations, major, minor, "Discard", line, " dios=");
	}
}

/* hugetlb.2MB.current */
static void read_hugetlb(const struct cgroup_dir *dir, struct cgroup_figures *to)
{
	auto_dir entries = opendir(dir->path);
	const struct dirent *entry;

	while (entries && (entry = path_next(entries))) {
		const char *size = str_after(entry->d_name, "hugetlb.");
		const char *dot = size ? strchr(size, '.') : NULL;

		if (!dot || !str_equal(dot, ".current"))
			continue;
		to->hugetlb = str_realloc(
			to->hugetlb, to->hugetlb_count + 1, sizeof(to->hugetlb[0]));
		to->hugetlb[to->hugetlb_count++] = (struct figure_hugetlb){
			.page_size = str_dup_n(size, (size_t)(dot - size)),
			.usage = figure_value(dir, entry->d_name),
		};
	}
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and a line "full"; a kernel that is
 * told not to count refuses the read. */
static void read_pressure(
	const struct cgroup_dir *dir, const char *file, struct figure_pressure *to)
{
	auto_free char *text = figure_text(dir, file);
	char *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
		line = strtok_r(NULL, "\n", &rest)) {
		struct figure_stall stall;
		char word[8];

		if (sscanf(line, "%7s avg10=%lf avg60=%lf avg300=%lf total=%" SCNu64,
			    word, &stall.avg10, &stall.avg60, &stall.avg300,
			    &stall.total) != 5)
			continue;
		*(str_equal(word, "full") ? &to->full : &to->some) = stall;
		to->known = true;
	}
}

void cgroup_figures_v2(const struct cgroup_dir *dir, const struct cgroup *cgroup,
	struct cgroup_figures *to)
{
	uint64_t limit = figure_value(dir, "pids.max");

	/* On a hybrid machine version 1 counts what it has. */
	if (!cgroup_dir_of(cgroup, "cpuacct"))
		read_cpu(dir, to);
	if (!cgroup_dir_of(cgroup, "memory"))
		read_memory(dir, to);
	if (!cgroup_dir_of(cgroup, "blkio"))
		read_io(dir, to);
	read_hugetlb(dir, to);
	read_pressure(dir, "cpu.pressure", &to->cpu_pressure);
	read_pressure(dir, "memory.pressure", &to->memory_pressure);
	read_pressure(dir, "io.pressure", &to->io_pressure);
	to->pids = figure_value(dir, "pids.current");
	to->pids_limit = limit == UINT64_MAX ? 0 : limit;
}
