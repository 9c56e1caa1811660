/*
 * Where a text came from, and errors that show the place: file, line, the line itself and
 * a caret.
 *
 *	Mockerfile:7: COPY needs at least one source and a destination
 *	   7 | COPY foo
 *	     |      ^~~
 *
 * This is the one kind of error text that has several lines.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* One file of the language, kept whole for its error messages. */
struct source {
	char *name; /* as a person named it */
	char *text; /* terminated; a byte-order mark is already gone */
	size_t length;
	size_t *starts; /* the offset of each line */
	size_t line_count;
};

/* Takes a copy of the text. */
void source_init(
	struct source *source, const char *name, const char *text, size_t length);
void source_free(struct source *source);
/* The line without its newline; NULL if there is none of this number. Not terminated. */
const char *source_line(const struct source *source, uint32_t number, size_t *ret_length);

/* A stretch of one line. Line 0: the file as a whole; width 0: the line as a whole. */
struct span {
	const struct source *source;
	uint32_t line;   /* from 1 */
	uint32_t column; /* in bytes, from 0 */
	uint32_t width;  /* in bytes */
};

/* fail() with the place. */
int span_fail(struct span span, struct error *err, const char *format, ...)
	printf_like(3, 4);

/* Puts the place around an error that a callee reported without one. */
int span_fail_while(struct span span, struct error *err);

/* The same where it may have reported one, or nothing at all: returns `result`. */
int span_place(struct span span, int result, struct error *err);

/* Appends what span_fail() shows: "FILE:LINE: MESSAGE" and the line with its caret. */
void span_describe(struct str *str, struct span span, const char *message);
