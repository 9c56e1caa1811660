/* A process between parent and init: joins what the parent could not leave again. */
#include "runtime/namespaces/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/foreground.h"
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
	cleanup_fd(&creation->cgroup_fd);
	creation->cgroup_fd = -1;
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

/* Killed before it said so, it may have made a process, which has the socket too. */
int relay_await(pid_t *relay, int relay_pidfd, struct birth *birth, struct error *err)
{
	struct pollfd said = { .fd = birth->sock, .events = POLLIN };
	auto_fd ended = relay_pidfd;
	auto_fd pidfd = -1;
	int status;

	if (*relay < 0)
		return fail_errno(err, "making the process that joins the namespaces");
	if (foreground_await(ended, err) < 0 ||
		process_wait(take_pid(relay), &status, err) < 0)
		return -1;
	if (poll(&said, 1, 0) <= 0)
		return fail_code(err, STAGE_PEER_ENDED,
			"the process that joins the namespaces ended early, with status "
			"%d",
			status);
	if (stage_await_fd(birth->sock, STAGE_CLONED, &pidfd, err) < 0 ||
		number_of(pidfd, &birth->pid, err) < 0)
		return -1;
	birth->pidfd = take_fd(&pidfd);
	return 0;
}

int relay_clone(struct creation *creation, struct error *err)
{
	int pidfd = -1;
	auto_pid relay = process_clone_into(0, &creation->cgroup_fd, &pidfd);

	if (relay == 0)
		relay_main(creation);
	return relay_await(&relay, pidfd, &creation->birth, err);
}
