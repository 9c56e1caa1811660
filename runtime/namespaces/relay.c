/* A process between parent and init: joins what the parent could not leave again. */
#include "runtime/namespaces/relay.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/init.h"

bool relay_is_needed(const struct namespaces *namespaces)
{
	return namespaces_joins(namespaces, CLONE_NEWUSER) ||
	       namespaces_joins(namespaces, CLONE_NEWPID) ||
	       (namespaces->makes_user && namespaces->joins_count > 0);
}

/* Root of the host may join all before it becomes less; another user is allowed to only
 * within the user namespace. */
static int join_all(struct creation *creation, struct error *err)
{
	const struct namespaces *namespaces = &creation->namespaces;
	bool user_first = geteuid() != 0;

	if (user_first && namespaces_join_kind(namespaces, CLONE_NEWUSER, err) < 0)
		return -1;
	if (namespaces_join_kind(namespaces, CLONE_NEWPID, err) < 0)
		return -1;
	if (namespaces_join(namespaces, err) < 0)
		return -1;
	if (user_first)
		return 0;
	rootfs_open_views(creation->rootfs);
	return namespaces_join_kind(namespaces, CLONE_NEWUSER, err);
}

/* The relay: the creator's privileges until join_all(); single-threaded; ends once init
 * is there. */
static int run(struct creation *creation, struct error *err)
{
	const struct namespaces *namespaces = &creation->namespaces;
	auto_fd pidfd = -1;
	pid_t pid;

	if (cgroup_enter(&creation->container.state.cgroup,
		    creation->cgroup_fd >= 0 ? CGROUP_ENTER_V1 : CGROUP_ENTER_UNIFIED,
		    err) < 0)
		return -1;
	if (join_all(creation, err) < 0)
		return -1;
	init_let_go(creation);
	pid = process_clone(namespaces->clone | CLONE_PARENT, &pidfd);
	if (pid == 0)
		init_main(creation);
	if (pid < 0)
		return fail_errno(err, "making the container's process and namespaces");
	return stage_send_fd(creation->birth.far_sock, STAGE_CLONED, pidfd, err);
}

static no_return void relay_main(struct creation *creation)
{
	struct error err = { 0 };

	if (run(creation, &err) == 0)
		_exit(0);
	stage_send_error(creation->birth.far_sock, &err);
	_exit(1);
}

/* The pid that a pidfd is for, as we number it. */
static int number_of(int pidfd, pid_t *ret, struct error *err)
{
	auto_free char *path = str_format("/proc/self/fdinfo/%d", pidfd);
	auto_free char *text = NULL;
	const char *line;

	if (file_read_at(AT_FDCWD, path, 4096, &text, NULL, err) < 0)
		return -1;
	line = strstr(text, "\nPid:");
	*ret = line ? (pid_t)strtol(line + strlen("\nPid:"), NULL, 10) : -1;
	return *ret > 0 ? 0 : fail(err, "%s: no pid in it", path);
}

int relay_await(pid_t *relay, int sock, pid_t *ret_pid, int *ret_pidfd, struct error *err)
{
	auto_fd pidfd = -1;
	int status;

	if (*relay < 0)
		return fail_errno(err, "making the process that joins the namespaces");
	if (birth_await_fd(sock, STAGE_CLONED, &pidfd, err) < 0)
		return -1;
	if (process_wait(take_pid(relay), &status, err) < 0 ||
		number_of(pidfd, ret_pid, err) < 0)
		return -1;
	*ret_pidfd = take_fd(&pidfd);
	return 0;
}

int relay_clone(struct creation *creation, struct error *err)
{
	struct birth *birth = &creation->birth;
	auto_pid relay = process_clone_into(0, &creation->cgroup_fd, NULL);

	if (relay == 0)
		relay_main(creation);
	return relay_await(&relay, birth->sock, &birth->pid, &birth->pidfd, err);
}
