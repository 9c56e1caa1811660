/*
 * What a container uses, as `events --stats` prints it: one struct that both versions
 * fill, and the table that writes it as JSON with runc's names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "runtime/cgroup/cgroup.h"

struct figure_usage { /* of memory, in bytes */
	uint64_t limit;
	uint64_t usage;
	uint64_t max;
	uint64_t failcnt;
};

struct figure_cpu { /* of one CPU, in nanoseconds */
	uint64_t total;
	uint64_t kernel, user; /* 0: not counted */
};

struct figure_io { /* of one block device and one operation */
	uint64_t major;
	uint64_t minor;
	char *op; /* "Read" */
	uint64_t value;
};

struct figure_io_list {
	struct figure_io *items;
	size_t items_count;
};

struct figure_counter {
	char *name;
	uint64_t value;
};

struct figure_hugetlb {
	char *page_size; /* "2MB" */
	uint64_t usage;
	uint64_t max;
	uint64_t failcnt;
};

/* How long processes waited, of a "some" or "full" line: shares of the time in percent,
 * and the sum in microseconds. Version 2 with a kernel that counts it. */
struct figure_stall {
	double avg10, avg60, avg300;
	uint64_t total;
};

struct figure_pressure {
	bool known;
	struct figure_stall some, full;
};

/* Of version 1's cpuset: the files cpuset.NAME, in the order of runc's. */
#define FIGURE_CPUSET_NAMES                                                    \
	"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate",    \
		"memory_spread_page", "memory_spread_slab", "memory_pressure", \
		"sched_load_balance", "sched_relax_domain_level"
#define FIGURE_CPUSET_COUNT 9

struct cgroup_figures {
	/* nanoseconds */
	uint64_t cpu_total, cpu_kernel, cpu_user;
	struct figure_cpu *cpus_used; /* each CPU; version 1 only */
	size_t cpus_used_count;
	uint64_t periods, throttled_periods, throttled_time;
	struct figure_usage memory, swap, kernel, kernel_tcp;
	uint64_t cache;
	struct figure_counter *memory_raw; /* all of memory.stat */
	size_t memory_raw_count;
	uint64_t pids, pids_limit; /* a limit of 0: none */
	struct figure_io_list io_bytes, io_operations;
	struct figure_hugetlb *hugetlb;
	size_t hugetlb_count;
	struct json_u32s cpus, mems; /* of the cpuset */
	struct figure_pressure cpu_pressure, memory_pressure, io_pressure;
	int64_t cpuset[FIGURE_CPUSET_COUNT];
};

#define auto_figures __attribute__((cleanup(cgroup_figures_free))) struct cgroup_figures

void cgroup_figures_free(struct cgroup_figures *figures);

/* Reads what there is; a controller that is absent leaves zeros. */
int cgroup_figures_read(const struct cgroup *cgroup, struct cgroup_figures *ret,
	struct error *err) must_check;

/* Appends the JSON object. */
void cgroup_figures_write(const struct cgroup_figures *figures, struct str *to);

/* Files of figures: absent ones are zeros. "max" is UINT64_MAX. */
uint64_t figure_value(const struct cgroup_dir *dir, const char *file);
/* "name value" lines; returns how many of the file there were. */
size_t figure_counters(
	const struct cgroup_dir *dir, const char *file, struct figure_counter **ret);
uint64_t figure_counter(
	const struct figure_counter *counters, size_t count, const char *name);
void figure_counters_free(struct figure_counter *counters, size_t count);
char *figure_text(const struct cgroup_dir *dir, const char *file); /* NULL: absent */

void cgroup_figures_v1(const struct cgroup *cgroup, struct cgroup_figures *to);
void cgroup_figures_v2(const struct cgroup_dir *dir, const struct cgroup *cgroup,
	struct cgroup_figures *to);
