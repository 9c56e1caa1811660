/*
 * Physical lines to logical lines: comments, continuations, heredoc bodies, and the
 * directives ("# escape=`") at the top of a file.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/language/check.h"
#include "builder/language/instruction.h"

struct lexer {
	const struct source *source;
	uint32_t next; /* the physical line to be read, from 1 */
	char escape;
	char *syntax; /* owned; NULL if absent */
	bool has_check;
	struct check check;
};

/* Reads the directives. */
int lexer_init(
	struct lexer *lexer, const struct source *source, struct error *err) must_check;
void lexer_free(struct lexer *lexer);

/* The next line that holds an instruction; false at the end of the file. `comments`
 * receives those that stand right above it. */
bool lexer_next(struct lexer *lexer, struct line *ret, struct strings *comments);

/* Reads on to the terminator of a heredoc; with chomp, tabs at the start of each line are
 * removed. ret_terminated false: the file ended before it. */
char *lexer_read_heredoc(
	struct lexer *lexer, const char *terminator, bool chomp, bool *ret_terminated);
