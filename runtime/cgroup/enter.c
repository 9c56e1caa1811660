/* Moving into the container's cgroups, done by the process itself. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"

int cgroup_clone_fd(const struct cgroup *cgroup, int *ret_fd, struct error *err)
{
	const struct cgroup_dir *dir = cgroup_unified(cgroup);
	int fd;

	if (!dir) {
		*ret_fd = -1;
		return 0;
	}
	fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening the cgroup %s", dir->path);
	*ret_fd = fd;
	return 0;
}

int cgroup_enter(const struct cgroup *cgroup, enum cgroup_enter flags, struct error *err)
{
	for (size_t i = 0; i < cgroup->dirs_count; i++) {
		const struct cgroup_dir *dir = &cgroup->dirs[i];
		bool unified = str_equal(dir->hierarchy, CGROUP_UNIFIED);
		/* "tasks" moves this one thread, and unlike "cgroup.procs" need not wait
		 * until no process of the machine is forking: that wait takes 10 ms and
		 * more. Version 2 has only the latter. */
		auto_free char *file =
			path_join(dir->path, unified ? "cgroup.procs" : "tasks");

		if (unified && !(flags & CGROUP_ENTER_UNIFIED))
			continue;
		if (file_write_at(AT_FDCWD, file, "0", err) == 0)
			continue;
		/* A user may not leave a session for what the user's manager runs. */
		if (unified && cgroup->unit &&
			(err->errnum == EACCES || err->errnum == EPERM))
			return cgroup_systemd_attach(cgroup, err);
		return fail_while(err, "entering the cgroup");
	}
	return 0;
}
