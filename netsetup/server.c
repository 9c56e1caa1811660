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

int server_find(const struct server *server)
{
	auto_free char *text = NULL;
	auto_free char *command = NULL;
	auto_free char *path = NULL;
	auto_fd pidfd = -1;
	struct error ignored;
	size_t length;
	uint32_t pid;

	if (file_read_at(AT_FDCWD, server->pid_file, 64, &text, NULL, &ignored) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if (str_to_u32(text, "pid", &pid, &ignored) < 0)
		return -1;
	pidfd = process_pidfd_open((pid_t)pid);
	path = str_format("/proc/%u/cmdline", pid);
	if (pidfd < 0 ||
		file_read_at(AT_FDCWD, path, 65536, &command, &length, &ignored) < 0 ||
		!memmem(command, length, server->mark, strlen(server->mark) + 1))
		return -1;
	return take_fd(&pidfd);
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

void server_stop(const struct server *server)
{
	auto_fd pidfd = server_find(server);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		return;
	(void)process_pidfd_signal(pidfd, SIGTERM); /* it may have ended meanwhile */
	if (poll(&ended, 1, STOP_MS) == 0) {
		(void)process_pidfd_signal(pidfd, SIGKILL); /* the same */
		(void)poll(&ended, 1, STOP_MS);
	}
}
