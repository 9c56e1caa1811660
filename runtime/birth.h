/*
 * The birth of a container's process, as far as create, exec and restore have it in common.
 *
 *	parent                                the process
 *	birth_plan: sockets of the caller
 *	birth_open, clone                     birth_let_go
 *	                                      birth_make_terminal, which hands its master to
 *	                                      --console-socket, or as STAGE_TERMINAL to
 *	birth_await_terminal
 *	birth_announce: pidfd, pid file
 *	birth_await                           (whatever else the two have agreed: stage.h)
 *
 * The parent holds signals back (foreground.h), and waits only so that one that asks it to
 * end is heard: the wait then fails with errnum EINTR.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/stage.h"

struct oci_process;

#define BIRTH_FILTER_HINT "does /linux/seccomp let it call execve?"

/* What the caller wants of it; borrowed. */
struct birth_request {
	const char *pid_file;
	const char *console_socket;
	const char *pidfd_socket;
	bool foreground; /* the caller stays and serves the terminal */
};

struct birth {
	int sock;         /* the stage socket: the parent's end */
	int far_sock;     /* and the process's */
	int console_sock; /* connected to --console-socket; -1 */
	int pidfd_sock;   /* and to --pidfd-socket, until the pidfd is sent; -1 */
	pid_t pid;
	int pidfd;
	int master; /* of a foreground terminal; -1 */
};

#define BIRTH_NONE                                                                \
	{                                                                         \
		.sock = -1, .far_sock = -1, .console_sock = -1, .pidfd_sock = -1, \
		.pid = -1, .pidfd = -1, .master = -1                              \
	}
void birth_free(struct birth *birth);

/* ---- the parent --------------------------------------------------------------------- */

/* Before anything is made: whether a terminal can go anywhere, and the connections to those
 * who are to get descriptors. */
int birth_plan(const struct birth_request *request, bool terminal, struct birth *birth,
	struct error *err) must_check;

/* The stage socket. */
int birth_open(struct birth *birth, struct error *err) must_check;

/* As stage_await() and stage_await_fd(), with any process that we have made. What nearly
 * every wait costs is one poll(2). */
int birth_await(int sock, enum stage stage, struct error *err) must_check;
int birth_await_fd(int sock, enum stage stage, int *ret_fd, struct error *err) must_check;

/* The master of a terminal that does not go to --console-socket. */
int birth_await_terminal(
	struct birth *birth, bool terminal, struct error *err) must_check;

/* The end of the stage socket, which an execve causes, and a death too. With a filter, which
 * may be why: fails with errnum STAGE_PEER_ENDED where it was that, as far as can be told. */
int birth_await_execve(int sock, pid_t pid, bool filtered, struct error *err) must_check;

/* Tells the caller who was born: the pidfd, then the pid file. */
int birth_announce(const struct birth_request *request, struct birth *birth,
	struct error *err) must_check;

/* ---- the process -------------------------------------------------------------------- */

/* Lets go of what is the parent's alone: its descriptors, and in what others may see of us its
 * command line and environment. A relay does so before it makes the process. */
void birth_let_go(struct birth *birth);

struct birth_terminal {
	const struct oci_process *process;
	int root_fd;     /* the container's "/" */
	bool at_console; /* it is bound to /dev/console too */
};

/* Makes the terminal, hands its master over, and becomes the leader of what it controls.
 * Without one, the standard descriptors are given to the process's user. */
int birth_make_terminal(const struct birth *birth, const struct birth_terminal *what,
	struct error *err) must_check;

/* Its half that a restore needs by itself: the master, to --console-socket. */
int birth_send_master(
	const struct birth *birth, int master, struct error *err) must_check;
