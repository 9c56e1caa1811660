/* The namespaces of the first process, and who else is in them: a look at every process of
 * the machine that this user may look at. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "runtime/inspect/inspect.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/process/procfs.h"
#include "spec/names.h"

#define OTHERS_MAX 16 /* listed of each namespace; the host's own has them all */

static void list_namespaces(pid_t pid, struct inspection *to)
{
	to->namespaces = str_alloc(NAMESPACE_KINDS * sizeof(*to->namespaces));
	for (const struct word *word = namespace_words; word->word; word++) {
		uint64_t inode = namespaces_inode(pid, word->number);

		if (!inode) /* a kind that this kernel lacks */
			continue;
		to->namespaces[to->namespaces_count++] = (struct inspect_namespace){
			.type = word->number,
			.inode = inode,
			.path = str_format(
				"/proc/%d/ns/%s", pid, namespace_file(word->number)),
			.host = namespaces_shared(pid, word->number),
		};
	}
}

static void add_other(struct inspect_namespace *to, pid_t pid)
{
	if (to->others_count == OTHERS_MAX) {
		to->more++;
		return;
	}
	if (!to->others)
		to->others = str_alloc(OTHERS_MAX * sizeof(*to->others));
	to->others[to->others_count++] = (struct inspect_companion){
		.pid = pid,
		.command = procfs_command(pid),
	};
}

static void look_at(pid_t pid, struct inspection *to)
{
	for (size_t i = 0; i < to->namespaces_count; i++) {
		struct inspect_namespace *namespace = &to->namespaces[i];

		if (namespaces_inode(pid, namespace->type) == namespace->inode)
			add_other(namespace, pid);
	}
}

static void find_others(const struct cgroup_pids *pids, struct inspection *to)
{
	auto_dir proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = path_next(proc))) {
		pid_t pid = atoi(entry->d_name); /* 0: no process's */

		if (pid > 0 && pid != getpid() && !cgroup_pids_have(pids, pid))
			look_at(pid, to);
	}
}

/* Names the container of those that are in its cgroup. */
static void claim(const char *id, const struct cgroup_pids *pids, struct inspection *to)
{
	for (size_t i = 0; i < to->namespaces_count; i++) {
		struct inspect_namespace *namespace = &to->namespaces[i];

		for (size_t j = 0; j < namespace->others_count; j++) {
			struct inspect_companion *other = &namespace->others[j];

			if (!other->container && cgroup_pids_have(pids, other->pid))
				other->container = str_dup(id);
		}
	}
}

static bool has_others(const struct inspection *inspection)
{
	for (size_t i = 0; i < inspection->namespaces_count; i++) {
		if (inspection->namespaces[i].others_count)
			return true;
	}
	return false;
}

static void name_containers(const struct container *container, struct inspection *to)
{
	auto_strings ids = { 0 };
	struct error gone;

	if (!has_others(to) || container_ids(container->root, &ids, &gone) < 0)
		return;
	strings_each (id, &ids) {
		auto_container other = CONTAINER_NONE;
		auto_cgroup_pids pids = { 0 };

		if (str_equal(*id, container->state.id) ||
			container_open(
				container->root, *id, CONTAINER_READ, &other, &gone) < 0)
			continue;
		if (container_pids(&other, &pids, &gone) == 0)
			claim(*id, &pids, to);
	}
}

void inspect_namespaces(const struct container *container, const struct cgroup_pids *pids,
	struct inspection *to)
{
	list_namespaces(container->state.pid, to);
	find_others(pids, to);
	name_containers(container, to);
}
