/*
 * The parent's side waits on three descriptors: the report pipe (its end is the worker's
 * end), the output pipe, the signals. The child's side is child_main().
 */
#include "builder/build/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"

/* What a worker sends before it ends; the text and the result's bytes follow. */
struct report {
	int failed;
	size_t text_length;
	struct error error;
};

struct pipes {
	int report[2];
	int output[2];
};

#define auto_pipes __attribute__((cleanup(close_pipes))) struct pipes

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *pipes)
{
	for (int end = 0; end < 2; end++) {
		close_fd(&pipes->report[end]);
		close_fd(&pipes->output[end]);
	}
}

/* Runs as a fork of the builder with its privileges, in its namespaces until the work
 * changes that; ends with _exit. */
static no_return void child_main(
	const struct worker *worker, struct pipes *pipes, pid_t parent)
{
	struct report report = { 0 };
	sigset_t none;

	(void)setsid(); /* fails only for a group leader, which a fresh fork is not */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close_fd(&pipes->report[0]);
	close_fd(&pipes->output[0]);
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (worker->work(worker->argument, pipes->output[1], &report.error) < 0)
		report.failed = 1;
	report.text_length = worker->text ? worker->text->length : 0;
	if (fd_write_all(pipes->report[1], &report, sizeof(report)) < 0)
		_exit(1);
	if (report.text_length > 0 && fd_write_all(pipes->report[1], worker->text->data,
					      report.text_length) < 0)
		_exit(1);
	if (!report.failed && worker->result_size > 0 &&
		fd_write_all(pipes->report[1], worker->result, worker->result_size) < 0)
		_exit(1);
	_exit(0);
}

/* At once, with its group, which holds the runtime that it may have started, too. Harmless
 * for one that is not running. */
static void kill_worker(struct worker_process *process)
{
	pid_t worker = take_pid(&process->pid);
	struct error ignored;
	int status = 0;

	if (worker > 0) {
		kill(-worker, SIGKILL);
		kill(worker, SIGKILL); /* it may not have reached setsid() */
		(void)!process_wait(
			worker, &status, &ignored); /* killed, whatever it says */
	}
	close_fd(&process->report_fd);
	close_fd(&process->output_fd);
}

static bool pump_output(const struct worker *worker, int fd)
{
	char buffer[16384];
	ssize_t got = read(fd, buffer, sizeof(buffer));

	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0)
		return false;
	worker->print(worker->print_argument, buffer, (size_t)got);
	return true;
}

/* One that came out of the descriptor; SIGINT where it cannot be read. */
static int take_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo
							     : SIGINT;
}

/* Until the report can be read, or the worker closed it by dying. The output that is then
 * still in the pipe is read too, but nobody waits for processes that hold it open. */
static int watch(
	const struct worker *worker, struct worker_process *process, struct error *err)
{
	for (;;) {
		struct pollfd polled[] = {
			{ .fd = process->report_fd, .events = POLLIN },
			{ .fd = process->output_fd, .events = POLLIN },
			{ .fd = worker->signal_fd, .events = POLLIN },
		};

		if (poll(polled, ARRAY_SIZE(polled), -1) < 0) {
			if (errno == EINTR)
				continue;
			return fail_errno(err, "waiting for a worker");
		}
		if (polled[2].revents && take_signal(worker->signal_fd) == SIGWINCH)
			kill(-process->pid, SIGWINCH);
		else if (polled[2].revents)
			return fail_code(err, EINTR, "interrupted");
		if (polled[1].revents && !pump_output(worker, process->output_fd))
			close_fd(&process->output_fd);
		else if (!polled[1].revents && polled[0].revents)
			return 0;
	}
}

static int read_all(int fd, void *data, size_t size)
{
	char *to = data;

	while (size > 0) {
		ssize_t got = read(fd, to, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		to += got;
		size -= (size_t)got;
	}
	return 0;
}

static int read_text(int fd, size_t length, struct str *ret)
{
	auto_free char *text = str_alloc(length + 1);

	if (read_all(fd, text, length) < 0)
		return -1;
	str_append_n(ret, text, length);
	return 0;
}

static int read_report(const struct worker *worker, int fd, struct report *ret)
{
	if (read_all(fd, ret, sizeof(*ret)) < 0 ||
		(worker->text && read_text(fd, ret->text_length, worker->text) < 0))
		return -1;
	return ret->failed || worker->result_size == 0
		       ? 0
		       : read_all(fd, worker->result, worker->result_size);
}

int worker_finish(
	const struct worker *worker, struct worker_process *process, struct error *err)
{
	struct report report;
	int result = read_report(worker, process->report_fd, &report);
	struct error wait_error;
	int status = 0;

	if (process_wait(take_pid(&process->pid), &status, &wait_error) < 0)
		status = -1;
	kill_worker(process); /* closes what is open */
	if (result < 0 && status > 128)
		return fail(err, "a process of ours was ended by signal %d (%s)",
			status - 128, strsignal(status - 128));
	if (result < 0)
		return fail(err, "a worker ended without a report (status %d)", status);
	if (report.failed) {
		*err = report.error;
		return -1;
	}
	return 0;
}

int worker_start(
	const struct worker *worker, struct worker_process *ret, struct error *err)
{
	auto_pipes pipes = { .report = { -1, -1 }, .output = { -1, -1 } };
	pid_t parent = getpid();
	pid_t pid;

	if (pipe2(pipes.report, O_CLOEXEC) < 0)
		return fail_errno(err, "making a pipe for a worker");
	if (worker->print && pipe2(pipes.output, O_CLOEXEC) < 0)
		return fail_errno(err, "making a pipe for a worker");
	fflush(NULL); /* what is buffered must not be written twice */
	pid = process_clone(0, NULL);
	if (pid < 0)
		return fail_errno(err, "starting a worker");
	if (pid == 0)
		child_main(worker, &pipes, parent);
	*ret = (struct worker_process){
		.pid = pid,
		.report_fd = take_fd(&pipes.report[0]),
		.output_fd = take_fd(&pipes.output[0]),
	};
	return 0;
}

int worker_run(const struct worker *worker, struct error *err)
{
	struct worker_process process = WORKER_NONE;

	if (worker_start(worker, &process, err) < 0)
		return -1;
	if (watch(worker, &process, err) < 0) {
		kill_worker(&process);
		return -1;
	}
	return worker_finish(worker, &process, err);
}

/* ---- signals ------------------------------------------------------------------------- */

static void fill_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
	sigaddset(ret, SIGWINCH);
}

int interrupt_begin(struct interrupt *ret, struct error *err)
{
	struct interrupt interrupt = INTERRUPT_NONE;
	sigset_t set;

	fill_signals(&set);
	interrupt.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (interrupt.fd < 0)
		return fail_errno(err, "making a descriptor for signals");
	sigprocmask(SIG_BLOCK, &set, &interrupt.old);
	/* A reader of our output that goes away must not end us half-way. */
	signal(SIGPIPE, SIG_IGN);
	*ret = interrupt;
	return 0;
}

int interrupt_check(const struct interrupt *interrupt, struct error *err)
{
	struct pollfd polled = { .fd = interrupt->fd, .events = POLLIN };

	while (interrupt->fd >= 0 && poll(&polled, 1, 0) > 0) {
		if (take_signal(interrupt->fd) != SIGWINCH)
			return fail_code(err, EINTR, "interrupted");
	}
	return 0;
}

void interrupt_let_in(const struct interrupt *interrupt)
{
	sigset_t set;

	fill_signals(&set);
	if (interrupt->fd >= 0)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void interrupt_hold(const struct interrupt *interrupt)
{
	sigset_t set;

	fill_signals(&set);
	if (interrupt->fd >= 0)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

void interrupt_end(struct interrupt *interrupt)
{
	if (interrupt->fd < 0)
		return;
	close(interrupt->fd);
	interrupt->fd = -1;
}

int worker_isolate_mounts(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return fail_errno(err, "making a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail_errno(err, "making all mounts private");
	return 0;
}
