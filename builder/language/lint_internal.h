/* What the files of lint share. */
#pragma once

#include "builder/language/lint.h"
#include "builder/language/plan.h"

struct lint {
	const struct mockerfile *file;
	const struct plan *plan;
	const struct ignore *ignore;
	struct lint_findings *findings;
	const char *rule; /* that is at work */
};

/* One more finding of the rule, at a token or (NULL) at the instruction. */
void lint_report(struct lint *lint, const struct instruction *instruction,
	const struct token *token, const char *format, ...) printf_like(4, 5);

#define instructions_each(item, file)                               \
	for (const struct instruction *item = (file)->instructions; \
		item < (file)->instructions + (file)->instruction_count; item++)

/* The rules about variables and the working directory: lint_variables.c. */
void lint_invalid_default_arg_in_from(struct lint *lint);
void lint_undefined_arg_in_from(struct lint *lint);
void lint_workdir_relative_path(struct lint *lint);
int lint_undefined_var(struct lint *lint, struct error *err) must_check;
