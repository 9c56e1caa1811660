/* The words of "# check=". */
#include "builder/language/check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void check_free(struct check *check)
{
	strings_free(&check->skip);
	strings_free(&check->experimental);
	*check = (struct check){ 0 };
}

bool check_lists(const struct strings *rules, const char *rule)
{
	strings_each (name, rules) {
		if (strcasecmp(*name, rule) == 0 || strcasecmp(*name, "all") == 0)
			return true;
	}
	return false;
}

/* In place; the rest of the text. */
static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static void add_rules(struct strings *ret, const char *list)
{
	auto_strings names = { 0 };

	strings_split(&names, list, ',');
	strings_each (name, &names)
		strings_add(ret, trim(*name));
}

/* As Go reads one. */
static bool read_truth(const char *text, bool *ret)
{
	static const char *const words[][2] = { { "1", "0" }, { "t", "f" }, { "T", "F" },
		{ "true", "false" }, { "TRUE", "FALSE" }, { "True", "False" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		*ret = strcmp(text, words[i][0]) == 0;
		if (*ret || strcmp(text, words[i][1]) == 0)
			return true;
	}
	return false;
}

static int read_part(char *part, struct span span, struct check *ret, struct error *err)
{
	char *equals = strchr(part, '=');
	const char *key, *value;

	if (!equals)
		return span_fail(span, err,
			"check: \"%s\": expected skip=RULE,..., error=true or "
			"experimental=RULE,...",
			trim(part));
	*equals = '\0';
	key = trim(part);
	value = trim(equals + 1);
	if (strcmp(key, "skip") == 0)
		add_rules(&ret->skip, value);
	else if (strcmp(key, "experimental") == 0)
		add_rules(&ret->experimental, value);
	else if (strcmp(key, "error") != 0)
		return span_fail(span, err,
			"check: \"%s\" is not known; expected skip, error or experimental",
			key);
	else if (!read_truth(value, &ret->fatal))
		return span_fail(span, err,
			"check: error: expected true or false, found \"%s\"", value);
	return 0;
}

int check_parse(const char *text, struct span span, struct check *ret, struct error *err)
{
	auto_strings parts = { 0 };

	strings_split(&parts, text, ';');
	strings_each (part, &parts) {
		if (*trim(*part) && read_part(*part, span, ret, err) < 0) {
			check_free(ret);
			return -1;
		}
	}
	return 0;
}
