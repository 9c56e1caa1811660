/*
 * A recursive descent over the bytes of a word. Each level collects the result and, where
 * the caller wants words, splits it: blanks that stand outside of quotes and escapes, or
 * that come out of an unquoted variable, end a word.
 */
#include "builder/language/expand.h"

#include <ctype.h>
#include <string.h>

#include "builder/language/pattern.h"

#define SIZE_MAX_RESULT (1u << 20) /* ENV a=$a$a, forty times over, must end */
#define DEPTH_MAX       64

struct words {
	struct strings *list; /* NULL: nobody wants them */
	struct str word;
	bool in_word;
};

struct expansion {
	const struct expand_options *options;
	const char *at;
	size_t spent; /* bytes that variables brought */
	unsigned depth;
	struct error *err;
};

/* What one level reads up to. */
struct level {
	char stop; /* 0: the end of the text */
	bool keep_escapes;
	struct str result;
	struct words words;
};

static int expand_level(struct expansion *expansion, struct level *level);

static bool is_space(char c)
{
	return isspace((unsigned char)c) != 0;
}

static void words_add_raw(struct words *words, const char *text, size_t length)
{
	if (!words->list)
		return;
	str_append_n(&words->word, text, length);
	words->in_word = true;
}

static void words_end(struct words *words)
{
	if (words->list && words->word.length > 0)
		strings_add_take(words->list, str_take(&words->word));
	words->in_word = false;
}

static void words_add(struct words *words, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_space(text[i]))
			words_add_raw(words, text + i, 1);
		else if (words->in_word && words->word.length > 0)
			words_end(words);
}

/* ---- names and values ---- */

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* A name, digits, or one special character; "" if none stands here. */
static char *read_name(struct expansion *expansion)
{
	const char *start = expansion->at;

	if (isdigit((unsigned char)*start))
		while (isdigit((unsigned char)*expansion->at))
			expansion->at++;
	else if (*start && strchr("@*#?-$!", *start))
		expansion->at++;
	else
		while (is_name_byte(*expansion->at))
			expansion->at++;
	return str_dup_n(start, (size_t)(expansion->at - start));
}

static const char *lookup(struct expansion *expansion, const char *name)
{
	const struct expand_options *options = expansion->options;
	const char *value = NULL;

	if (options->lookup)
		value = options->lookup(options->argument, name);
	if (!value && options->unset && !strings_contain(options->unset, name))
		strings_add(options->unset, name);
	return value;
}

/* The text up to `stop`, itself expanded. */
static int read_operand(
	struct expansion *expansion, char stop, bool keep_escapes, char **ret)
{
	struct level level = { .stop = stop, .keep_escapes = keep_escapes };
	int result;

	result = expand_level(expansion, &level);
	if (result == 0)
		*ret = str_take(&level.result);
	str_free(&level.result);
	str_free(&level.words.word);
	return result;
}

/* ---- ${...} ---- */

struct substitution {
	char *name;
	char *operand;
	char *replacement;
	char modifier; /* '-', '+', '?', '#', '%', '/' */
	bool empty_is_unset;
	bool doubled; /* ##, %%, // */
};

static void substitution_free(struct substitution *substitution)
{
	free(substitution->name);
	free(substitution->operand);
	free(substitution->replacement);
}

#define auto_substitution __attribute__((cleanup(substitution_free))) struct substitution

static int must_be_set(const struct substitution *s, const char *value, struct error *err)
{
	const char *words = *s->operand ? s->operand : NULL;

	if (!value)
		return fail(err, "%s: %s", s->name,
			words ? words : "is not allowed to be unset");
	if (s->empty_is_unset && !*value)
		return fail(err, "%s: %s", s->name,
			words ? words : "is not allowed to be empty");
	return 0;
}

static int substitute(
	struct expansion *expansion, const struct substitution *s, char **ret)
{
	const char *value = lookup(expansion, s->name);
	bool set = value && (*value || !s->empty_is_unset);
	struct pattern_options pattern = {
		.suffix = s->modifier == '%',
		.longest = s->doubled,
		.all = s->doubled,
	};

	switch (s->modifier) {
	case '-':
		*ret = str_dup(set ? value : s->operand);
		return 0;
	case '+':
		*ret = str_dup(set ? s->operand : "");
		return 0;
	case '?':
		if (must_be_set(s, value, expansion->err) < 0)
			return -1;
		*ret = str_dup(value);
		return 0;
	case '/':
		return pattern_replace(s->operand, value ? value : "", s->replacement,
			pattern, ret, expansion->err);
	default:
		return pattern_trim(
			s->operand, value ? value : "", pattern, ret, expansion->err);
	}
}

/* `at` stands behind the name: the modifier and its operands, up to the "}". */
static int read_modifier(struct expansion *expansion, struct substitution *s)
{
	const char *start = expansion->at;

	if (*expansion->at == ':') {
		s->empty_is_unset = true;
		expansion->at++;
	}
	s->modifier = *expansion->at;
	if (!s->modifier)
		return fail(expansion->err, "${%s has no closing }", s->name);
	if (!strchr(s->empty_is_unset ? "-+?" : "-+?#%/", s->modifier))
		return fail(expansion->err,
			"${%s%.*s...} is no substitution; there are - + ? # %% / and :- :+ :?",
			s->name, (int)(expansion->at - start + 1), start);
	expansion->at++;
	if (strchr("#%/", s->modifier) && *expansion->at == s->modifier) {
		s->doubled = true;
		expansion->at++;
	}
	if (s->modifier != '/')
		return read_operand(
			expansion, '}', strchr("#%", s->modifier) != NULL, &s->operand);
	if (read_operand(expansion, '/', true, &s->operand) < 0)
		return -1;
	return read_operand(expansion, '}', true, &s->replacement);
}

static int expand_braces(struct expansion *expansion, char **ret)
{
	auto_substitution s = { 0 };
	const char *start = expansion->at - 1, *value;

	expansion->at++;
	if (*expansion->at && strchr("{}:", *expansion->at))
		return fail(expansion->err, "%.3s is a bad substitution", start);
	s.name = read_name(expansion);
	if (*expansion->at != '}') {
		if (read_modifier(expansion, &s) < 0)
			return -1;
		if (expansion->options->keep_unset && !lookup(expansion, s.name)) {
			*ret = str_dup_n(start, (size_t)(expansion->at - start));
			return 0;
		}
		return substitute(expansion, &s, ret);
	}
	expansion->at++;
	value = lookup(expansion, s.name);
	if (!value && expansion->options->keep_unset)
		*ret = str_format("${%s}", s.name);
	else
		*ret = str_dup(value ? value : "");
	return 0;
}

/* `at` stands on the "$". */
static int expand_dollar(struct expansion *expansion, char **ret)
{
	auto_free char *name = NULL;
	const char *value;

	expansion->at++;
	if (*expansion->at == '{')
		return expand_braces(expansion, ret);
	name = read_name(expansion);
	if (!*name) {
		*ret = str_dup("$");
		return 0;
	}
	value = lookup(expansion, name);
	if (!value && expansion->options->keep_unset)
		*ret = str_format("$%s", name);
	else
		*ret = str_dup(value ? value : "");
	return 0;
}

static int add_dollar(struct expansion *expansion, struct str *result, char **ret_value)
{
	if (expand_dollar(expansion, ret_value) < 0)
		return -1;
	expansion->spent += strlen(*ret_value);
	if (expansion->spent > SIZE_MAX_RESULT)
		return fail(expansion->err, "the variables amount to more than 1 MiB");
	str_append(result, *ret_value);
	return 0;
}

/* ---- quotes ---- */

static int expand_single_quotes(struct expansion *expansion, struct str *ret)
{
	const char *end = strchr(expansion->at + 1, '\'');

	if (!end)
		return fail(expansion->err, "a single quote is not closed");
	if (expansion->options->keep_quotes)
		str_append_n(ret, expansion->at, (size_t)(end - expansion->at + 1));
	else
		str_append_n(ret, expansion->at + 1, (size_t)(end - expansion->at - 1));
	expansion->at = end + 1;
	return 0;
}

/* Between double quotes the escape character stands for itself, except before ", $ and
 * itself. */
static void expand_quoted_escape(struct expansion *expansion, bool keep, struct str *ret)
{
	char escape = *expansion->at++, next = *expansion->at;

	if (keep)
		str_append_char(ret, escape);
	if (!next)
		return;
	if (next == '"' || next == '$' || next == escape) {
		str_append_char(ret, next);
		expansion->at++;
	} else if (!keep) {
		str_append_char(ret, escape);
	}
}

static int expand_double_quotes(
	struct expansion *expansion, bool keep_escapes, struct str *ret)
{
	bool keep = expansion->options->keep_quotes;

	expansion->at++;
	if (keep)
		str_append_char(ret, '"');
	while (*expansion->at && *expansion->at != '"') {
		if (*expansion->at == '$') {
			auto_free char *value = NULL;

			if (add_dollar(expansion, ret, &value) < 0)
				return -1;
		} else if (*expansion->at == expansion->options->escape) {
			expand_quoted_escape(expansion, keep_escapes, ret);
		} else {
			str_append_char(ret, *expansion->at++);
		}
	}
	if (!*expansion->at)
		return fail(expansion->err, "a double quote is not closed");
	expansion->at++;
	if (keep)
		str_append_char(ret, '"');
	return 0;
}

static int expand_quotes(struct expansion *expansion, struct level *level)
{
	auto_str text = { 0 };
	int result = *expansion->at == '\'' ? expand_single_quotes(expansion, &text)
					    : expand_double_quotes(expansion,
						      level->keep_escapes, &text);

	if (result == 0) {
		str_append_n(&level->result, text.data ? text.data : "", text.length);
		words_add_raw(&level->words, text.data ? text.data : "", text.length);
	}
	return result;
}

/* ---- one level ---- */

static void expand_escape(struct expansion *expansion, struct level *level)
{
	const char *start = expansion->at++;
	size_t length;

	if (!level->keep_escapes)
		start++;
	if (*expansion->at)
		expansion->at++;
	length = (size_t)(expansion->at - start);
	str_append_n(&level->result, start, length);
	words_add_raw(&level->words, start, length);
}

static int expand_next(struct expansion *expansion, struct level *level)
{
	const struct expand_options *options = expansion->options;
	char c = *expansion->at;

	if (c == '$') {
		auto_free char *value = NULL;

		if (add_dollar(expansion, &level->result, &value) < 0)
			return -1;
		words_add(&level->words, value, strlen(value));
		return 0;
	}
	if ((c == '\'' || c == '"') && !options->no_quotes)
		return expand_quotes(expansion, level);
	if (c == options->escape) {
		expand_escape(expansion, level);
		return 0;
	}
	str_append_char(&level->result, c);
	words_add(&level->words, &c, 1);
	expansion->at++;
	return 0;
}

static int expand_level(struct expansion *expansion, struct level *level)
{
	if (++expansion->depth > DEPTH_MAX)
		return fail(expansion->err, "variables are nested more than %d deep",
			DEPTH_MAX);
	while (*expansion->at && *expansion->at != level->stop)
		if (expand_next(expansion, level) < 0)
			return -1;
	if (level->stop && !*expansion->at)
		return fail(expansion->err, "${ has no closing %c", level->stop);
	if (level->stop)
		expansion->at++;
	expansion->depth--;
	return 0;
}

static int expand(const char *text, const struct expand_options *options, char **ret,
	struct strings *ret_words, struct error *err)
{
	struct expansion expansion = { .options = options, .at = text, .err = err };
	struct level level = {
		.keep_escapes = options->keep_escapes,
		.words = { .list = ret_words },
	};
	int result = expand_level(&expansion, &level);

	if (result == 0 && ret_words)
		words_end(&level.words);
	if (result == 0 && ret)
		*ret = str_take(&level.result);
	str_free(&level.result);
	str_free(&level.words.word);
	return result;
}

int expand_word(const char *text, const struct expand_options *options, char **ret,
	struct error *err)
{
	return expand(text, options, ret, NULL, err);
}

int expand_words(const char *text, const struct expand_options *options,
	struct strings *ret, struct error *err)
{
	return expand(text, options, NULL, ret, err);
}
