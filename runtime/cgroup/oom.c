/*
 * Being told when a container runs out of memory: version 1 by an eventfd registered in
 * cgroup.event_control, version 2 by changes of memory.events, which is read then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup/figures.h"
#include "runtime/cgroup/internal.h"

static int open_v1(
	const struct cgroup_dir *dir, struct cgroup_oom *ret, struct error *err)
{
	auto_free char *control = path_join(dir->path, "memory.oom_control");
	auto_free char *registry = path_join(dir->path, "cgroup.event_control");
	auto_fd control_fd = open(control, O_RDONLY | O_CLOEXEC);
	auto_fd fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[32];

	if (control_fd < 0)
		return fail_errno(err, "opening %s", control);
	if (fd < 0)
		return fail_errno(err, "making an event descriptor");
	(void)snprintf(text, sizeof(text), "%d %d", fd, control_fd);
	if (file_write_at(AT_FDCWD, registry, text, err) < 0)
		return -1;
	*ret = (struct cgroup_oom){ .fd = take_fd(&fd),
		.control_fd = take_fd(&control_fd) };
	return 0;
}

/* "oom_kill 2" in memory.events; the file is gone with the cgroup. */
static int count_v2(int control_fd, uint64_t *ret, struct error *err)
{
	char text[1024];
	ssize_t length = pread(control_fd, text, sizeof(text) - 1, 0);
	const char *line;

	if (length < 0)
		return fail_errno(err, "reading memory.events");
	text[length] = '\0';
	line = strstr(text, "oom_kill ");
	*ret = line ? strtoull(line + strlen("oom_kill "), NULL, 10) : 0;
	return 0;
}

static int open_v2(
	const struct cgroup_dir *dir, struct cgroup_oom *ret, struct error *err)
{
	auto_free char *events = path_join(dir->path, "memory.events");
	auto_fd control_fd = open(events, O_RDONLY | O_CLOEXEC);
	auto_fd fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	uint64_t count;

	if (control_fd < 0)
		return fail_errno(err, "opening %s", events);
	if (fd < 0 || inotify_add_watch(fd, events, IN_MODIFY) < 0)
		return fail_errno(err, "watching %s", events);
	if (count_v2(control_fd, &count, err) < 0)
		return -1;
	*ret = (struct cgroup_oom){
		.fd = take_fd(&fd),
		.control_fd = take_fd(&control_fd),
		.unified = true,
		.count = count,
	};
	return 0;
}

int cgroup_oom_open(
	const struct cgroup *cgroup, struct cgroup_oom *ret, struct error *err)
{
	const struct cgroup_dir *v1 = cgroup_dir_of(cgroup, "memory");
	const struct cgroup_dir *v2 = cgroup_unified(cgroup);

	if (v1)
		return open_v1(v1, ret, err);
	if (v2)
		return open_v2(v2, ret, err);
	return fail(err, "this container has no cgroup that would tell of memory");
}

int cgroup_oom_count(struct cgroup_oom *oom, uint64_t *ret, struct error *err)
{
	char events[4096], state[256];
	uint64_t count;
	ssize_t length =
		read(oom->fd, events, oom->unified ? sizeof(events) : sizeof(count));

	if (length < 0 && errno != EAGAIN)
		return fail_errno(err, "reading the memory events");
	if (oom->unified)
		return count_v2(oom->control_fd, ret, err);
	/* Version 1 also reports the removal of the cgroup, after which nothing of it can
	 * be read. */
	if (length == sizeof(count) &&
		pread(oom->control_fd, state, sizeof(state), 0) >= 0) {
		memcpy(&count, events, sizeof(count));
		oom->count += count;
	}
	*ret = oom->count;
	return 0;
}

void cgroup_oom_close(struct cgroup_oom *oom)
{
	cleanup_fd(&oom->fd);
	cleanup_fd(&oom->control_fd);
}

uint64_t cgroup_oom_kills(const struct cgroup *cgroup)
{
	uint64_t kills = 0;

	for (size_t i = 0; i < cgroup->dirs_count; i++) {
		const struct cgroup_dir *dir = &cgroup->dirs[i];
		bool unified = str_equal(dir->hierarchy, CGROUP_UNIFIED);
		struct figure_counter *counters;
		size_t count;

		if (!unified && !cgroup_hierarchy_has(dir->hierarchy, "memory"))
			continue;
		count = figure_counters(
			dir, unified ? "memory.events" : "memory.oom_control", &counters);
		kills += figure_counter(counters, count, "oom_kill");
		figure_counters_free(counters, count);
	}
	return kills;
}
