/*
 * What a build tells while it goes on: a line for each step, the output of RUN below it,
 * how long it took. Plain text for now; --quiet says nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct progress {
	bool quiet;
	size_t step; /* the current one, from 1 */
	size_t total;
	int64_t began; /* nanoseconds of the monotonic clock */
	int64_t step_began;
	struct str line; /* of output, not yet ended */
};

void progress_begin(struct progress *progress, bool quiet);
void progress_free(struct progress *progress);

/* "[2/6] RUN wget ..."; stage: its name or NULL. */
void progress_step(struct progress *progress, const char *stage, const char *text);
void progress_cached(struct progress *progress, const char *stage, const char *text);
/* After a step that took a while; how: "done in" or "failed after". */
void progress_step_end(struct progress *progress, const char *how);

/* A piece of a step's output; fits struct worker. Control characters other than tab do not
 * reach the terminal. */
void progress_output(void *progress, const char *data, size_t length);

void progress_note(struct progress *progress, const char *format, ...) printf_like(2, 3);
void progress_done(struct progress *progress, const char *what);
