/* The container's cgroups: the limits that hold now, and what is used of them. */
#include <string.h>
#include <unistd.h>

#include "runtime/cgroup/figures.h"
#include "runtime/inspect/inspect.h"

/* Files of both versions; what a directory has not is not told. */
static const char *const limits[] = {
	"memory.min",
	"memory.low",
	"memory.high",
	"memory.max",
	"memory.swap.max",
	"memory.limit_in_bytes",
	"memory.soft_limit_in_bytes",
	"memory.memsw.limit_in_bytes",
	"cpu.weight",
	"cpu.max",
	"cpu.max.burst",
	"cpu.idle",
	"cpu.shares",
	"cpu.cfs_quota_us",
	"cpu.cfs_period_us",
	"cpu.cfs_burst_us",
	"cpuset.cpus",
	"cpuset.mems",
	"pids.max",
	"io.weight",
	"io.max",
	"blkio.weight",
	"net_cls.classid",
};
static const char *const uses[] = {
	"memory.current",
	"memory.peak",
	"memory.swap.current",
	"memory.usage_in_bytes",
	"memory.max_usage_in_bytes",
	"memory.failcnt",
	"cpu.stat",
	"cpuacct.usage",
	"cpuset.cpus.effective",
	"pids.current",
	"cgroup.freeze",
	"freezer.state",
};

/* A file of several lines is told as one. */
static void take(const struct cgroup_dir *dir, const char *const *files, size_t count,
	struct pairs *to)
{
	for (size_t i = 0; i < count; i++) {
		auto_free char *text = figure_text(dir, files[i]);

		if (!text)
			continue;
		for (size_t end = strlen(text); end && text[end - 1] == '\n'; end--)
			text[end - 1] = '\0';
		for (char *at = text; (at = strchr(at, '\n'));)
			*at = ';';
		pairs_set(to, files[i], text);
	}
}

void inspect_cgroups(const struct cgroup *cgroup, struct inspection *to)
{
	to->cgroups = str_alloc((cgroup->dirs_count + 1) * sizeof(*to->cgroups));
	for (size_t i = 0; i < cgroup->dirs_count; i++) {
		const struct cgroup_dir *dir = &cgroup->dirs[i];
		struct inspect_cgroup *one = &to->cgroups[to->cgroups_count];

		if (access(dir->path, F_OK) < 0)
			continue;
		to->cgroups_count++;
		one->hierarchy = str_dup(dir->hierarchy);
		one->path = str_dup(dir->path);
		take(dir, limits, ARRAY_SIZE(limits), &one->limits);
		take(dir, uses, ARRAY_SIZE(uses), &one->use);
	}
}
