/*
 * enosys NAME[,NAME...] COMMAND...: runs the command on a kernel that seems to lack these
 * system calls: each answers ENOSYS. So the fallbacks for older kernels are tested on a
 * new one. Sets no_new_privs only without CAP_SYS_ADMIN, so that programs that check it
 * see no difference.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int deny(scmp_filter_ctx filter, char *names)
{
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		int number = seccomp_syscall_resolve_name(name);

		if (number == __NR_SCMP_ERROR) {
			fprintf(stderr, "enosys: libseccomp does not know \"%s\"\n",
				name);
			return -1;
		}
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0) < 0) {
			fprintf(stderr, "enosys: no rule for \"%s\"\n", name);
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 3 || !filter) {
		fprintf(stderr, "usage: enosys NAME[,NAME...] COMMAND...\n");
		return 125;
	}
	if (geteuid() == 0)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (deny(filter, argv[1]) < 0)
		return 125;
	if (seccomp_load(filter) < 0) {
		fprintf(stderr, "enosys: the filter is refused\n");
		return 125;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
