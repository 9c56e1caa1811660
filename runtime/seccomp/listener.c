/* The agent that decides about system calls: telling it of a process. */
#include "runtime/seccomp/listener.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "base/socket.h"
#include "base/str.h"
#include "runtime/seccomp/handoff.h"
#include "spec/config.h"
#include "spec/seccomp.h"
#include "spec/state.h"

#define TOLD 1 /* the courier's answer, or -errno */

/* ---- the courier ------------------------------------------------------------------- */

/* The container process state of the specification, as text. */
static void write_state(const struct seccomp_filter *filter,
	struct seccomp_subject subject, struct str *ret)
{
	char name[] = "seccompFd", version[] = OCI_VERSION;
	char *names[] = { name, NULL };
	struct oci_process_state state = {
		.oci_version = version,
		.fds = { .items = names, .count = 1 },
		.pid = subject.pid,
		.metadata = filter->metadata,
	};

	if (subject.state)
		state.state = *subject.state; /* borrowed: nothing here is freed */
	json_write(
		ret, &oci_process_state_type, &state, (struct json_write_options){ 0 });
}

/* The descriptor goes with the first byte; the rest may take several calls. */
static int send_all(int sock, const struct str *state, int passed)
{
	size_t sent = 0;

	while (sent < state->length) {
		ssize_t result = socket_send(
			sock, state->data + sent, state->length - sent, passed);

		if (result < 0)
			return -1;
		sent += (size_t)result;
		passed = -1;
	}
	return 0;
}

/* One state for a connection; its end may be waited for before anything is decided. And a
 * descriptor of the notifications in init would keep an agent's end from being noticed. */
static no_return void carry(
	struct handoff *handoff, int sock, const struct str *state, pid_t init)
{
	const struct timespec pause = { .tv_nsec = HANDOFF_PAUSE_NS };
	int fd, answer;

	while ((fd = handoff_look(handoff)) < 0) {
		if (getppid() != init)
			_exit(1);
		(void)nanosleep(&pause, NULL); /* it looks again */
	}
	answer = send_all(sock, state, fd) == 0 ? TOLD : -errno;
	(void)close(sock);
	(void)close(fd);
	handoff_answer(handoff, answer);
	_exit(0);
}

/* Of a child that has ended nothing may be left to the user's program. */
static int set_child_flags(int flags)
{
	struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = flags };

	return sigaction(SIGCHLD, &action, NULL);
}

/* ---- init -------------------------------------------------------------------------- */

int listener_prepare(const struct seccomp_filter *filter, struct seccomp_subject subject,
	struct handoff **ret, struct error *err)
{
	auto_str state = { 0 };
	struct handoff *handoff;
	pid_t init = getpid();
	pid_t pid;

	write_state(filter, subject, &state);
	if (handoff_make(&handoff, err) < 0)
		return -1;
	pid = set_child_flags(SA_NOCLDWAIT) < 0 ? -1 : process_clone(CLONE_FILES, NULL);
	if (pid == 0)
		carry(handoff, filter->listener, &state, init);
	if (pid < 0) {
		(void)fail_errno(err, "/linux/seccomp/listenerPath: making the process "
				      "that tells the listener");
		handoff_free(handoff);
		return err->errnum == EAGAIN ? fail_hint(err, "a limit of processes?")
					     : -1;
	}
	handoff->child = pid;
	*ret = handoff;
	return 0;
}

int listener_tell(struct handoff *handoff, int fd, struct error *err)
{
	int answer = handoff_give(handoff, fd);

	/* With the flag this waits for its end and finds nothing then (ECHILD). A profile may
	 * forbid both; execve forgets the flag too. */
	if (answer)
		(void)waitpid(handoff->child, NULL, 0);
	(void)set_child_flags(0);
	if (answer == TOLD)
		return 0;
	errno = answer ? -answer : ETIMEDOUT;
	(void)fail_errno(err, "/linux/seccomp/listenerPath: sending the state");
	return errno == EPIPE || errno == ECONNRESET
		       ? fail_hint(err, "the listener has closed the connection")
		       : -1;
}
