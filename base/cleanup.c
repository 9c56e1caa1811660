/* What the auto_ types do at the end of their scope; each keeps errno. */
#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

void cleanup_fd(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void cleanup_free(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

void cleanup_dir(DIR *const *dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	errno = saved;
}

void cleanup_file(FILE *const *file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	errno = saved;
}

void cleanup_pid(const pid_t *pid)
{
	int saved = errno;

	if (*pid > 0) {
		kill(*pid, SIGKILL);
		while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	errno = saved;
}
