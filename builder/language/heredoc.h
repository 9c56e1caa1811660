/* Heredocs: "<<NAME" in the words of RUN, COPY and ADD, and the lines up to NAME. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/language/lexer.h"

/* Reads the bodies of all heredocs that the instruction's line begins. */
int heredoc_read_all(struct lexer *lexer, struct instruction *instruction,
	struct error *err) must_check;

/* Whether the word is "<<NAME" or the like; the name without its quotes is for the caller
 * to free. ret_heredoc may be NULL. */
bool heredoc_parse_word(const char *word, struct heredoc *ret_heredoc);
