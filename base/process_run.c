/*
 * Running a program to its end: start_child() forks, become_program() is the child up to
 * execve, exchange() feeds it and drains it, and the wait at the end tells how it went.
 * A failed execve travels back over a close-on-exec pipe.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"

#define KEEP_DEFAULT 65536

/* Our ends of the pipes to a running child; -1 where there is none. */
struct child {
	pid_t pid;
	int input;
	int output;
	int errors;
	int failure; /* an errno arrives here, or end of file after execve */
	size_t sent; /* of run->input */
};

/* The child's ends, valid between fork and execve. */
struct child_ends {
	int input;
	int output;
	int errors;
	int failure;
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(take_fd(fd));
}

static void close_child(struct child *child)
{
	close_end(&child->input);
	close_end(&child->output);
	close_end(&child->errors);
	close_end(&child->failure);
}

static void close_ends(struct child_ends *ends)
{
	close_end(&ends->input);
	close_end(&ends->output);
	close_end(&ends->errors);
	close_end(&ends->failure);
}

/* Moves a descriptor above the three standard ones, so that dup2 cannot overwrite it. */
static int above_standard(int fd)
{
	return fd < 0 || fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int place(int fd, int number)
{
	return fd < 0 ? 0 : dup2(fd, number) < 0 ? -1 : 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void exec_program(const struct process_run *run)
{
	char *const *envp = run->envp ? run->envp : environ;
	char path[PATH_MAX];

	if (strchr(run->path, '/')) {
		execve(run->path, run->argv, envp);
		return;
	}
	execvpe(run->path, run->argv, envp);
	if (errno != ENOENT || !run->sbin)
		return;
	snprintf(path, sizeof(path), "/usr/sbin/%s", run->path);
	execve(path, run->argv, envp);
}

/* The child: our credentials and namespaces, until execve or _exit. */
static no_return void become_program(
	const struct process_run *run, struct child_ends *ends)
{
	int failure = above_standard(ends->failure);
	int input = above_standard(ends->input);
	int output = above_standard(ends->output);
	int errors = above_standard(ends->errors);
	int errnum;

	reset_signals();
	if (run->new_session ? setsid() < 0 : run->timeout_ms > 0 && setpgid(0, 0) < 0)
		goto failed;
	if (place(input, STDIN_FILENO) < 0 || place(output, STDOUT_FILENO) < 0 ||
		place(errors, STDERR_FILENO) < 0)
		goto failed;
	if (run->cwd_fd > 0 && fchdir(run->cwd_fd) < 0)
		goto failed;
	if (run->in_child)
		run->in_child(run->argument);
	exec_program(run);
failed:
	errnum = errno;
	/* If not even this can be told, the parent sees status 127. */
	(void)!write(failure, &errnum, sizeof(errnum));
	_exit(127);
}

static int make_pipe(bool wanted, int *read_end, int *write_end)
{
	int ends[2];

	if (!wanted)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*read_end = ends[0];
	*write_end = ends[1];
	return 0;
}

static int duplicate(int from, int *to)
{
	return from <= 0 ? 0 : (*to = fcntl(from, F_DUPFD_CLOEXEC, 3)) < 0 ? -1 : 0;
}

/* Standard input: the text by a pipe, the caller's descriptor, or nothing. */
static int connect_input(
	const struct process_run *run, struct child *child, struct child_ends *ends)
{
	if (run->input)
		return make_pipe(true, &ends->input, &child->input);
	if (run->input_fd > 0)
		return duplicate(run->input_fd, &ends->input);
	ends->input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return ends->input < 0 ? -1 : 0;
}

static int connect_child(
	const struct process_run *run, struct child *child, struct child_ends *ends)
{
	bool one_pipe = run->output && run->output == run->errors;

	if (connect_input(run, child, ends) < 0)
		return -1;
	if (make_pipe(run->output, &child->output, &ends->output) < 0 ||
		make_pipe(run->errors && !one_pipe, &child->errors, &ends->errors) < 0)
		return -1;
	if (one_pipe && duplicate(ends->output, &ends->errors) < 0)
		return -1;
	if (!run->output && duplicate(run->output_fd, &ends->output) < 0)
		return -1;
	if (!run->errors && duplicate(run->error_fd, &ends->errors) < 0)
		return -1;
	return make_pipe(true, &child->failure, &ends->failure);
}

static int start_child(
	const struct process_run *run, struct child *child, struct error *err)
{
	struct child_ends ends = { -1, -1, -1, -1 };

	if (connect_child(run, child, &ends) < 0) {
		fail_errno(err, "making the pipes to %s", run->path);
		close_ends(&ends);
		return -1;
	}
	child->pid = fork();
	if (child->pid == 0)
		become_program(run, &ends);
	close_ends(&ends);
	if (child->pid < 0)
		return fail_errno(err, "starting %s", run->path);
	return 0;
}

/* Waits until execve has happened (end of file) or failed (an errno). */
static int await_exec(
	const struct process_run *run, struct child *child, struct error *err)
{
	int errnum = 0;
	ssize_t got;

	do {
		got = read(child->failure, &errnum, sizeof(errnum));
	} while (got < 0 && errno == EINTR);
	close_end(&child->failure);
	if (got != sizeof(errnum))
		return 0;
	errno = errnum;
	return fail_errno(err, "executing %s", run->path);
}

/* Keeps the last `keep` bytes. */
static void keep_tail(struct str *str, const char *data, size_t length, size_t keep)
{
	str_append_n(str, data, length);
	if (str->length <= 2 * keep)
		return;
	memmove(str->data, str->data + str->length - keep, keep + 1);
	str->length = keep;
}

static void trim_tail(struct str *str, size_t keep)
{
	if (!str || str->length <= keep)
		return;
	memmove(str->data, str->data + str->length - keep, keep + 1);
	str->length = keep;
}

static void drain(int *fd, struct str *into, size_t keep)
{
	char chunk[8192];
	ssize_t got = read(*fd, chunk, sizeof(chunk));

	if (got > 0)
		keep_tail(into, chunk, (size_t)got, keep);
	else if (got == 0 || errno != EINTR)
		close_end(fd);
}

/* A program that does not read its input is no failure: EPIPE ends the sending. */
static void feed(const struct process_run *run, struct child *child)
{
	size_t left = run->input_length - child->sent;
	ssize_t sent = left ? write(child->input, run->input + child->sent, left) : 0;

	if (sent > 0)
		child->sent += (size_t)sent;
	if (child->sent == run->input_length ||
		(sent < 0 && errno != EINTR && errno != EAGAIN))
		close_end(&child->input);
}

/* How a conversation ends. */
enum ending {
	ENDING_DONE,
	ENDING_TIME,  /* run->timeout_ms is over */
	ENDING_UNTIL, /* run->until_fd is readable */
};

/* -1 waits without an end; 0: time is over. */
static int time_left(int64_t deadline)
{
	return deadline ? (int)MAX(deadline - clock_ms(), 0) : -1;
}

static int until(const struct process_run *run)
{
	return run->until_fd > 0 ? run->until_fd : -1;
}

/* Until the pipes are closed. */
static enum ending exchange(
	const struct process_run *run, struct child *child, int64_t deadline)
{
	size_t keep = run->keep ? run->keep : KEEP_DEFAULT;

	while (child->input >= 0 || child->output >= 0 || child->errors >= 0) {
		struct pollfd polls[] = {
			{ .fd = child->input, .events = POLLOUT },
			{ .fd = child->output, .events = POLLIN },
			{ .fd = child->errors, .events = POLLIN },
			{ .fd = until(run), .events = POLLIN },
		};
		int left = time_left(deadline);

		if (left == 0)
			return ENDING_TIME;
		if (poll(polls, ARRAY_SIZE(polls), left) <= 0)
			continue;
		if (polls[0].revents)
			feed(run, child);
		if (polls[1].revents)
			drain(&child->output, run->output, keep);
		if (polls[2].revents)
			drain(&child->errors, run->errors, keep);
		if (polls[3].revents)
			return ENDING_UNTIL;
	}
	return ENDING_DONE;
}

/* Closed pipes do not mean an ended process. Without an end of our own, waiting for it is
 * the caller's wait(2). */
static enum ending await_exit(
	const struct process_run *run, const struct child *child, int64_t deadline)
{
	bool ends = deadline || until(run) >= 0;
	auto_fd pidfd = ends ? process_pidfd_open(child->pid) : -1;
	struct pollfd polls[] = {
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = until(run), .events = POLLIN },
	};

	while (pidfd >= 0) {
		int left = time_left(deadline);

		if (left == 0)
			return ENDING_TIME;
		if (poll(polls, ARRAY_SIZE(polls), left) <= 0)
			continue;
		return polls[0].revents ? ENDING_DONE : ENDING_UNTIL;
	}
	return ENDING_DONE;
}

/* Only with a timeout is it the leader of a process group. */
static int end_early(const struct process_run *run, const struct child *child,
	enum ending ending, struct error *err)
{
	kill(run->timeout_ms > 0 ? -child->pid : child->pid, SIGKILL);
	if (ending == ENDING_TIME)
		return fail_code(err, ETIMEDOUT,
			"%s did not end within %d ms and was killed", run->path,
			run->timeout_ms);
	return fail_code(err, ECANCELED, "%s was killed", run->path);
}

/* Writing to a child that has gone must be an errno, not our death. */
static int converse(const struct process_run *run, struct child *child, struct error *err)
{
	int64_t deadline = run->timeout_ms > 0 ? clock_ms() + run->timeout_ms : 0;
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;
	enum ending ending;

	sigaction(SIGPIPE, &ignore, &before);
	if (child->input >= 0)
		fcntl(child->input, F_SETFL, O_NONBLOCK);
	ending = exchange(run, child, deadline);
	if (ending == ENDING_DONE)
		ending = await_exit(run, child, deadline);
	sigaction(SIGPIPE, &before, NULL);
	trim_tail(run->output, run->keep ? run->keep : KEEP_DEFAULT);
	trim_tail(run->errors, run->keep ? run->keep : KEEP_DEFAULT);
	return ending == ENDING_DONE ? 0 : end_early(run, child, ending, err);
}

int process_run(const struct process_run *run, int *ret_status, struct error *err)
{
	struct child child = { -1, -1, -1, -1, -1, 0 };
	struct error ignored;
	int status;
	int result = start_child(run, &child, err);

	if (result == 0)
		result = await_exec(run, &child, err);
	if (result == 0)
		result = converse(run, &child, err);
	close_child(&child);
	if (result < 0) {
		if (child.pid > 0) {
			kill(child.pid, SIGKILL);
			(void)!process_wait(child.pid, &status, &ignored); /* reaped */
		}
		return -1;
	}
	return process_wait(child.pid, ret_status, err);
}

int process_fail_status(
	const char *name, int status, const struct str *said, struct error *err)
{
	const char *words = said->data ? said->data + strspn(said->data, "\n ") : "";

	return fail(err, "%s ended with status %d: %.*s", name, status,
		(int)strcspn(words, "\n"), words);
}
