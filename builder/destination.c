/* Files that a person names to be written. */
#include "builder/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "builder/build/worker.h"

#define READER_INTERVAL_MS 20

/* A pipe without a reader cannot be opened yet. */
static int open_in_place(const char *path, int signal_fd)
{
	const struct interrupt interrupt = { .fd = signal_fd };
	struct pollfd signal = { .fd = signal_fd, .events = POLLIN };
	struct error ignored;
	int fd;

	while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) < 0 &&
		errno == ENXIO) {
		if (poll(&signal, 1, READER_INTERVAL_MS) > 0 &&
			interrupt_check(&interrupt, &ignored) < 0) {
			errno = EINTR;
			return -1;
		}
	}
	if (fd >= 0 && fcntl(fd, F_SETFL, 0) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Whatever had the name of the unfinished file goes: a killed run's, or a link. */
static int open_beside(struct destination *destination, mode_t mode)
{
	destination->partial = str_format("%s.partial", destination->path);
	(void)unlink(destination->partial); /* opening tells */
	return open(destination->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

static int open_named(struct destination *destination, mode_t mode, int signal_fd)
{
	struct stat status;
	char *behind;

	if (stat(destination->path, &status) < 0)
		return open_beside(destination, mode);
	if (S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (!S_ISREG(status.st_mode))
		return open_in_place(destination->path, signal_fd);
	behind = realpath(destination->path, NULL);
	if (!behind)
		return -1;
	free(destination->path);
	destination->path = behind;
	return open_beside(destination, mode);
}

int destination_open(const char *path, mode_t mode, int signal_fd,
	struct destination *ret, struct error *err)
{
	struct destination destination = { .path = str_dup(path) };

	destination.fd = open_named(&destination, mode, signal_fd);
	if (destination.fd < 0) {
		(void)fail_errno(err, "opening %s", path);
		free(destination.path);
		free(destination.partial);
		return -1;
	}
	*ret = destination;
	return 0;
}

int destination_standard(int fd, struct destination *ret, struct error *err)
{
	struct destination destination = { 0 };

	if (isatty(fd))
		return fail(err, "an archive does not go to a terminal; give a file");
	destination.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (destination.fd < 0)
		return fail_errno(err, "opening standard output");
	*ret = destination;
	return 0;
}

int destination_close(struct destination *destination, int result, struct error *err)
{
	/* A full disk of another machine may only tell now. */
	if (close(destination->fd) < 0 && result == 0)
		result = fail_errno(err, "writing %s",
			destination->path ? destination->path : "standard output");
	if (destination->partial && result == 0 &&
		rename(destination->partial, destination->path) < 0)
		result = fail_errno(err, "naming %s", destination->path);
	if (destination->partial && result < 0)
		(void)unlink(destination->partial); /* the error is told already */
	free(destination->partial);
	free(destination->path);
	*destination = (struct destination)DESTINATION_NONE;
	return result;
}

int destination_write(const char *path, const char *text, struct error *err)
{
	struct destination destination = DESTINATION_NONE;
	int result;

	if (destination_open(path, 0644, -1, &destination, err) < 0)
		return -1;
	result = fd_write_all(destination.fd, text, strlen(text));
	if (result < 0)
		(void)fail_errno(err, "writing %s", path);
	return destination_close(&destination, result, err);
}
