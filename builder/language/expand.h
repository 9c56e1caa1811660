/*
 * Variables in arguments: $v ${v} ${v:-w} ${v-w} ${v:+w} ${v+w} ${v:?e} ${v?e} ${v#p}
 * ${v##p} ${v%p} ${v%%p} ${v/p/r} ${v//p/r}, nested, with the quotes and the escape
 * character of the Dockerfile language.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

struct expand_options {
	char escape;       /* '\\' or '`' */
	bool keep_quotes;  /* quotes stay in the result */
	bool keep_escapes; /* so do escape characters */
	bool no_quotes;    /* quotes are ordinary characters (heredocs) */
	bool keep_unset;   /* an unset $v stays as written */

	/* The value of a variable or NULL; borrowed. */
	const char *(*lookup)(void *argument, const char *name);
	void *argument;

	struct strings *unset; /* if not NULL: names that had no value are added */
};

/* The word with its variables replaced and its quotes removed. */
int expand_word(const char *text, const struct expand_options *options, char **ret,
	struct error *err) must_check;

/* The same, split at white space that is neither quoted nor escaped; appends to `ret`. */
int expand_words(const char *text, const struct expand_options *options,
	struct strings *ret, struct error *err) must_check;
