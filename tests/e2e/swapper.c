/* swapper A B: exchanges two names until it is killed: the race that a path which is
 * checked first and used later loses. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	while (argc == 3 &&
		renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0)
		;
	perror("swapper");
	return 1;
}
