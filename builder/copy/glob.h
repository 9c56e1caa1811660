/*
 * Patterns of paths, as Go's filepath.Match has them (`*` and `?` within a component,
 * [a-z] and [^a-z], backslash), with `**` for any number of directories.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct glob_piece;

struct glob {
	char *literal; /* the whole text, where nothing in it is special */
	char *prefix;  /* the text before the first special character */
	struct glob_piece *pieces;
	size_t count;
};

int glob_compile(const char *pattern, struct glob *ret, struct error *err) must_check;
void glob_free(struct glob *glob);

#define auto_glob __attribute__((cleanup(glob_free))) struct glob

/* The whole path. */
bool glob_matches(const struct glob *glob, const char *path);

/* Whether the text has a character that means something other than itself. */
bool glob_is_special(const char *text);
/* The pattern that matches the text alone. Owned by the caller. */
char *glob_escape(const char *text);
