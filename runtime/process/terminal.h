/*
 * The terminal of a container: made inside it, from its own devpts, by a process that
 * already is inside; its master then goes out, to --console-socket or to the parent.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_process;

struct terminal {
	int master;
	int slave;
};

#define TERMINAL_NONE                     \
	{                                 \
		.master = -1, .slave = -1 \
	}
#define auto_terminal __attribute__((cleanup(terminal_free))) struct terminal
void terminal_free(struct terminal *terminal);

/* root_fd: the container's "/". The slave belongs to the process's user. */
int terminal_open(int root_fd, const struct oci_process *process, struct terminal *ret,
	struct error *err) must_check;

/* Becomes the controlling terminal and the standard descriptors of the caller, which is
 * the leader of its session. */
int terminal_attach(const struct terminal *terminal, struct error *err) must_check;

/* Without a terminal: the standard descriptors are given to the user that the process
 * runs as, so that it can open /dev/stdout again; a /dev/null becomes the container's. */
void terminal_give_standard(int root_fd, uid_t uid);
