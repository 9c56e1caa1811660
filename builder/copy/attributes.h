/* Extended attributes of files that are copied: those that mean something in an image. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* Appends names and values for a digest; nothing where there are none. */
void attributes_describe(int fd, struct str *ret);

/* From one descriptor to another. What the target's file system does not know, or what we
 * may not set, is left out, as cp -a does. */
int attributes_copy(int from, int to, const char *path, struct error *err) must_check;
