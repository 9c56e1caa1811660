/* The bytes of one file into another that is empty. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/* `size` is what stat said; both offsets are 0. Holes stay holes. */
int content_copy(int from, int to, off_t size, off_t allocated, const char *name,
	struct error *err) must_check;
