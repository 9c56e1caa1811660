/* session-keyring: prints the number of its session keyring.
 * session-keyring COMMAND...: joins a new one, prints its number, and executes that. */
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long number = argc > 1 ? syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL)
			       : syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
					 KEY_SPEC_SESSION_KEYRING, 0);

	if (number < 0) {
		perror("keyctl");
		return 1;
	}
	printf("%ld\n", number);
	if (argc == 1)
		return 0;
	(void)fflush(stdout); /* the next program does not know of it */
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
