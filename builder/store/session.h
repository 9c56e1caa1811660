/*
 * A session: the directory of one running command in the store's temp/, locked by its
 * process for as long as it lives. What a killed command left is recognised by its free
 * lock and removed by whoever comes next, containers of RUN steps first.
 *
 *	temp/NAME/            flock()ed
 *	temp/NAME/N/          the N-th piece of work
 *	runtime/build-NAME-N  its container, if it is a RUN: STORE/runtime is the --root of
 *	                      mocker-runtime, whose compiled filters serve all builds
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/store/store.h"

struct session {
	const struct store *store; /* borrowed */
	char *name;
	char *path; /* absolute */
	int fd;
	unsigned int pieces;
};

#define SESSION_NONE     \
	{                \
		.fd = -1 \
	}

/* Also sweeps. */
int session_begin(
	const struct store *store, struct session *ret, struct error *err) must_check;

/* Removes the directory and whatever it holds; containers that still run are deleted.
 * Harmless for a session that has not begun. */
void session_end(struct session *session);

#define auto_session __attribute__((cleanup(session_end))) struct session

/* A new directory temp/NAME/N. */
int session_piece(struct session *session, char **ret_path, int *ret_fd,
	struct error *err) must_check;
/* The ID of a piece's container; owned by the caller. */
char *session_container(const struct session *session, const char *piece);
/* Removes it; what cannot be removed now is left to session_end(). */
void session_drop_piece(struct session *session, const char *path);

/* Removes what dead sessions left; counts them. */
int session_sweep(const struct store *store, unsigned int *ret_removed,
	struct error *err) must_check;
