/*
 * What a build tells while it goes on: events. Each stage is built by a process of its own,
 * which sends its events over a socket; the builder's first process receives them, adds
 * those of the build as a whole, and shows all (view.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

enum progress_kind {
	PROGRESS_BUILD_BEGIN,
	PROGRESS_BUILD_DONE,   /* text: the image's ID */
	PROGRESS_BUILD_FAILED, /* text: the error */
	PROGRESS_WARNING,
	PROGRESS_STAGE_BEGIN, /* text: its FROM */
	PROGRESS_STAGE_DONE,
	PROGRESS_STAGE_FAILED,
	PROGRESS_STEP_BEGIN,   /* text: the instruction, here and in the next */
	PROGRESS_STEP_CACHED,  /* has begun and ended */
	PROGRESS_STEP_APPLIED, /* the same: not cached, but of the image's config alone */
	PROGRESS_STEP_WHY,     /* text: a reason why it is not cached */
	PROGRESS_OUTPUT,       /* text: a piece, or for a face of the view a line */
	PROGRESS_STEP_DONE,
	PROGRESS_STEP_SHARED, /* done: another stage had the same step, and its result is used */
	PROGRESS_STEP_FAILED,
	PROGRESS_SHELL, /* the stage waits for the terminal; text: to give it to what */
};

struct progress_event {
	enum progress_kind kind;
	uint32_t step; /* of its stage, from 1; 0: before the first */
	uint32_t total;
	uint64_t bytes;   /* PROGRESS_STEP_DONE: of the new layer */
	const char *text; /* terminated; never NULL once received */
	size_t length;
};

/* The sending side, in a stage's process. */
struct progress {
	int socket; /* -1: nobody listens, but for: */
	/* in the builder's own process, or NULL. */
	void (*show)(void *argument, const struct progress_event *event);
	void *argument;
	bool ended; /* the step has, as far as the listener knows */
	uint32_t step;
	uint32_t total;
};

/* A new step; kind: PROGRESS_STEP_BEGIN, or one of those that have ended already. */
void progress_step(struct progress *progress, enum progress_kind kind, const char *text);
void progress_why(struct progress *progress, const char *reason);
/* How it ended; bytes: of its layer. Only the first end of a step counts. */
void progress_step_end(struct progress *progress, enum progress_kind how, uint64_t bytes);
/* A piece of what a step prints; fits struct worker. */
void progress_output(void *progress, const char *data, size_t length);
/* Asks for the terminal for a program and waits until it is there. False: it will not
 * come. */
bool progress_take_terminal(struct progress *progress, const char *program);

/* ---- the receiving side ---- */

#define PROGRESS_MESSAGE_MAX (64u << 10)

int progress_socket(int ret_sockets[2], struct error *err) must_check;
/* False: none is there now, or the sender is gone. The text lies in the buffer. */
bool progress_receive(int socket, struct progress_event *ret,
	char buffer[PROGRESS_MESSAGE_MAX]) must_check;
/* The answer to PROGRESS_SHELL. */
void progress_give_terminal(int socket);
