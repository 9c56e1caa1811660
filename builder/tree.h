/*
 * A tree of files copied as it is: contents (reflinked where the file system can), owners,
 * modes, times, extended attributes, hard links, devices. Links are copied, never
 * followed.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* What from_fd holds into the existing, empty directory to_fd, which also gets the
 * attributes of from_fd. `name` is for errors. */
int tree_copy(int from_fd, int to_fd, const char *name, struct error *err) must_check;
