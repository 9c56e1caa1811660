/* The figures of a container: reading files of numbers, and writing JSON. */
#include "runtime/cgroup/figures.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"

#define FILE_MAX (4u << 20)

void cgroup_figures_free(struct cgroup_figures *figures)
{
	figure_counters_free(figures->memory_raw, figures->memory_raw_count);
	for (size_t i = 0; i < figures->hugetlb_count; i++)
		free(figures->hugetlb[i].page_size);
	for (size_t i = 0; i < figures->io_bytes.items_count; i++)
		free(figures->io_bytes.items[i].op);
	for (size_t i = 0; i < figures->io_operations.items_count; i++)
		free(figures->io_operations.items[i].op);
	free(figures->io_bytes.items);
	free(figures->io_operations.items);
	free(figures->hugetlb);
	free(figures->cpus_used);
	free(figures->cpus.items);
	free(figures->mems.items);
	*figures = (struct cgroup_figures){ 0 };
}

char *figure_text(const struct cgroup_dir *dir, const char *file)
{
	auto_free char *path = path_join(dir->path, file);
	char *text = NULL;
	struct error absent;

	return file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL, &absent) < 0 ? NULL
										: text;
}

static uint64_t number(const char *text)
{
	return str_after(text, "max") ? UINT64_MAX : strtoull(text, NULL, 10);
}

uint64_t figure_value(const struct cgroup_dir *dir, const char *file)
{
	auto_free char *text = figure_text(dir, file);

	return text ? number(text) : 0;
}

size_t figure_counters(
	const struct cgroup_dir *dir, const char *file, struct figure_counter **ret)
{
	auto_free char *text = figure_text(dir, file);
	struct figure_counter *counters = NULL;
	size_t count = 0;
	char *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
		line = strtok_r(NULL, "\n", &rest)) {
		char *space = strchr(line, ' ');

		if (!space)
			continue;
		counters = str_realloc(counters, count + 1, sizeof(*counters));
		counters[count++] = (struct figure_counter){
			.name = str_dup_n(line, (size_t)(space - line)),
			.value = number(space + 1),
		};
	}
	*ret = counters;
	return count;
}

uint64_t figure_counter(
	const struct figure_counter *counters, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(counters[i].name, name))
			return counters[i].value;
	return 0;
}

void figure_counters_free(struct figure_counter *counters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(counters[i].name);
	free(counters);
}

int cgroup_figures_read(
	const struct cgroup *cgroup, struct cgroup_figures *ret, struct error *err)
{
	const struct cgroup_dir *unified = cgroup_unified(cgroup);
	struct cgroup_figures figures = { 0 };

	if (!cgroup->dirs_count)
		return fail(err,
			"this container has no cgroup that would count what it uses");
	if (unified)
		cgroup_figures_v2(unified, cgroup, &figures);
	cgroup_figures_v1(cgroup, &figures);
	*ret = figures;
	return 0;
}

/* ---- JSON -------------------------------------------------------------------------- */

static void write_u64(struct str *to, const char *name, uint64_t value)
{
	str_appendf(to, "%s\"%s\":%" PRIu64, to->data[to->length - 1] == '{' ? "" : ",",
		name, value);
}

static void write_key(struct str *to, const char *name, char open)
{
	str_appendf(to, "%s\"%s\":%c", strchr("{[", to->data[to->length - 1]) ? "" : ",",
		name, open);
}

static void write_stall(
	struct str *to, const char *name, const struct figure_stall *stall)
{
	write_key(to, name, '{');
	str_appendf(to, "\"avg10\":%.2f,\"avg60\":%.2f,\"avg300\":%.2f", stall->avg10,
		stall->avg60, stall->avg300);
	write_u64(to, "total", stall->total);
	str_append_char(to, '}');
}

static void write_pressure(struct str *to, const struct figure_pressure *pressure)
{
	if (!pressure->known)
		return;
	write_key(to, "psi", '{');
	write_stall(to, "some", &pressure->some);
	write_stall(to, "full", &pressure->full);
	str_append_char(to, '}');
}

static void write_cpus(struct str *to, const char *name,
	const struct cgroup_figures *figures, size_t member)
{
	write_key(to, name, '[');
	for (size_t i = 0; i < figures->cpus_used_count; i++) {
		const char *cpu = (const char *)&figures->cpus_used[i];
		uint64_t value;

		memcpy(&value, cpu + member, sizeof(value));
		str_appendf(to, "%s%" PRIu64, i ? "," : "", value);
	}
	str_append_char(to, ']');
}

static void write_cpu(const struct cgroup_figures *figures, struct str *to)
{
	write_key(to, "cpu", '{');
	write_key(to, "usage", '{');
	write_u64(to, "total", figures->cpu_total);
	if (figures->cpus_used_count) {
		write_cpus(to, "percpu", figures, offsetof(struct figure_cpu, total));
		write_cpus(to, "percpu_kernel", figures,
			offsetof(struct figure_cpu, kernel));
		write_cpus(to, "percpu_user", figures, offsetof(struct figure_cpu, user));
	}
	write_u64(to, "kernel", figures->cpu_kernel);
	write_u64(to, "user", figures->cpu_user);
	str_append_char(to, '}');
	write_key(to, "throttling", '{');
	write_u64(to, "periods", figures->periods);
	write_u64(to, "throttledPeriods", figures->throttled_periods);
	write_u64(to, "throttledTime", figures->throttled_time);
	str_append_char(to, '}');
	write_pressure(to, &figures->cpu_pressure);
	str_append_char(to, '}');
}

static void write_usage(
	struct str *to, const char *name, const struct figure_usage *usage)
{
	write_key(to, name, '{');
	write_u64(to, "limit", usage->limit);
	write_u64(to, "usage", usage->usage);
	write_u64(to, "max", usage->max);
	write_u64(to, "failcnt", usage->failcnt);
	str_append_char(to, '}');
}

static void write_memory(const struct cgroup_figures *figures, struct str *to)
{
	write_key(to, "memory", '{');
	write_u64(to, "cache", figures->cache);
	write_usage(to, "usage", &figures->memory);
	write_usage(to, "swap", &figures->swap);
	write_usage(to, "kernel", &figures->kernel);
	write_usage(to, "kernelTCP", &figures->kernel_tcp);
	write_key(to, "raw", '{');
	for (size_t i = 0; i < figures->memory_raw_count; i++)
		write_u64(to, figures->memory_raw[i].name, figures->memory_raw[i].value);
	str_append_char(to, '}');
	write_pressure(to, &figures->memory_pressure);
	str_append_char(to, '}');
}

static void write_numbers(struct str *to, const char *name, const struct json_u32s *list)
{
	write_key(to, name, '[');
	for (size_t i = 0; i < list->count; i++)
		str_appendf(to, "%s%u", i ? "," : "", list->items[i]);
	str_append_char(to, ']');
}

static void write_io(struct str *to, const char *name, const struct figure_io_list *list)
{
	write_key(to, name, '[');
	for (size_t i = 0; i < list->items_count; i++) {
		const struct figure_io *io = &list->items[i];

		str_append(to, i ? ",{" : "{");
		write_u64(to, "major", io->major);
		write_u64(to, "minor", io->minor);
		write_key(to, "op", '"');
		str_appendf(to, "%s\"", io->op);
		write_u64(to, "value", io->value);
		str_append_char(to, '}');
	}
	str_append_char(to, ']');
}

static void write_hugetlb(const struct cgroup_figures *figures, struct str *to)
{
	write_key(to, "hugetlb", '{');
	for (size_t i = 0; i < figures->hugetlb_count; i++) {
		const struct figure_hugetlb *pages = &figures->hugetlb[i];

		write_key(to, pages->page_size, '{');
		write_u64(to, "usage", pages->usage);
		write_u64(to, "max", pages->max);
		write_u64(to, "failcnt", pages->failcnt);
		str_append_char(to, '}');
	}
	str_append_char(to, '}');
}

static void write_cpuset(const struct cgroup_figures *figures, struct str *to)
{
	static const char *const names[] = { FIGURE_CPUSET_NAMES };

	write_key(to, "cpuset", '{');
	write_numbers(to, "cpus", &figures->cpus);
	write_numbers(to, "mems", &figures->mems);
	for (size_t i = 0; i < FIGURE_CPUSET_COUNT; i++)
		str_appendf(to, ",\"%s\":%" PRId64, names[i], figures->cpuset[i]);
	str_append_char(to, '}');
}

void cgroup_figures_write(const struct cgroup_figures *figures, struct str *to)
{
	str_append_char(to, '{');
	write_cpu(figures, to);
	write_cpuset(figures, to);
	write_memory(figures, to);
	write_key(to, "pids", '{');
	write_u64(to, "current", figures->pids);
	write_u64(to, "limit", figures->pids_limit);
	str_append_char(to, '}');
	write_key(to, "blkio", '{');
	write_io(to, "ioServiceBytesRecursive", &figures->io_bytes);
	write_io(to, "ioServicedRecursive", &figures->io_operations);
	write_pressure(to, &figures->io_pressure);
	str_append_char(to, '}');
	write_hugetlb(figures, to);
	str_append_char(to, '}');
}

int cgroup_stats(const struct cgroup *cgroup, struct str *to, struct error *err)
{
	auto_figures figures = { 0 };

	if (cgroup_figures_read(cgroup, &figures, err) < 0)
		return -1;
	cgroup_figures_write(&figures, to);
	return 0;
}
