/* Found by the number in its file and the mark in its command line. */
#include "netsetup/server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

#define START_MS 10000
#define STOP_MS  3000

/* Success and no server, where what was asked for is not there. */
static int fail_unless_gone(struct error *err)
{
	return err->errnum == ENOENT || err->errnum == ESRCH ? 0 : -1;
}

/* What cannot be looked at may run: that is a failure, not "none". */
int server_find(const struct server *server, int *ret_pidfd, struct error *err)
{
	auto_free char *text = NULL;
	auto_free char *command = NULL;
	auto_free char *path = NULL;
	auto_fd pidfd = -1;
	struct error ignored;
	size_t length;
	uint32_t pid;

	*ret_pidfd = -1;
	if (file_read_at(AT_FDCWD, server->pid_file, 64, &text, NULL, err) < 0)
		return fail_unless_gone(err);
	text[strcspn(text, "\n")] = '\0';
	if (str_to_u32(text, "pid", &pid, &ignored) < 0)
		return 0; /* it died before it could write it */
	pidfd = process_pidfd_open((pid_t)pid);
	if (pidfd < 0)
		return errno == ESRCH ? 0
				      : fail_errno(err, "looking for process %u", pid);
	path = str_format("/proc/%u/cmdline", pid);
	if (file_read_at(AT_FDCWD, path, 65536, &command, &length, err) < 0)
		return fail_unless_gone(err);
	if (memmem(command, length, server->mark, strlen(server->mark) + 1))
		*ret_pidfd = take_fd(&pidfd);
	return 0;
}

static int fail_words(
	const char *name, int status, const struct str *said, struct error *err)
{
	const char *words = said->data ? said->data + strspn(said->data, "\n ") : "";

	return fail(err, "%s ended with status %d: %.*s", name, status,
		(int)strcspn(words, "\n"), words);
}

/* Callers of ours may have a PATH without sbin. */
int server_start(const struct server *server, struct error *err)
{
	auto_free char *in_sbin = str_format("/usr/sbin/%s", server->name);
	auto_free char *name = str_dup(server->name);
	auto_free char **argv = NULL;
	const char *const paths[] = { server->name, in_sbin };
	auto_str said = { 0 };
	size_t count = 0;
	int status;

	while (server->argv[count])
		count++;
	argv = str_alloc((count + 2) * sizeof(*argv));
	argv[0] = name;
	memcpy(argv + 1, server->argv, count * sizeof(*argv));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct process_run run = {
			.path = paths[i],
			.argv = argv,
			.cwd_fd = -1,
			.output = &said,
			.errors = &said,
			.timeout_ms = START_MS,
		};

		if (process_run(&run, &status, err) == 0)
			return status ? fail_words(name, status, &said, err) : 0;
		if (err->errnum != ENOENT)
			return -1;
	}
	return fail_code(err, ENOENT, "there is no %s; install it", name);
}

static int signal_it(int pidfd, int number, struct error *err)
{
	if (process_pidfd_signal(pidfd, number) < 0 && errno != ESRCH)
		return fail_errno(err, "ending a server");
	return 0;
}

static bool ends_within(int pidfd, int milliseconds)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int result;

	do
		result = poll(&ended, 1, milliseconds);
	while (result < 0 && errno == EINTR);
	return result > 0;
}

int server_stop(const struct server *server, struct error *err)
{
	auto_fd pidfd = -1;

	if (server_find(server, &pidfd, err) < 0)
		return -1;
	if (pidfd < 0)
		return 0;
	if (signal_it(pidfd, SIGTERM, err) < 0)
		return -1;
	if (ends_within(pidfd, STOP_MS))
		return 0;
	if (signal_it(pidfd, SIGKILL, err) < 0)
		return -1;
	if (!ends_within(pidfd, STOP_MS))
		return fail(err, "a server does not end");
	return 0;
}
