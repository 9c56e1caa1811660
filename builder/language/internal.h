/* What the files of this room share and nobody else needs. */
#pragma once

#include <stdbool.h>

#include "builder/language/instruction.h"

/* White space as the language has it: no newline is left inside a line. */
static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

void line_free(struct line *line);
/* Where `width` bytes at an offset of the joined text stood. */
struct span line_span(const struct line *line, size_t offset, size_t width);
/* Takes the text. */
void tokens_add(struct tokens *tokens, char *text, size_t offset, size_t width);
