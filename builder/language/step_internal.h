/* The parts that step.c puts together, one file each. */
#pragma once

#include "builder/language/step.h"

struct step_context {
	const struct instruction *instruction;
	struct scope *scope;
	struct step *step;
	struct error *err;
};

/* Expands a token as one word or (below) as several; errors show the token. */
int step_expand(
	struct step_context *context, const struct token *token, char **ret) must_check;
int step_expand_words(struct step_context *context, const struct token *token,
	struct strings *ret) must_check;
/* The flag's value, expanded; NULL if it is absent. */
int step_expand_flag(
	struct step_context *context, const char *name, char **ret) must_check;
/* The flag's token, for errors; NULL if it is absent. */
const struct token *step_flag_token(
	const struct instruction *instruction, const char *name);
/* A flag without value, or with =true or =false. */
bool step_flag_is_set(const struct instruction *instruction, const char *name);

int step_make_run(struct step_context *context) must_check;
int step_make_copy(struct step_context *context) must_check;
int step_make_healthcheck(struct step_context *context) must_check;
int step_make_expose(struct step_context *context) must_check;
/* The same of the arguments from the first on, of UNSET. */
int step_make_ports(struct step_context *context, size_t first) must_check;

/* One --mount=...; the token is for errors. */
int run_mount_parse(struct step_context *context, const struct token *token,
	const char *text, struct run_mount *ret) must_check;
void run_mount_free(struct run_mount *mount);

char *step_key(const struct step *step, const struct scope *scope);
