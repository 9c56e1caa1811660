/*
 * What --secret and --ssh give to RUN --mount=type=secret and type=ssh. Secrets never
 * touch a disk of ours: the step's worker writes them into a tmpfs that only it and the
 * runtime see.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/ssh_agent.h"

struct build_secret {
	char *id;
	char *path;           /* of a file, or of an agent's socket */
	char *variable;       /* of the environment, instead */
	struct ssh_keys keys; /* for an agent of our own, until that has them */
	struct ssh_agent agent;
};

struct build_secrets {
	struct build_secret *items;
	size_t count;
};

void secrets_free(struct build_secrets *secrets);

/* "id=ID[,src=FILE|,env=NAME]"; without source the variable ID, else the file ID. */
int secrets_add(
	struct build_secrets *secrets, const char *text, struct error *err) must_check;
/* "ID[=SOCKET|KEY[,KEY]]"; without any $SSH_AUTH_SOCK. */
int secrets_add_ssh(
	struct build_secrets *secrets, const char *text, struct error *err) must_check;
/* An agent for each ID with keys; they end with secrets_free(). */
int secrets_begin_agents(struct build_secrets *secrets, struct error *err) must_check;

const struct build_secret *secrets_find(
	const struct build_secrets *secrets, const char *id);

/* The secret of this ID as a line of text, blanks at its end removed; NULL in *ret where
 * there is none (or no list). */
int secrets_text(const struct build_secrets *secrets, const char *id, char **ret,
	struct error *err) must_check;

/* The bytes, as they are now; at most 500 KiB. */
int secret_read(const struct build_secret *secret, char **ret, size_t *ret_length,
	struct error *err) must_check;
