/*
 * The subset of TOML that registries.conf is written in: tables, and keys whose values are
 * strings, booleans, numbers and arrays of strings. A line that is none of these is an
 * error with its number.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "builder/registry/registries.h"

enum table { TABLE_TOP, TABLE_REGISTRY, TABLE_MIRROR, TABLE_ALIASES, TABLE_OTHER };

static const struct word pulls_words[] = {
	{ "all", MIRROR_ALL },
	{ "digest-only", MIRROR_DIGESTS },
	{ "tag-only", MIRROR_TAGS },
	{ NULL, 0 },
};

struct parser {
	const char *name;
	const char *at;
	unsigned int line;
	enum table table;
	struct registries *registries;
};

struct value {
	struct strings texts; /* one, or an array's */
	bool truth;
	bool is_text;
	bool is_truth;
};

static int wrong(const struct parser *parser, const char *what, struct error *err)
{
	return fail_code(err, EINVAL, "%s:%u: %s", parser->name, parser->line, what);
}

/* Blanks and comments; newlines too, if asked. */
static void skip(struct parser *parser, bool newlines)
{
	for (;; parser->at++) {
		if (*parser->at == '#')
			parser->at += strcspn(parser->at, "\n");
		if (!*parser->at || !isspace((unsigned char)*parser->at) ||
			(*parser->at == '\n' && !newlines))
			return;
		parser->line += *parser->at == '\n';
	}
}

static int read_text(struct parser *parser, char **ret, struct error *err)
{
	char quote = *parser->at++;
	auto_str text = { 0 };

	while (*parser->at && *parser->at != '\n' && *parser->at != quote) {
		if (*parser->at == '\\' && quote == '"' &&
			(parser->at[1] == '"' || parser->at[1] == '\\'))
			parser->at++;
		str_append_char(&text, *parser->at++);
	}
	if (*parser->at != quote)
		return wrong(parser, "the string has no end", err);
	parser->at++;
	*ret = str_take(&text);
	return 0;
}

static int read_array(struct parser *parser, struct value *value, struct error *err)
{
	parser->at++;
	for (;;) {
		char *text = NULL;

		skip(parser, true);
		if (*parser->at == ']')
			break;
		if (*parser->at != '"' && *parser->at != '\'')
			return wrong(parser, "expected a string in the array", err);
		if (read_text(parser, &text, err) < 0)
			return -1;
		strings_add_take(&value->texts, text);
		skip(parser, true);
		if (*parser->at == ',')
			parser->at++;
		else if (*parser->at != ']')
			return wrong(parser, "expected , or ] in the array", err);
	}
	parser->at++;
	return 0;
}

static int read_value(struct parser *parser, struct value *value, struct error *err)
{
	size_t length = strcspn(parser->at, " \t\r\n#");
	char *text = NULL;

	if (*parser->at == '[')
		return read_array(parser, value, err);
	if (*parser->at == '"' || *parser->at == '\'') {
		if (read_text(parser, &text, err) < 0)
			return -1;
		value->is_text = true;
		strings_add_take(&value->texts, text);
		return 0;
	}
	if (length == 0)
		return wrong(parser, "the key has no value", err);
	value->truth = length == 4 && strncmp(parser->at, "true", 4) == 0;
	value->is_truth =
		value->truth || (length == 5 && strncmp(parser->at, "false", 5) == 0);
	parser->at += length;
	return 0;
}

static struct registry_rule *last_rule(const struct parser *parser)
{
	return &parser->registries->rules[parser->registries->rules_count - 1];
}

static int begin_table(struct parser *parser, struct error *err)
{
	struct registries *registries = parser->registries;
	size_t length = strcspn(parser->at, "\n#");
	auto_free char *line = str_dup_n(parser->at, length);

	while (length > 0 && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	if (length < 3 || line[length - 1] != ']')
		return wrong(parser, "the table's name has no end", err);
	parser->table = TABLE_OTHER;
	if (str_equal(line, "[[registry]]")) {
		parser->table = TABLE_REGISTRY;
		registries->rules = str_realloc(registries->rules,
			registries->rules_count + 1, sizeof(*registries->rules));
		registries->rules[registries->rules_count++] =
			(struct registry_rule){ 0 };
	} else if (str_equal(line, "[[registry.mirror]]")) {
		struct registry_rule *rule;

		if (registries->rules_count == 0)
			return wrong(parser, "a mirror before the first registry", err);
		parser->table = TABLE_MIRROR;
		rule = last_rule(parser);
		rule->mirrors = str_realloc(
			rule->mirrors, rule->mirrors_count + 1, sizeof(*rule->mirrors));
		rule->mirrors[rule->mirrors_count++] = (struct registry_place){ 0 };
	} else if (str_equal(line, "[aliases]")) {
		parser->table = TABLE_ALIASES;
	}
	parser->at += strcspn(parser->at, "\n");
	return 0;
}

static int set_text(
	struct parser *parser, char **to, const struct value *value, struct error *err)
{
	if (!value->is_text)
		return wrong(parser, "expected a string", err);
	free(*to);
	*to = str_dup(value->texts.items[0]);
	return 0;
}

static int set_truth(
	struct parser *parser, bool *to, const struct value *value, struct error *err)
{
	if (!value->is_truth)
		return wrong(parser, "expected true or false", err);
	*to = value->truth;
	return 0;
}

static int set_pulls(
	struct parser *parser, int64_t *to, const struct value *value, struct error *err)
{
	if (!value->is_text || !word_to_number(pulls_words, value->texts.items[0], to))
		return wrong(parser, "expected all, digest-only or tag-only", err);
	return 0;
}

/* "" takes the alias of an earlier file away. */
static int set_alias(struct parser *parser, const char *key, const struct value *value,
	struct error *err)
{
	if (!value->is_text)
		return wrong(parser, "expected a string", err);
	pairs_remove(&parser->registries->aliases, key);
	if (*value->texts.items[0])
		pairs_set(&parser->registries->aliases, key, value->texts.items[0]);
	return 0;
}

static int set_key(struct parser *parser, const char *key, const struct value *value,
	struct error *err)
{
	struct registry_rule *rule;
	struct registry_place *place;

	if (parser->table == TABLE_TOP &&
		str_equal(key, "unqualified-search-registries")) {
		strings_free(&parser->registries->search);
		strings_copy(&parser->registries->search, &value->texts);
	}
	if (parser->table == TABLE_ALIASES)
		return set_alias(parser, key, value, err);
	if (parser->table != TABLE_REGISTRY && parser->table != TABLE_MIRROR)
		return 0;
	rule = last_rule(parser);
	place = parser->table == TABLE_MIRROR ? &rule->mirrors[rule->mirrors_count - 1]
					      : &rule->place;
	if (str_equal(key, "location"))
		return set_text(parser, &place->location, value, err);
	if (str_equal(key, "insecure"))
		return set_truth(parser, &place->insecure, value, err);
	if (parser->table == TABLE_MIRROR && str_equal(key, "pull-from-mirror"))
		return set_pulls(parser, &place->pulls, value, err);
	if (parser->table == TABLE_REGISTRY && str_equal(key, "mirror-by-digest-only"))
		return set_truth(parser, &rule->mirrors_by_digest, value, err);
	if (parser->table == TABLE_REGISTRY && str_equal(key, "prefix"))
		return set_text(parser, &rule->prefix, value, err);
	if (parser->table == TABLE_REGISTRY && str_equal(key, "blocked"))
		return set_truth(parser, &rule->blocked, value, err);
	return 0;
}

static int read_key(struct parser *parser, struct error *err)
{
	size_t length = strcspn(parser->at, "=\n#");
	auto_free char *key = str_dup_n(parser->at, length);
	struct value value = { 0 };
	int result;

	if (parser->at[length] != '=')
		return wrong(parser, "expected KEY = VALUE or a table", err);
	while (length > 0 && strchr(" \t\"", key[length - 1]))
		key[--length] = '\0';
	parser->at = strchr(parser->at, '=') + 1;
	skip(parser, false);
	result = read_value(parser, &value, err);
	if (result == 0)
		result = set_key(parser, *key == '"' ? key + 1 : key, &value, err);
	strings_free(&value.texts);
	skip(parser, false);
	if (result == 0 && *parser->at && *parser->at != '\n')
		return wrong(parser, "there is more after the value", err);
	return result;
}

/* A registry is at its prefix unless it says where; a mirror must say. */
static int complete(
	const struct parser *parser, struct registry_rule *rule, struct error *err)
{
	if (!rule->prefix)
		rule->prefix = str_dup(rule->place.location);
	if (!rule->prefix)
		return fail_code(err, EINVAL,
			"%s: a registry has neither prefix nor location", parser->name);
	for (size_t i = 0; i < rule->mirrors_count; i++) {
		if (!rule->mirrors[i].location)
			return fail_code(err, EINVAL,
				"%s: a mirror of %s has no location", parser->name,
				rule->prefix);
	}
	return 0;
}

int registries_parse(struct registries *registries, const char *text, const char *name,
	struct error *err)
{
	struct parser parser = {
		.name = name,
		.at = text,
		.line = 1,
		.registries = registries,
	};

	for (skip(&parser, true); *parser.at; skip(&parser, true)) {
		int result = *parser.at == '[' ? begin_table(&parser, err)
					       : read_key(&parser, err);

		if (result < 0)
			return -1;
	}
	for (size_t i = 0; i < registries->rules_count; i++) {
		if (complete(&parser, &registries->rules[i], err) < 0)
			return -1;
	}
	return 0;
}
