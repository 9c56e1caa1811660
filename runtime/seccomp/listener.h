/*
 * listenerPath: an agent decides about the system calls with SCMP_ACT_NOTIFY. It is told of
 * each process that a filter is loaded for, by a message with the descriptor by which it
 * decides. From the loading on each call of that process may wait for a decision, so that
 * another sends the message. "Init" is exec's new process as well.
 *
 *	init                           the courier
 *	listener_prepare               (born of init; has its descriptors, not copies)
 *	loads the filter
 *	listener_tell                  sends the state with the descriptor, closes both
 *	(waits, without system calls)  and ends
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/seccomp/seccomp.h"

struct handoff;

/* In init. ret: for listener_tell; goes with execve. SIGCHLD is as by default after both. */
int listener_prepare(const struct seccomp_filter *filter, struct seccomp_subject subject,
	struct handoff **ret, struct error *err) must_check;

/* fd: of the notifications; is closed, as the connection is. */
int listener_tell(struct handoff *handoff, int fd, struct error *err) must_check;
