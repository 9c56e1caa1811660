/*
 * The rules that follow variables and the working directory through the stages.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "builder/exchange/import.h"
#include "builder/language/lint_internal.h"
#include "builder/language/step.h"
#include "builder/registry/reference.h"

struct names {
	const struct pairs *list;
	size_t item;
};

static const char *next_name(void *state)
{
	struct names *names = state;

	if (names->item >= names->list->count)
		return NULL;
	return names->list->items[names->item++].key;
}

static bool base_is_known(const struct plan *plan, const struct stage *stage)
{
	while (stage->base == STAGE_BASE_STAGE)
		stage = &plan->stages[stage->base_stage];
	return stage->base == STAGE_BASE_SCRATCH;
}

/* What an image sets is not known here: without knowing, only a name that resembles one
 * of the file's own is a finding. */
static void report_unset(struct lint *lint, const struct stage *stage,
	const struct instruction *instruction, const struct scope *scope,
	const char *name)
{
	struct names names = { .list = &scope->values };
	const char *near = str_nearest(name, next_name, &names);

	if (strcmp(name, "PATH") == 0 || (!near && !base_is_known(lint->plan, stage)))
		return;
	if (near)
		lint_report(lint, instruction, NULL,
			"Usage of undefined variable '$%s' (did you mean $%s?)", name,
			near);
	else
		lint_report(lint, instruction, NULL, "Usage of undefined variable '$%s'",
			name);
}

static int walk_stage(struct lint *lint, const struct stage *stage, struct scope *scope,
	struct error *err)
{
	for (size_t i = 0; i < stage->instruction_count; i++) {
		const struct instruction *instruction = stage->instructions[i];
		auto_step step = { 0 };

		/* With a variable that the image may set it can make sense. */
		if (step_make(instruction, scope, &step, err) < 0 &&
			(base_is_known(lint->plan, stage) || !scope->unset.count))
			return -1;
		strings_each (name, &scope->unset)
			if (!strings_contain(&scope->declared, *name))
				report_unset(lint, stage, instruction, scope, *name);
		strings_free(&scope->unset);
	}
	return 0;
}

/* A stage begins with what its base stage has set. */
int lint_undefined_var(struct lint *lint, struct error *err)
{
	struct scope *scopes = str_alloc(lint->plan->stage_count * sizeof(*scopes));
	int result = 0;

	lint->rule = "UndefinedVar";
	for (size_t i = 0; i < lint->plan->stage_count; i++) {
		const struct stage *stage = &lint->plan->stages[i];

		scope_init(&scopes[i], NULL, &lint->plan->global);
		if (stage->base == STAGE_BASE_STAGE)
			scope_continue(&scopes[i], &scopes[stage->base_stage]);
		else if (stage->base == STAGE_BASE_IMAGE)
			scope_forget(&scopes[i]);
		if (result == 0)
			result = walk_stage(lint, stage, &scopes[i], err);
	}
	for (size_t i = 0; i < lint->plan->stage_count; i++)
		scope_free(&scopes[i]);
	free(scopes);
	return result;
}

/* Declared before the first FROM, with a value or without. */
static bool is_global(const struct lint *lint, const char *name)
{
	if (pairs_get(&lint->plan->global, name))
		return true;
	instructions_each (item, lint->file) {
		if (item->kind == INSTRUCTION_FROM)
			break;
		for (size_t i = 0; i < item->arguments.count; i++) {
			const char *rest = str_after(item->arguments.items[i].text, name);

			if (item->kind == INSTRUCTION_ARG && rest &&
				(*rest == '=' || !*rest))
				return true;
		}
	}
	return false;
}

/* The names that stand in the text and that no ARG before the first FROM gives. */
static void report_undeclared(struct lint *lint, const struct instruction *item,
	const struct token *token, const char *at)
{
	while ((at = strchr(at, '$'))) {
		struct names names = { .list = &lint->plan->global };
		const char *start = at + 1 + (at[1] == '{');
		size_t length = 0;

		while (isalnum((unsigned char)start[length]) || start[length] == '_')
			length++;
		auto_free char *name = str_dup_n(start, length);
		const char *near = str_nearest(name, next_name, &names);

		at = start;
		if (!length || is_global(lint, name))
			continue;
		lint_report(lint, item, token,
			near ? "FROM argument '%s' is not declared (did you mean %s?)"
			     : "FROM argument '%s' is not declared",
			name, near);
	}
}

void lint_undefined_arg_in_from(struct lint *lint)
{
	instructions_each (item, lint->file) {
		const char *platform = instruction_flag(item, "platform");

		if (item->kind != INSTRUCTION_FROM)
			continue;
		report_undeclared(lint, item, &item->arguments.items[0],
			item->arguments.items[0].text);
		if (platform)
			report_undeclared(lint, item, &item->flags.items[0], platform);
	}
}

/* Without any --build-arg, as the plan of lint is made. */
void lint_invalid_default_arg_in_from(struct lint *lint)
{
	for (size_t i = 0; i < lint->plan->stage_count; i++) {
		const struct stage *stage = &lint->plan->stages[i];
		const struct token *token =
			stage->from ? &stage->from->arguments.items[0] : NULL;
		auto_reference reference = { 0 };
		struct error ignored;

		if (stage->base != STAGE_BASE_IMAGE || !strchr(token->text, '$') ||
			import_is_source(stage->base_name) ||
			reference_parse(stage->base_name, &reference, &ignored) == 0)
			continue;
		lint_report(lint, stage->from, token,
			"Default value for ARG %s results in empty or invalid base image name",
			token->text);
	}
}

void lint_workdir_relative_path(struct lint *lint)
{
	bool *absolute = str_alloc(lint->plan->stage_count * sizeof(*absolute));

	for (size_t i = 0; i < lint->plan->stage_count; i++) {
		const struct stage *stage = &lint->plan->stages[i];

		absolute[i] =
			stage->base == STAGE_BASE_STAGE && absolute[stage->base_stage];
		for (size_t j = 0; j < stage->instruction_count; j++) {
			const struct instruction *item = stage->instructions[j];

			if (item->kind != INSTRUCTION_WORKDIR)
				continue;
			if (!absolute[i] &&
				!strchr("/$\"'", *item->arguments.items[0].text))
				lint_report(lint, item, &item->arguments.items[0],
					"Relative workdir \"%s\" can have unexpected results if the base image changes",
					item->arguments.items[0].text);
			absolute[i] |= *item->arguments.items[0].text == '/';
		}
	}
	free(absolute);
}
