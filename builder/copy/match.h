/* The paths beneath a root that a source with wildcards means. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/copy/ignore.h"

/* Appends them in order. `pattern` is clean and without leading slash. */
int match_paths(int root_fd, const char *pattern, const struct ignore *ignore,
	struct strings *ret, struct error *err) must_check;
