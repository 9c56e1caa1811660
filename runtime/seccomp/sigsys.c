/* SIGSYS from outside: plain where it ends the process, by ptrace(2) where a handler is to
 * see what the kernel would have told it. */
#include "runtime/seccomp/sigsys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/process/procfs.h"

/* What the process does about SIGSYS. */
struct disposition {
	pid_t tgid;
	bool caught;
	bool ignored;
	bool blocked;
	bool first; /* of its pid namespace, which gets no signal that it did not ask for */
};

static bool has_sigsys(const char *status, const char *name)
{
	return procfs_number(status, name, 16) & UINT64_C(1) << (SIGSYS - 1);
}

static struct disposition disposition_of(pid_t pid)
{
	auto_free char *status = procfs_read(pid, "status");
	auto_free char *pids = procfs_field(status ? status : "", "NStgid");
	const char *inner = pids ? strrchr(pids, '\t') : NULL;

	if (!status)
		return (struct disposition){ .tgid = pid, .blocked = true };
	return (struct disposition){
		.tgid = (pid_t)procfs_number(status, "Tgid", 10),
		.caught = has_sigsys(status, "SigCgt"),
		.ignored = has_sigsys(status, "SigIgn"),
		.blocked = has_sigsys(status, "SigBlk"),
		.first = inner && str_equal(inner + 1, "1"),
	};
}

void sigsys_end(const struct seccomp_notif *request)
{
	pid_t pid = (pid_t)request->pid;
	struct disposition what = disposition_of(pid);
	bool other = what.caught || what.ignored || what.blocked || what.first;

	(void)kill(pid, other ? SIGKILL : SIGSYS); /* or is gone */
}

#ifdef __x86_64__

/* As the kernel's own: the call was never made, its number is where its result would be. */
static void roll_back(pid_t pid)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) < 0)
		return;
	registers.rax = registers.orig_rax;
	(void)ptrace(PTRACE_SETREGS, pid, NULL, &registers); /* it stands still */
}

/* The process is about to take our SIGSYS. */
static void hand_over(const struct seccomp_notif *request, uint16_t data)
{
	pid_t pid = (pid_t)request->pid;
	siginfo_t info = {
		.si_signo = SIGSYS, .si_errno = data, .si_code = 1, /* SYS_SECCOMP */
	};

	info.si_call_addr = (void *)(uintptr_t)request->data.instruction_pointer;
	info.si_syscall = request->data.nr;
	info.si_arch = request->data.arch;
	(void)ptrace(PTRACE_SETSIGINFO, pid, NULL, &info); /* it stands still */
	roll_back(pid);
	(void)ptrace(PTRACE_DETACH, pid, NULL, SIGSYS);
}

/* Other stops and signals on the way are its own. False once it is gone. */
static bool await_sigsys(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) == pid || errno == EINTR) {
		int signal_number = WSTOPSIG(status);

		if (!WIFSTOPPED(status))
			return false;
		if (status >> 16) /* an event of the tracing itself */
			signal_number = 0;
		else if (signal_number == SIGSYS)
			return true;
		(void)ptrace(PTRACE_CONT, pid, NULL, signal_number); /* or is gone */
	}
	return false;
}

void sigsys_trap(const struct seccomp_notif *request, uint16_t data)
{
	pid_t pid = (pid_t)request->pid;
	struct disposition what = disposition_of(pid);

	/* One who is traced already cannot be helped to the truth, and must not go on. */
	if (!what.caught || what.blocked || ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
		sigsys_end(request);
		return;
	}
	if (syscall(SYS_tgkill, what.tgid, pid, SIGSYS) == 0 && await_sigsys(pid))
		hand_over(request, data);
}

#else

void sigsys_trap(const struct seccomp_notif *request, uint16_t data)
{
	(void)data;
	sigsys_end(request);
}

#endif
