/* The container's processes, and what its first one may do. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/inspect/inspect.h"
#include "runtime/process/procfs.h"
#include "spec/names.h"

/* "NSpid: 812 1": the last is the number in the innermost namespace. */
static int32_t pid_inside(const char *status)
{
	auto_free char *numbers = procfs_field(status, "NSpid");
	const char *last = numbers ? strrchr(numbers, '\t') : NULL;

	return numbers ? atoi(last ? last + 1 : numbers) : 0;
}

void inspect_processes(const struct cgroup_pids *pids, struct inspection *to)
{
	to->processes = str_alloc((pids->count + 1) * sizeof(*to->processes));
	for (size_t i = 0; i < pids->count; i++) {
		auto_free char *status = procfs_read(pids->items[i], "status");
		auto_free char *letter = status ? procfs_field(status, "State") : NULL;

		if (!status)
			continue;
		to->processes[to->processes_count++] = (struct inspect_process){
			.pid = pids->items[i],
			.inside = pid_inside(status),
			.uid = (uint32_t)procfs_number(status, "Uid", 10),
			.state = str_dup_n(letter ? letter : "?", 1),
			.rss = procfs_number(status, "VmRSS", 10) * 1024,
			.command = procfs_command(pids->items[i]),
		};
	}
}

static void name_capabilities(const char *status, const char *field, struct strings *to)
{
	uint64_t mask = procfs_number(status, field, 16);

	for (const struct word *word = capability_words; word->word; word++) {
		if (mask >> word->number & 1)
			strings_add(to, word->word);
	}
}

static char *seccomp_word(uint64_t mode)
{
	static const char *const words[] = { "disabled", "strict", "filter" };

	return str_dup(mode < ARRAY_SIZE(words) ? words[mode] : "unknown");
}

static char *label_of(pid_t pid)
{
	char *label = procfs_read(pid, "attr/current");

	if (label)
		label[strcspn(label, "\n")] = '\0';
	if (label && !*label)
		free(take_ptr(&label));
	return label;
}

void inspect_security(pid_t pid, struct inspect_security *to)
{
	auto_free char *status = procfs_read(pid, "status");
	auto_free char *score = procfs_read(pid, "oom_score_adj");

	if (!status)
		return;
	to->uid = (uint32_t)procfs_number(status, "Uid", 10);
	to->gid = (uint32_t)procfs_number(status, "Gid", 10);
	name_capabilities(status, "CapBnd", &to->bounding);
	name_capabilities(status, "CapEff", &to->effective);
	name_capabilities(status, "CapPrm", &to->permitted);
	name_capabilities(status, "CapInh", &to->inheritable);
	name_capabilities(status, "CapAmb", &to->ambient);
	to->seccomp = seccomp_word(procfs_number(status, "Seccomp", 10));
	to->filters = (uint32_t)procfs_number(status, "Seccomp_filters", 10);
	to->no_new_privileges = procfs_number(status, "NoNewPrivs", 10);
	to->label = label_of(pid);
	to->oom_score_adj = score ? atoi(score) : 0;
}
