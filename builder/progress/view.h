/*
 * Showing a build on standard output, by one of its faces: lines for people (plain), lines
 * that change on a terminal (live), an object a line for tools (json), or nothing (quiet).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/str.h"
#include "builder/progress/progress.h"

enum view_kind { VIEW_AUTO, VIEW_PLAIN, VIEW_LIVE, VIEW_JSON, VIEW_QUIET };

#define VIEW_TAIL 4 /* lines of a step's output that the live face shows */

/* A stage as far as the view knows it. */
struct view_stage {
	char *name; /* "build", "stage-1"; NULL: the only one */
	char *text; /* the current instruction, or the stage's FROM */
	uint32_t step;
	uint32_t total;
	int64_t began;      /* nanoseconds of the monotonic clock */
	int64_t step_began; /* or stage */
	struct str line;    /* of output, not yet ended */
	bool replaces;      /* the line before it was a bar, which it draws again */
	bool busy;          /* with its base or a step */
	/* The live face's: the last lines of the step's output, and all of it. */
	char *tail[VIEW_TAIL];
	size_t tail_count;
	FILE *log;
};

struct view;

/* All that happens, in order; PROGRESS_OUTPUT comes line by line. stage NULL: the build.
 * tick, if there is one: again and again while something runs. */
struct view_face {
	void (*show)(struct view *view, struct view_stage *stage,
		const struct progress_event *event);
	void (*tick)(struct view *view);
	void (*hide)(struct view *view); /* the terminal is somebody else's now */
};

struct view {
	const struct view_face *face;
	struct view_stage *stages;
	size_t count;
	int64_t began;
	int64_t ticked;
	size_t rows; /* of the live face: what it will replace */
	size_t *widths;
	bool colours;
	bool cursor_hidden;
};

extern const struct view_face view_plain, view_live, view_json;

/* VIEW_AUTO is live on a terminal. */
void view_begin(struct view *view, enum view_kind kind);
/* Before the first event of a stage; name as in struct view_stage. */
void view_add_stage(struct view *view, const char *name, uint32_t steps);
void view_free(struct view *view); /* gives the terminal back, too */

#define auto_view __attribute__((cleanup(view_free))) struct view

/* stage: in the order of view_add_stage(). */
void view_stage_event(
	struct view *view, size_t stage, const struct progress_event *event);
/* It does nothing for now, until its next event. */
void view_stage_waits(struct view *view, size_t stage);
void view_build_event(struct view *view, enum progress_kind kind, const char *text);

/* Milliseconds until view_tick() wants to be called; -1: never. */
/* Whether lines that draw themselves again are shown as such. */
bool view_is_live(const struct view *view);
int view_timeout(const struct view *view);
void view_tick(struct view *view);
void view_hide(struct view *view);

/* ---- for faces ---- */

double view_seconds(int64_t began);
