/* Creating and naming processes. Running another program is in process_run.c. */
#include "base/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* The raw system call, as clone3 is: the child goes on with a copy of our stack. */
static pid_t clone_without_clone3(uint64_t flags, int *ret_pidfd)
{
	int pidfd = -1;
	unsigned long bits = (unsigned long)flags | SIGCHLD;

	if (flags > 0xffffffffu || flags & CLONE_NEWTIME) { /* only clone3 has them */
		errno = ENOSYS;
		return -1;
	}
	if (ret_pidfd)
		bits |= CLONE_PIDFD;
#if defined(__s390__) || defined(__CRIS__)
	pid_t pid = (pid_t)syscall(SYS_clone, 0, bits, &pidfd, NULL, 0);
#else
	pid_t pid = (pid_t)syscall(SYS_clone, bits, 0, &pidfd, NULL, 0);
#endif
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}

static pid_t clone_once(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	int pidfd = -1;
	/* A sibling (CLONE_PARENT) ends with the signal that we end with; clone3 refuses to
	 * be told another. */
	struct clone_args args = {
		.flags = flags,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};
	pid_t pid;

	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	}
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}

pid_t process_clone(uint64_t flags, int *ret_pidfd)
{
	pid_t pid = clone_once(flags, -1, ret_pidfd);

	return pid < 0 && errno == ENOSYS ? clone_without_clone3(flags, ret_pidfd) : pid;
}

/* The kernel's PF_SIGNALED: it ends because of a signal; PF_FORKNOEXEC. */
#define FLAG_SIGNALED   0x400u
#define FLAG_UNEXECUTED 0x40u

/* What /proc/PID/stat says from field 3 on. Field 2 is the name in brackets, which may
 * itself hold brackets and spaces. */
struct stat_line {
	char text[1024];
	const char *after_name; /* in text */
};

static int read_stat(pid_t pid, struct stat_line *ret, struct error *err)
{
	char path[64];
	ssize_t length;
	auto_fd fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, ret->text, sizeof(ret->text) - 1);
	if (length <= 0 && (length == 0 || errno == ENOENT || errno == ESRCH))
		return fail_code(err, ESRCH, "process %d does not exist", pid);
	if (length < 0)
		return fail_errno(err, "reading %s", path);
	ret->text[length] = '\0';
	ret->after_name = strrchr(ret->text, ')');
	if (!ret->after_name)
		return fail(err, "%s: not in the form that proc(5) describes", path);
	ret->after_name++;
	return 0;
}

/* Linux counts the writes to a cgroup.kill, to kill as well who is born meanwhile; since
 * 6.14, and in older series that were mended. With CLONE_INTO_CGROUP it compares the count
 * of the parent's cgroup with that of the child's: where but one of them was killed before,
 * the child has a SIGKILL before its first instruction. */
static bool was_killed_at_birth(pid_t pid)
{
	struct stat_line line;
	unsigned flags;
	unsigned long pending;
	struct error unknown;

	if (read_stat(pid, &line, &unknown) < 0 ||
		sscanf(line.after_name,
			" %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u"
			" %*d %*d %*d %*d %*d %*d %*u %*u %*d %*u %*u %*u %*u"
			" %*u %*u %lu",
			&flags, &pending) != 2)
		return false;
	return flags & FLAG_SIGNALED || pending & (1ul << (SIGKILL - 1));
}

static void bury(pid_t pid, const int *pidfd)
{
	struct error ignored; /* it is our child */
	int status;

	(void)!process_wait(pid, &status, &ignored);
	if (pidfd)
		close(*pidfd);
}

pid_t process_clone_into(uint64_t flags, int *cgroup_fd, int *ret_pidfd)
{
	if (*cgroup_fd >= 0) {
		pid_t pid = clone_once(flags, *cgroup_fd, ret_pidfd);

		if (pid == 0 || (pid > 0 && !was_killed_at_birth(pid)))
			return pid;
		if (pid > 0)
			bury(pid, ret_pidfd);
		cleanup_fd(cgroup_fd);
		*cgroup_fd = -1;
	}
	return process_clone(flags, ret_pidfd);
}

bool process_is_unexecuted(pid_t pid)
{
	struct stat_line line;
	unsigned flags;
	struct error unknown;

	return read_stat(pid, &line, &unknown) == 0 &&
	       sscanf(line.after_name, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       flags & FLAG_UNEXECUTED;
}

int process_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int process_pidfd_signal(int pidfd, int signal_number)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
}

bool process_pidfd_ends(int pidfd, int milliseconds)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int result;

	do
		result = poll(&ended, 1, milliseconds);
	while (result < 0 && errno == EINTR);
	return result > 0;
}

int process_stat(pid_t pid, uint64_t *ret_start_time, char *ret_state, struct error *err)
{
	struct stat_line line;

	if (read_stat(pid, &line, err) < 0)
		return -1;
	if (sscanf(line.after_name,
		    " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
		    " %*d %*d %*d %*d %*d %*d %" SCNu64,
		    ret_state, ret_start_time) != 2)
		return fail(err, "/proc/%d/stat: not in the form that proc(5) describes",
			pid);
	return 0;
}

int process_wait(pid_t pid, int *ret_status, struct error *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return fail_errno(err, "waiting for process %d", pid);
	}
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

int process_arguments(struct strings *ret, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (file_read_at(AT_FDCWD, "/proc/self/cmdline", 64u << 20, &text, &length, err) <
		0)
		return -1;
	for (size_t at = 0; at < length; at += strlen(text + at) + 1)
		strings_add(ret, text + at);
	return 0;
}
