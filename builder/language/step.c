/*
 * step_make() dispatches by kind. What only records words and pairs is here; RUN, COPY,
 * HEALTHCHECK and EXPOSE have files of their own.
 */
#include "builder/language/step.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "builder/language/expand.h"
#include "builder/language/step_internal.h"
#include "spec/names.h"

static const char *scope_lookup(void *argument, const char *name)
{
	return scope_get(argument, name);
}

static struct expand_options expand_options_of(struct step_context *context)
{
	return (struct expand_options){
		.escape = context->instruction->line.escape,
		.lookup = scope_lookup,
		.argument = context->scope,
		.unset = &context->scope->unset,
	};
}

int step_expand(struct step_context *context, const struct token *token, char **ret)
{
	struct expand_options options = expand_options_of(context);
	struct span span = instruction_span(context->instruction, token);

	if (expand_word(token->text, &options, ret, context->err) < 0)
		return span_fail_while(span, context->err);
	return 0;
}

int step_expand_words(
	struct step_context *context, const struct token *token, struct strings *ret)
{
	struct expand_options options = expand_options_of(context);
	struct span span = instruction_span(context->instruction, token);

	if (expand_words(token->text, &options, ret, context->err) < 0)
		return span_fail_while(span, context->err);
	return 0;
}

const struct token *step_flag_token(
	const struct instruction *instruction, const char *name)
{
	for (size_t i = 0; i < instruction->flags.count; i++) {
		const char *rest = str_after(instruction->flags.items[i].text, name);

		if (rest && (*rest == '=' || !*rest))
			return &instruction->flags.items[i];
	}
	return NULL;
}

int step_expand_flag(struct step_context *context, const char *name, char **ret)
{
	const struct token *token = step_flag_token(context->instruction, name);
	struct token value;

	if (!token)
		return 0;
	value = *token;
	value.text = strchr(token->text, '=') + 1;
	return step_expand(context, &value, ret);
}

bool step_flag_is_set(const struct instruction *instruction, const char *name)
{
	const char *value = instruction_flag(instruction, name);

	return value && strcmp(value, "false") != 0;
}

static struct token *argument(struct step_context *context, size_t i)
{
	return &context->instruction->arguments.items[i];
}

static int must_not_be_blank(
	struct step_context *context, const struct token *token, const char *text)
{
	const char *name = context->instruction->rule->name;

	if (*text)
		return 0;
	return instruction_fail(context->instruction, token, context->err,
		"%s: \"%s\" is empty once its variables are replaced", name, token->text);
}

/* ENV, LABEL: all values first, so that ENV a=1 b=$a sees the a of before. */
static int make_pairs(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;

	for (size_t i = 0; i + 1 < instruction->arguments.count; i += 2) {
		auto_free char *key = NULL;
		auto_free char *value = NULL;

		if (step_expand(context, argument(context, i), &key) < 0 ||
			must_not_be_blank(context, argument(context, i), key) < 0 ||
			step_expand(context, argument(context, i + 1), &value) < 0)
			return -1;
		if (instruction->kind == INSTRUCTION_ENV && strchr(key, '='))
			return instruction_fail(instruction, argument(context, i),
				context->err, "no variable can be called \"%s\"", key);
		pairs_set(&context->step->pairs, key, value);
	}
	if (instruction->kind == INSTRUCTION_ENV)
		for (size_t i = 0; i < context->step->pairs.count; i++)
			scope_set_env(context->scope, context->step->pairs.items[i].key,
				context->step->pairs.items[i].value);
	return 0;
}

static int make_arg(struct step_context *context, const struct token *token)
{
	auto_free char *text = NULL;
	char *equals;
	const char *value;

	if (step_expand(context, token, &text) < 0)
		return -1;
	equals = strchr(text, '=');
	if (equals)
		*equals = '\0';
	if (!*text)
		return instruction_fail(context->instruction, token, context->err,
			"ARG: the name before \"=\" is missing");
	scope_declare(context->scope, text, equals ? equals + 1 : NULL);
	value = pairs_get(&context->scope->args, text);
	if (value)
		pairs_set(&context->step->pairs, text, value);
	return 0;
}

static int make_args(struct step_context *context)
{
	for (size_t i = 0; i < context->instruction->arguments.count; i++)
		if (make_arg(context, argument(context, i)) < 0)
			return -1;
	return 0;
}

/* USER, WORKDIR: empty if its variables are. */
static int make_text_of_word(struct step_context *context)
{
	auto_free char *word = NULL;

	if (step_expand(context, argument(context, 0), &word) < 0)
		return -1;
	strings_add_take(&context->step->words, take_ptr(&word));
	return 0;
}

static int make_word(struct step_context *context)
{
	if (make_text_of_word(context) < 0)
		return -1;
	return must_not_be_blank(
		context, argument(context, 0), context->step->words.items[0]);
}

static int make_stop_signal(struct step_context *context)
{
	int number;

	if (make_word(context) < 0)
		return -1;
	if (signal_parse(context->step->words.items[0], &number, context->err) < 0)
		return span_fail_while(
			instruction_span(context->instruction, argument(context, 0)),
			context->err);
	if (number == 0)
		return instruction_fail(context->instruction, argument(context, 0),
			context->err, "signal 0 ends no process");
	return 0;
}

static int make_text(struct step_context *context)
{
	strings_add(&context->step->words, argument(context, 0)->text);
	return 0;
}

static int make_workdir(struct step_context *context)
{
	struct strings *words = &context->step->words;
	auto_free char *joined = NULL;
	char *path;

	/* An empty one is the one that is. */
	if (make_text_of_word(context) < 0)
		return -1;
	joined = *words->items[0] == '/'
			 ? str_dup(words->items[0])
			 : path_join(context->scope->workdir, words->items[0]);
	path = path_clean(joined);
	strings_free(words);
	strings_add(words, path);
	free(context->scope->workdir);
	context->scope->workdir = path;
	return 0;
}

/* The arguments from the first on, a word each. */
static int make_words(struct step_context *context, size_t first)
{
	for (size_t i = first; i < context->instruction->arguments.count; i++) {
		auto_free char *word = NULL;

		if (step_expand(context, argument(context, i), &word) < 0 ||
			must_not_be_blank(context, argument(context, i), word) < 0)
			return -1;
		strings_add_take(&context->step->words, take_ptr(&word));
	}
	return 0;
}

static int make_volume(struct step_context *context)
{
	return make_words(context, 0);
}

/* CMD, ENTRYPOINT, SHELL: nothing is expanded. */
static int make_command(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;

	if (instruction->kind == INSTRUCTION_SHELL && !instruction->json)
		return instruction_fail(instruction, argument(context, 0), context->err,
			"SHELL needs a JSON array, as in SHELL [\"/bin/bash\", \"-c\"]");
	context->step->shell_form = !instruction->json;
	for (size_t i = 0; i < instruction->arguments.count; i++)
		strings_add(&context->step->argv, argument(context, i)->text);
	return 0;
}

static int make_onbuild(struct step_context *context)
{
	auto_str text = { 0 };

	str_append(&text, context->instruction->trigger->line.text);
	for (size_t i = 0; i < context->instruction->heredoc_count; i++)
		str_appendf(&text, "\n%s%s", context->instruction->heredocs[i].content,
			context->instruction->heredocs[i].name);
	strings_add_take(&context->step->words, str_take(&text));
	return 0;
}

static const struct word unset_kinds[] = {
	{ "ENV", UNSET_ENV },
	{ "VOLUME", UNSET_VOLUME },
	{ "EXPOSE", UNSET_EXPOSE },
	{ "LABEL", UNSET_LABEL },
	{ NULL, 0 },
};

/* Without quotes, a variable may hold several. */
static int make_unset_names(struct step_context *context)
{
	if (context->instruction->json)
		return make_words(context, 1);
	for (size_t i = 1; i < context->instruction->arguments.count; i++)
		if (step_expand_words(
			    context, argument(context, i), &context->step->words) < 0)
			return -1;
	return 0;
}

static int make_unset(struct step_context *context)
{
	const struct token *kind = argument(context, 0);
	auto_free char *upper = str_dup(kind->text);

	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (!word_to_number(unset_kinds, upper, &context->step->unset)) {
		(void)word_fail(
			unset_kinds, "what UNSET removes", kind->text, context->err);
		return span_fail_while(
			instruction_span(context->instruction, kind), context->err);
	}
	if (context->step->unset == UNSET_EXPOSE)
		return step_make_ports(context, 1);
	if (make_unset_names(context) < 0)
		return -1;
	if (context->step->unset == UNSET_ENV)
		strings_each (name, &context->step->words)
			scope_unset_env(context->scope, *name);
	return 0;
}

static int make_from(struct step_context *context)
{
	return instruction_fail(context->instruction, NULL, context->err,
		"FROM begins a stage; it is no step");
}

static int (*const makers[INSTRUCTION_KINDS])(struct step_context *context) = {
	[INSTRUCTION_ADD] = step_make_copy,
	[INSTRUCTION_ARG] = make_args,
	[INSTRUCTION_CMD] = make_command,
	[INSTRUCTION_COPY] = step_make_copy,
	[INSTRUCTION_ENTRYPOINT] = make_command,
	[INSTRUCTION_ENV] = make_pairs,
	[INSTRUCTION_EXPOSE] = step_make_expose,
	[INSTRUCTION_FROM] = make_from,
	[INSTRUCTION_HEALTHCHECK] = step_make_healthcheck,
	[INSTRUCTION_INCLUDE] = make_from,
	[INSTRUCTION_LABEL] = make_pairs,
	[INSTRUCTION_MAINTAINER] = make_text,
	[INSTRUCTION_ONBUILD] = make_onbuild,
	[INSTRUCTION_RUN] = step_make_run,
	[INSTRUCTION_SHELL] = make_command,
	[INSTRUCTION_STOPSIGNAL] = make_stop_signal,
	[INSTRUCTION_UNSET] = make_unset,
	[INSTRUCTION_USER] = make_text_of_word,
	[INSTRUCTION_VOLUME] = make_volume,
	[INSTRUCTION_WORKDIR] = make_workdir,
};

/* Each is looked up by walking the list. */
#define VARIABLES_MAX 4096

static int check_scope(struct step_context *context)
{
	const struct scope *scope = context->scope;

	if (scope->env.count <= VARIABLES_MAX && scope->declared.count <= VARIABLES_MAX)
		return 0;
	return instruction_fail(context->instruction, NULL, context->err,
		"there are more than %d variables", VARIABLES_MAX);
}

int step_make(const struct instruction *instruction, struct scope *scope,
	struct step *ret, struct error *err)
{
	auto_step step = { .instruction = instruction, .kind = instruction->kind };
	struct step_context context = { instruction, scope, &step, err };

	step.display = instruction_display(instruction);
	if (makers[instruction->kind](&context) < 0 || check_scope(&context) < 0)
		return -1;
	step.key = step_key(&step, scope);
	*ret = step;
	step = (struct step){ 0 };
	return 0;
}

void step_free(struct step *step)
{
	free(step->key);
	free(step->display);
	strings_free(&step->argv);
	pairs_free(&step->pairs);
	strings_free(&step->words);
	for (size_t i = 0; i < step->run.mount_count; i++)
		run_mount_free(&step->run.mounts[i]);
	free(step->run.mounts);
	for (size_t i = 0; i < step->run.device_count; i++)
		free(step->run.devices[i].pattern);
	free(step->run.devices);
	free(step->run.script);
	free(step->run.script_path);
	copy_request_free(&step->copy);
	strings_free(&step->health.test);
	*step = (struct step){ 0 };
}
