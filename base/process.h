/*
 * Processes: clone3 with its fallback, pidfds, identity of a process over time, and
 * running another program with its failure reported.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* PATH where nobody says another. */
#define PROCESS_PATH_DEFAULT \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* fork() with namespaces. Returns 0 in the child, the pid in the parent, -1 with errno.
 * ret_pidfd may be NULL. Where clone3 is missing, clone() does the rest. */
pid_t process_clone(uint64_t flags, int *ret_pidfd);

/* The same, born into the cgroup (v2) that *cgroup_fd is open on, if it is not -1. Where
 * the kernel cannot do that, the child begins in the caller's cgroup, and *cgroup_fd is
 * closed and -1: who is born has to go there itself. Not with CLONE_PARENT. */
pid_t process_clone_into(uint64_t flags, int *cgroup_fd, int *ret_pidfd);

int process_pidfd_open(pid_t pid);                      /* -1 with errno */
int process_pidfd_signal(int pidfd, int signal_number); /* -1 with errno */

/* Whether it has ended, or does within that time. */
bool process_pidfd_ends(int pidfd, int milliseconds);

/* When the process began, in clock ticks since boot (field 22 of /proc/PID/stat), and its
 * state letter. A pid and its start time together name one process for ever. Fails with
 * errnum ESRCH where there is none. */
int process_stat(pid_t pid, uint64_t *ret_start_time, char *ret_state,
	struct error *err) must_check;

/* The words that we were called with, as the kernel keeps them; freed by the caller. */
int process_arguments(struct strings *ret, struct error *err) must_check;

/* Whether it is what it was cloned as, or was when it ended, and has executed no program. Known
 * from the moment at which an execve closes what is close-on-exec; false of one that has gone. */
bool process_is_unexecuted(pid_t pid);

/* What the kernel keeps of the words and the environment that we were called with is shown
 * to others (/proc/PID/cmdline, environ). process_own_words(), first thing in main(), moves
 * argv and environ elsewhere; after it process_set_title() puts a title in the place of what
 * is shown. */
void process_own_words(char **argv);
void process_set_title(const char *title);

/* waitpid() through EINTR. Exit status as a shell gives it: 128+n for a signal. */
int process_wait(pid_t pid, int *ret_status, struct error *err) must_check;

/* A program run to its end. Failure to execute it is an error (errnum of execve), not a
 * status. */
struct process_run {
	const char *path; /* searched in PATH unless it has a "/" */
	bool sbin;        /* and then in /usr/sbin, which not every caller's PATH has */
	char *const *argv;
	char *const *envp; /* NULL: ours */
	int cwd_fd;        /* AT_FDCWD or negative: ours */
	const char *input; /* written to its standard input; NULL: /dev/null */
	size_t input_length;
	int input_fd;       /* instead of input, if > 0: becomes its standard input */
	int output_fd;      /* > 0: becomes its standard output */
	int error_fd;       /* > 0: becomes its standard error */
	struct str *output; /* if not NULL: what it printed, the last `keep` bytes */
	struct str *errors; /* the same of standard error; may be == output */
	size_t keep;        /* 0: 64 KiB */
	int timeout_ms;     /* 0: none; after it the whole process group is killed
				    and the error has errnum ETIMEDOUT */
	int until_fd;       /* > 0: once it is readable the same with ECANCELED; without a
				    timeout the program alone is killed */
	bool new_session;
	void (*in_child)(void *argument); /* last thing before execve; may _exit */
	void *argument;
};
int process_run(
	const struct process_run *run, int *ret_status, struct error *err) must_check;

/* fail() for one that ended otherwise than it should have, with the first line that it said. */
int process_fail_status(
	const char *name, int status, const struct str *said, struct error *err);
