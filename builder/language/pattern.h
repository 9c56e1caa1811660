/* The patterns of ${v#p}, ${v%p} and ${v/p/r}: `*` any text, `?` one character. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

/* The value without the shortest (or longest) prefix or suffix that the pattern matches.
 * Backslash takes the meaning from `*`, `?`, `\`, `}` and `/`. */
struct pattern_options {
	bool suffix;
	bool longest;
	bool all; /* of pattern_replace(): every match, not the first one only */
};
int pattern_trim(const char *pattern, const char *value, struct pattern_options options,
	char **ret, struct error *err) must_check;
int pattern_replace(const char *pattern, const char *value, const char *replacement,
	struct pattern_options options, char **ret, struct error *err) must_check;
