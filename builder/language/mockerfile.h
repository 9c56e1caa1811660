/*
 * A Mockerfile, parsed: bytes in, instructions out, no effects. INCLUDE is already
 * resolved, through a loader that the caller gives.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/language/check.h"
#include "builder/language/instruction.h"

#define MOCKERFILE_SIZE_MAX          (4u << 20)
#define MOCKERFILE_INCLUDE_DEPTH_MAX 16
#define MOCKERFILE_INSTRUCTIONS_MAX  20000

struct mockerfile {
	struct source **sources; /* the file, then what it includes */
	size_t source_count;
	struct instruction *instructions;
	size_t instruction_count;
	char *syntax; /* "# syntax="; NULL if absent; kept, not acted upon */
	struct check check;
	char escape;
};

struct mockerfile_loader {
	/* Reads the file of an INCLUDE; *ret is owned by the parser. */
	int (*load)(void *argument, const char *path, char **ret, size_t *ret_length,
		struct error *err);
	void *argument;
};

/* `name` is for errors; loader NULL: INCLUDE is refused. On failure nothing is left in
 * *ret. */
int mockerfile_parse(const char *name, const char *text, size_t length,
	const struct mockerfile_loader *loader, struct mockerfile *ret,
	struct error *err) must_check;

/* Reads `path` beneath dir_fd (AT_FDCWD allowed; "-": standard input); INCLUDE reads
 * beneath context_fd (-1: refused), links confined to it. */
int mockerfile_read(int dir_fd, const char *path, int context_fd, struct mockerfile *ret,
	struct error *err) must_check;

/* The same of a context that is not this user's own: the file's links are confined to it,
 * too. */
int mockerfile_read_beneath(int context_fd, const char *path, struct mockerfile *ret,
	struct error *err) must_check;

void mockerfile_free(struct mockerfile *file);

#define auto_mockerfile __attribute__((cleanup(mockerfile_free))) struct mockerfile
