/*
 * A view of a build context without what its ignore file leaves out: a directory of
 * overlayfs whiteouts that stands above the context in an overlay.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/copy/ignore.h"

/* Walks `path` beneath root_fd and marks in the empty directory hide_fd what is ignored.
 * ret_any false: nothing is, and nothing was made. A `path` that is itself ignored is an
 * error (ENOENT). */
int hide_ignored(int root_fd, const char *path, const struct ignore *ignore, int hide_fd,
	bool *ret_any, struct error *err) must_check;
