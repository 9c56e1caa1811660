/* The text after an instruction's name: flags, then arguments in the instruction's form. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/language/instruction.h"

/* Reads "--name=value" from offset `at` of the line on; *ret_at is where the arguments
 * begin. */
int arguments_read_flags(struct instruction *instruction, size_t at, size_t *ret_at,
	struct error *err) must_check;

/* Reads the rest. FORM_TRIGGER is the parser's own. */
int arguments_read(
	struct instruction *instruction, size_t at, struct error *err) must_check;
