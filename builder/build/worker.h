/*
 * A worker: a child process that does one effect (a copy, a RUN) while its parent watches
 * for signals and for output.
 *
 * The worker is in a session of its own, so the terminal's Ctrl-C reaches the parent only;
 * the parent kills the worker's whole group and returns errnum EINTR. The worker dies with
 * its parent. It may unshare its mount namespace: what it mounts vanishes with it.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

struct worker {
	/* In the child. What it writes to `output` (a pipe) reaches `print`; -1 without. */
	int (*work)(void *argument, int output, struct error *err);
	void *argument;

	/* Copied back from *result after success; must lie in memory that the child shares
	 * by fork, so its address is the same. */
	void *result;
	size_t result_size;
	/* The same for a result of any length, failure or not; or NULL. */
	struct str *text;

	/* In the parent, for each piece of output; NULL: no pipe. */
	void (*print)(void *argument, const char *data, size_t length);
	void *print_argument;

	int signal_fd; /* of interrupt_begin(), or -1 */
};

int worker_run(const struct worker *worker, struct error *err) must_check;

/* The same in its parts, for whoever watches several. A worker that is started is
 * finished, which reaps it. */
struct worker_process {
	pid_t pid;
	int report_fd; /* readable: it can be finished */
	int output_fd; /* of its pipe; -1 without `print` */
};

#define WORKER_NONE                                         \
	{                                                   \
		.pid = -1, .report_fd = -1, .output_fd = -1 \
	}

int worker_start(const struct worker *worker, struct worker_process *ret,
	struct error *err) must_check;
/* Waits for its report and returns what `work` did. */
int worker_finish(const struct worker *worker, struct worker_process *process,
	struct error *err) must_check;

/* SIGINT, SIGTERM and SIGHUP are blocked and come out of a descriptor; so does SIGWINCH,
 * which is passed on to the worker: a terminal may be its container's. */
struct interrupt {
	int fd;
	sigset_t old;
};

#define INTERRUPT_NONE   \
	{                \
		.fd = -1 \
	}

int interrupt_begin(struct interrupt *ret, struct error *err) must_check;
/* Fails with errnum EINTR if one has come. */
int interrupt_check(const struct interrupt *interrupt, struct error *err) must_check;
/* While the process itself works or waits for long, without a worker, and leaves nothing
 * that others do not clear away: a signal ends it. */
void interrupt_let_in(const struct interrupt *interrupt);
void interrupt_hold(const struct interrupt *interrupt);
void interrupt_end(struct interrupt *interrupt);

#define auto_interrupt __attribute__((cleanup(interrupt_end))) struct interrupt

/* In a worker: a mount namespace of its own, nothing of it reaching the host. */
int worker_isolate_mounts(struct error *err) must_check;
