/* One reader per form; each token remembers where it stood, for the caret of an error. */
#include "builder/language/arguments.h"

#include <ctype.h>
#include <string.h>

#include "builder/language/exec_form.h"
#include "builder/language/internal.h"

/* Far beyond use; what is quadratic in it stays quick. */
#define ARGUMENTS_MAX 10000

static size_t skip_blanks(const struct line *line, size_t at)
{
	while (at < line->length && is_blank(line->text[at]))
		at++;
	return at;
}

static size_t word_end(const struct line *line, size_t at)
{
	while (at < line->length && !is_blank(line->text[at]))
		at++;
	return at;
}

/* ---- flags ---- */

/* A flag's word without its quotes and escapes. */
static char *read_flag(const struct line *line, size_t *at)
{
	auto_str text = { 0 };
	char quote = 0;

	for (; *at < line->length; (*at)++) {
		char c = line->text[*at];

		if (!quote && is_blank(c))
			break;
		if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
		else if (c == '\\' && quote != '\'' && *at + 1 < line->length)
			str_append_char(&text, line->text[++*at]);
		else
			str_append_char(&text, c);
	}
	return str_take(&text);
}

struct flag_names {
	const char *at; /* in the rule's list */
	char name[24];
};

/* The names of a rule's flags, one a call; what stands behind the name is in *ret_kind:
 * "", "=" or "=+". */
static const char *next_flag(struct flag_names *names, const char **ret_kind)
{
	size_t length;

	if (!names->at)
		return NULL;
	names->at += strspn(names->at, " ");
	length = strcspn(names->at, " =");
	if (length == 0 || length >= sizeof(names->name))
		return NULL;
	memcpy(names->name, names->at, length);
	names->name[length] = '\0';
	*ret_kind = names->at + length;
	names->at += strcspn(names->at, " ");
	return names->name;
}

static const char *next_string(void *state)
{
	char ***at = state;

	return **at ? *(*at)++ : NULL;
}

static int unknown_flag(struct instruction *instruction, const struct token *token,
	const char *name, struct error *err)
{
	const char *instruction_name = instruction->rule->name;
	struct flag_names names = { .at = instruction->rule->flags };
	auto_strings all = { 0 };
	auto_free char *typed = str_format("--%s", name);
	auto_free char *joined = NULL;
	const char *candidate, *kind, *near;
	char **at;

	if (!instruction->rule->flags)
		return instruction_fail(instruction, token, err,
			"%s takes no flags, and --%s is none of the command's",
			instruction_name, name);
	while ((candidate = next_flag(&names, &kind)))
		strings_addf(&all, "--%s", candidate);
	at = all.items;
	near = str_nearest(typed, next_string, &at);
	joined = strings_join(&all, " ");
	if (near)
		return instruction_fail(instruction, token, err,
			"%s has no flag --%s; did you mean %s?", instruction_name, name,
			near);
	return instruction_fail(instruction, token, err,
		"%s has no flag --%s; there are: %s", instruction_name, name, joined);
}

static int check_value(struct instruction *instruction, const struct token *token,
	const char *name, const char *kind, struct error *err)
{
	const char *value = strchr(token->text, '=');
	bool wants_value = *kind == '=';

	if (wants_value && !value)
		return instruction_fail(instruction, token, err,
			"--%s needs a value: --%s=...", name, name);
	if (wants_value)
		return 0;
	if (value && strcmp(value, "=true") != 0 && strcmp(value, "=false") != 0)
		return instruction_fail(instruction, token, err,
			"--%s is true or false, not \"%s\"", name, value + 1);
	return 0;
}

static int check_flag(
	struct instruction *instruction, const struct token *token, struct error *err)
{
	struct flag_names names = { .at = instruction->rule->flags };
	auto_free char *name = str_dup_n(token->text, strcspn(token->text, "="));
	const char *candidate, *kind;

	while ((candidate = next_flag(&names, &kind))) {
		if (strcmp(candidate, name) != 0)
			continue;
		if (strncmp(kind, "=+", 2) != 0 && instruction_flag(instruction, name))
			return instruction_fail(
				instruction, token, err, "--%s stands here twice", name);
		return check_value(instruction, token, name, kind, err);
	}
	return unknown_flag(instruction, token, name, err);
}

int arguments_read_flags(
	struct instruction *instruction, size_t at, size_t *ret_at, struct error *err)
{
	const struct line *line = &instruction->line;

	for (;;) {
		struct token token;

		at = skip_blanks(line, at);
		if (!str_after(line->text + at, "--"))
			break;
		token.offset = at;
		token.text = read_flag(line, &at);
		token.width = at - token.offset;
		if (strcmp(token.text, "--") == 0) { /* ends the flags */
			free(token.text);
			at = skip_blanks(line, at);
			break;
		}
		memmove(token.text, token.text + 2, strlen(token.text + 2) + 1);
		if (check_flag(instruction, &token, err) < 0) {
			free(token.text);
			return -1;
		}
		tokens_add(&instruction->flags, token.text, token.offset, token.width);
	}
	*ret_at = at;
	return 0;
}

/* ---- arguments ---- */

static void add_range(struct instruction *instruction, size_t from, size_t to)
{
	tokens_add(&instruction->arguments,
		str_dup_n(instruction->line.text + from, to - from), from, to - from);
}

static void read_text(struct instruction *instruction, size_t at)
{
	if (at < instruction->line.length)
		add_range(instruction, at, instruction->line.length);
}

static void read_words(struct instruction *instruction, size_t at)
{
	const struct line *line = &instruction->line;

	while ((at = skip_blanks(line, at)) < line->length) {
		size_t end = word_end(line, at);

		add_range(instruction, at, end);
		at = end;
	}
}

/* The end of a word that may hold quotes and escapes, which stay in it. */
static size_t quoted_word_end(const struct line *line, size_t at)
{
	char quote = 0;

	for (; at < line->length; at++) {
		char c = line->text[at];

		if (!quote && is_blank(c))
			break;
		if (c == line->escape && quote != '\'' && at + 1 < line->length)
			at++;
		else if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
	}
	return at;
}

/* An escape character at the very end escapes nothing, and is dropped. */
static size_t without_last_escape(const struct line *line, size_t from, size_t to)
{
	bool escaped = false;

	for (size_t i = from; i < to; i++)
		escaped = !escaped && line->text[i] == line->escape;
	return escaped ? to - 1 : to;
}

static void read_names(struct instruction *instruction, size_t at)
{
	const struct line *line = &instruction->line;

	while ((at = skip_blanks(line, at)) < line->length) {
		size_t end = quoted_word_end(line, at);

		add_range(instruction, at, without_last_escape(line, at, end));
		at = end;
	}
}

/* ENV NAME the rest of the line */
static int read_old_pair(struct instruction *instruction, size_t at, struct error *err)
{
	const struct line *line = &instruction->line;
	size_t end = word_end(line, at);
	size_t value = skip_blanks(line, end);

	add_range(instruction, at, end);
	if (value == line->length)
		return instruction_fail(instruction, &instruction->arguments.items[0],
			err, "%s %s has no value; expected %s=VALUE",
			instruction->rule->name, instruction->arguments.items[0].text,
			instruction->arguments.items[0].text);
	add_range(instruction, value, line->length);
	instruction->old_pair = true;
	return 0;
}

static int read_pair(
	struct instruction *instruction, size_t from, size_t to, struct error *err)
{
	const char *text = instruction->line.text;
	const char *equals = memchr(text + from, '=', to - from);
	struct token token = { .offset = from, .width = to - from };
	size_t at;

	if (!equals)
		return instruction_fail(instruction, &token, err,
			"%s needs NAME=VALUE here, not \"%.*s\"; quote a value with blanks",
			instruction->rule->name, (int)(to - from), text + from);
	at = (size_t)(equals - text);
	if (at == from)
		return instruction_fail(instruction, &token, err,
			"%s: the name before \"=\" is missing", instruction->rule->name);
	add_range(instruction, from, at);
	add_range(instruction, at + 1, to);
	return 0;
}

static int read_pairs(struct instruction *instruction, size_t at, struct error *err)
{
	const struct line *line = &instruction->line;

	at = skip_blanks(line, at);
	if (at == line->length)
		return 0;
	if (!memchr(line->text + at, '=', quoted_word_end(line, at) - at))
		return read_old_pair(instruction, at, err);
	while ((at = skip_blanks(line, at)) < line->length) {
		size_t end = quoted_word_end(line, at);

		if (read_pair(instruction, at, without_last_escape(line, at, end), err) <
			0)
			return -1;
		at = end;
	}
	return 0;
}

/* Leaves the arguments empty where the text is no exec form. */
static int read_exec_form(struct instruction *instruction, size_t at, struct error *err)
{
	const struct line *line = &instruction->line;
	struct token token = { .offset = at, .width = line->length - at };
	auto_strings items = { 0 };

	switch (exec_form_parse(line->text + at, &items)) {
	case EXEC_FORM_NO:
		return 0;
	case EXEC_FORM_INVALID:
		return instruction_fail(instruction, &token, err,
			"the JSON array of %s may hold strings only",
			instruction->rule->name);
	case EXEC_FORM_ZERO:
		return instruction_fail(instruction, &token, err,
			"no argument of %s can hold a zero byte",
			instruction->rule->name);
	case EXEC_FORM_YES:
		break;
	}
	strings_each (item, &items)
		tokens_add(&instruction->arguments, str_dup(*item), token.offset,
			token.width);
	instruction->json = true;
	return 0;
}

static int read_healthcheck(struct instruction *instruction, size_t at, struct error *err)
{
	const struct line *line = &instruction->line;
	size_t end = word_end(line, at);

	if (at == line->length)
		return 0;
	add_range(instruction, at, end);
	end = skip_blanks(line, end);
	if (end == line->length)
		return 0;
	if (read_exec_form(instruction, end, err) < 0)
		return -1;
	if (!instruction->json)
		read_text(instruction, end);
	return 0;
}

/* Names are quoted as where they were set. */
static int read_unset(struct instruction *instruction, size_t at, struct error *err)
{
	const struct line *line = &instruction->line;
	size_t end = word_end(line, at);
	const struct instruction_rule *setting =
		instruction_find(line->text + at, end - at);

	if (at == line->length)
		return 0;
	add_range(instruction, at, end);
	end = skip_blanks(line, end);
	if (setting && setting->form == FORM_JSON_OR_WORDS &&
		read_exec_form(instruction, end, err) < 0)
		return -1;
	if (!instruction->json)
		read_names(instruction, end);
	return 0;
}

static void read_command(struct instruction *instruction, size_t at)
{
	if (at == instruction->line.length && instruction->rule->may_be_bare)
		add_range(instruction, at, at);
	else
		read_text(instruction, at);
}

static int read_form(struct instruction *instruction, size_t at, struct error *err)
{
	switch (instruction->rule->form) {
	case FORM_WORDS:
		read_words(instruction, at);
		return 0;
	case FORM_TEXT:
		read_text(instruction, at);
		return 0;
	case FORM_NAMES:
		read_names(instruction, at);
		return 0;
	case FORM_PAIRS:
		return read_pairs(instruction, at, err);
	case FORM_HEALTHCHECK:
		return read_healthcheck(instruction, at, err);
	case FORM_UNSET:
		return read_unset(instruction, at, err);
	case FORM_JSON_OR_TEXT:
	case FORM_JSON_OR_WORDS:
		if (read_exec_form(instruction, at, err) < 0)
			return -1;
		if (instruction->json)
			return 0;
		if (instruction->rule->form == FORM_JSON_OR_TEXT)
			read_command(instruction, at);
		else
			read_words(instruction, at);
		return 0;
	case FORM_TRIGGER:
		break;
	}
	return 0;
}

int arguments_read(struct instruction *instruction, size_t at, struct error *err)
{
	const struct instruction_rule *rule = instruction->rule;
	size_t count;

	if (read_form(instruction, at, err) < 0)
		return -1;
	count = instruction->arguments.count;
	if (count > ARGUMENTS_MAX)
		return instruction_fail(instruction, NULL, err,
			"%s has more than %d arguments", rule->name, ARGUMENTS_MAX);
	if (count < (size_t)rule->arguments_min || (count == 0 && !instruction->json))
		return instruction_fail(instruction, NULL, err, "%s needs %s", rule->name,
			rule->arguments);
	if (rule->arguments_max >= 0 && count > (size_t)rule->arguments_max)
		return instruction_fail(instruction,
			&instruction->arguments.items[rule->arguments_max], err,
			"%s takes %s, and nothing after it", rule->name, rule->arguments);
	return 0;
}
