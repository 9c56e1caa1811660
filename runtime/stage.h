/*
 * The conversation of the runtime's two processes: one SOCK_SEQPACKET pair, one message
 * type. Every wait names its stage; a message of another stage is a broken promise, end
 * of file is the other's death, and either side may send its error instead.
 */
#pragma once

#include <errno.h>

#include "base/error.h"
#include "base/macros.h"

/*
 *   parent                       init
 *                                 (born by clone3 in its new namespaces)
 *                                STAGE_CLONED     only where a relay made init: pidfd
 *   STAGE_PLACED                                  ids mapped, scope and interfaces given
 *                                STAGE_MOUNTED    all mounts are there, before the pivot
 *   STAGE_HOOKED                                  prestart and createRuntime have run
 *                                STAGE_TERMINAL   the terminal's master: fd
 *   STAGE_RECORDED                                state.json and pid file name init
 *                                STAGE_READY      create: waits for `start` from now on
 *                                (end of file     run: execve has closed the socket)
 *
 * PLACED, MOUNTED and HOOKED, TERMINAL happen only where the plan has them; READY only
 * with create. RECORDED is normally there before init asks, so that the least of
 * conversations wakes nobody but the parent, once. The socket of `start` speaks the same:
 *
 *   start                        init
 *   STAGE_START
 *                                (end of file: execve; or its error)
 *
 * And so does a process that is about to become criu (criu/criu.h):
 *
 *                                STAGE_WORKER     the end of its own socket: fd
 *                                (end of file: execve; or its error)
 */
#define STAGE_PEER_ENDED EOWNERDEAD /* errnum of no error that the other may send */

enum stage {
	STAGE_ERROR,
	STAGE_CLONED,
	STAGE_PLACED,
	STAGE_MOUNTED,
	STAGE_HOOKED,
	STAGE_TERMINAL,
	STAGE_RECORDED,
	STAGE_READY,
	STAGE_START,
	STAGE_WORKER,
	STAGE_END, /* the end of the socket, as by execve, for it is close-on-exec; never sent */
};

/* ret_ends[0] is the parent's. */
int stage_pair(int ret_ends[2], struct error *err) must_check;

int stage_send(int sock, enum stage stage, struct error *err) must_check;
int stage_send_fd(int sock, enum stage stage, int fd, struct error *err) must_check;
void stage_send_error(int sock, const struct error *error);

/* The other's error arrives as our own. End of file fails with errnum
 * STAGE_PEER_ENDED. */
int stage_await(int sock, enum stage stage, struct error *err) must_check;
int stage_await_fd(int sock, enum stage stage, int *ret_fd, struct error *err) must_check;
