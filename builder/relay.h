/*
 * A relay: a process that listens at a socket of its own and carries bytes between who
 * connects there and another socket. So a step that is not root reaches the agent of the
 * user who builds, without a change of that socket's own permissions.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct relay_options {
	const char *listen_at; /* made: its directory must be the caller's alone */
	const char *connect_to;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* Forks; the relay ends with its parent. */
int relay_begin(
	const struct relay_options *options, pid_t *ret, struct error *err) must_check;
void relay_end(pid_t pid);
