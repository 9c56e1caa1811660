/* Found by the number in its file and the mark in its command line; by the mark alone when
 * we were killed while it was starting, before there was a number. */
#include "netsetup/names/server.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"

#define START_MS 10000
#define STOP_MS  3000

/* Success and no server, where what was asked for is not there. */
static int fail_unless_gone(struct error *err)
{
	return err->errnum == ENOENT || err->errnum == ESRCH ? 0 : -1;
}

/* Whether the process has the mark; no process, no mark. */
static int is_marked(
	const struct server *server, const char *pid, bool *ret_marked, struct error *err)
{
	auto_free char *path = str_format("/proc/%s/cmdline", pid);
	auto_free char *command = NULL;
	size_t length;

	*ret_marked = false;
	if (file_read_at(AT_FDCWD, path, 65536, &command, &length, err) < 0)
		return fail_unless_gone(err);
	*ret_marked = memmem(command, length, server->mark, strlen(server->mark) + 1);
	return 0;
}

/* What cannot be looked at may run: that is a failure, not "none". */
int server_find(const struct server *server, int *ret_pidfd, struct error *err)
{
	auto_free char *text = NULL;
	auto_fd pidfd = -1;
	struct error ignored;
	bool marked;
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
	if (is_marked(server, text, &marked, err) < 0)
		return -1;
	if (marked)
		*ret_pidfd = take_fd(&pidfd);
	return 0;
}

static int signal_it(int pidfd, int number, struct error *err)
{
	if (process_pidfd_signal(pidfd, number) < 0 && errno != ESRCH)
		return fail_errno(err, "ending a server");
	return 0;
}

static int kill_it(int pidfd, struct error *err)
{
	if (signal_it(pidfd, SIGKILL, err) < 0)
		return -1;
	return process_pidfd_ends(pidfd, STOP_MS) ? 0
						  : fail(err, "a server does not end");
}

/* Ends a process that has the mark: one that still starts has nothing to put in order. */
static int end_marked(
	const struct server *server, const char *name, bool *ret_any, struct error *err)
{
	auto_fd pidfd = process_pidfd_open((pid_t)strtol(name, NULL, 10));
	bool marked;

	if (pidfd < 0)
		return errno == ESRCH ? 0
				      : fail_errno(err, "looking for process %s", name);
	if (is_marked(server, name, &marked, err) < 0)
		return -1;
	if (!marked)
		return 0;
	*ret_any = true;
	return kill_it(pidfd, err);
}

/* Servers without a number in the file. Each may make another before it ends, so until
 * there are none. */
static int end_unnumbered(const struct server *server, struct error *err)
{
	auto_dir proc = opendir("/proc");
	const struct dirent *entry;
	bool any;

	if (!proc)
		return fail_errno(err, "opening /proc");
	do {
		any = false;
		rewinddir(proc);
		while ((entry = path_next(proc)))
			if (isdigit((unsigned char)entry->d_name[0]) &&
				end_marked(server, entry->d_name, &any, err) < 0)
				return -1;
		if (errno)
			return fail_errno(err, "listing /proc");
	} while (any);
	return 0;
}

/* In the server's process, before it is executed: until it is on its own it ends with us.
 * We may have ended already. */
static void end_with_parent(void *argument)
{
	const pid_t *parent = argument;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != *parent)
		_exit(127);
}

/* Of the lines that tell why it failed, the first that does. */
static void drop_noise(struct str *said, const char *noise)
{
	auto_strings lines = { 0 };

	strings_split(&lines, said->data ? said->data : "", '\n');
	str_free(said);
	*said = (struct str){ 0 };
	strings_each (line, &lines) {
		if (!strstr(*line, noise))
			str_appendf(said, "%s\n", *line);
	}
}

int server_start(const struct server *server, struct error *err)
{
	auto_free char *name = str_dup(server->name);
	auto_free char **argv = NULL;
	pid_t self = getpid();
	auto_str said = { 0 };
	struct process_run run = {
		.path = name,
		.sbin = true,
		.cwd_fd = -1,
		.output = &said,
		.errors = &said,
		.timeout_ms = START_MS,
		.in_child = end_with_parent,
		.argument = &self,
	};
	size_t count = 0;
	int status;

	/* One that never came to its end would hold the address. */
	if (end_unnumbered(server, err) < 0)
		return -1;
	while (server->argv[count])
		count++;
	run.argv = argv = str_alloc((count + 2) * sizeof(*argv));
	argv[0] = name;
	memcpy(argv + 1, server->argv, count * sizeof(*argv));
	if (process_run(&run, &status, err) < 0)
		return err->errnum == ENOENT ? fail_code(err, ENOENT,
						       "there is no %s; install it", name)
					     : -1;
	if (status == 0)
		return 0;
	if (server->noise)
		drop_noise(&said, server->noise);
	return process_fail_status(name, status, &said, err);
}

int server_stop(const struct server *server, struct error *err)
{
	auto_fd pidfd = -1;

	if (server_find(server, &pidfd, err) < 0)
		return -1;
	if (pidfd < 0)
		return end_unnumbered(server, err);
	if (signal_it(pidfd, SIGTERM, err) < 0)
		return -1;
	return process_pidfd_ends(pidfd, STOP_MS) ? 0 : kill_it(pidfd, err);
}
