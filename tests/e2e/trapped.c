/* trapped [catch]: makes a system call that the profile traps, mkdir("/trapped"). With a
 * handler for SIGSYS it tells what that was given, and what the call returned: before the
 * handler sets a result, the number of the call. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile siginfo_t seen;

static void on_sigsys(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	seen = *info;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	long result;

	(void)argv;
	if (argc > 1)
		sigaction(SIGSYS, &action, NULL);
	result = syscall(SYS_mkdir, "/trapped", 0755);
	printf("code %d errno %d call %s arch %#x address %s result %s\n", seen.si_code,
		seen.si_errno, seen.si_syscall == SYS_mkdir ? "mkdir" : "another",
		seen.si_arch, seen.si_call_addr ? "known" : "none",
		result == SYS_mkdir ? "mkdir" : "another");
	return 0;
}
