/*
 * Shared libraries that are loaded when they are needed and not before: most runs of a
 * program never need them, and linking one costs each of them.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct library_symbol {
	const char *name;
	size_t offset; /* of its pointer in the struct of the library's functions */
};

/* Sets the pointer of each of `count` symbols in `functions`. *ret is for library_close(),
 * and NULL on failure. */
int library_open(const char *file, const struct library_symbol *symbols, size_t count,
	void *functions, void **ret, struct error *err) must_check;
void library_close(void **handle); /* may be NULL, and is then */
