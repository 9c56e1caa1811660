/*
 * Private keys for a build: an ssh-agent of its own, which has them and ends with it.
 * A keeper process stands between: it outlives us, however we end, and takes away the
 * agent, its socket and its directory.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct ssh_key {
	char *path; /* for messages */
	char *text; /* the file's */
};

struct ssh_keys {
	struct ssh_key *items;
	size_t count;
};

void ssh_keys_free(struct ssh_keys *keys);
/* Reads the file. What is no private key, or an encrypted one, is an error. */
int ssh_keys_add(struct ssh_keys *keys, const char *path, struct error *err) must_check;

struct ssh_agent {
	pid_t keeper; /* 0: none */
	int sock;     /* to it: the agent lives as long as this is open */
};

/* ret_socket: the agent's, in a directory that only we may enter; owned by the caller. */
int ssh_agent_begin(const struct ssh_keys *keys, struct ssh_agent *ret, char **ret_socket,
	struct error *err) must_check;
/* Waits until nothing is left of it. Harmless for none. */
void ssh_agent_end(struct ssh_agent *agent);
