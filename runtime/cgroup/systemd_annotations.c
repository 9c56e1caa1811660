/* Annotations "org.systemd.property.NAME": values in the text form of GVariant, as far as
 * properties of units need it. */
#include <errno.h>
#include <string.h>

#include "runtime/cgroup/systemd_properties.h"

#define PREFIX      "org.systemd.property."
#define USEC_IN_SEC 1000000

static const struct word integers[] = {
	{ "uint64", SYSTEMD_U64 },
	{ "int64", SYSTEMD_I64 },
	{ "uint32", SYSTEMD_U32 },
	{ "int32", SYSTEMD_I32 },
	{ NULL, 0 },
};

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* 'text' or "text", with backslashes; what follows it, or NULL. */
static const char *parse_quoted(const char *text, struct str *ret)
{
	char quote = *text++;

	if (quote != '\'' && quote != '"')
		return NULL;
	for (; *text && *text != quote; text++) {
		if (*text == '\\' && text[1])
			text++;
		str_append_char(ret, *text);
	}
	return *text ? skip_blanks(text + 1) : NULL;
}

static bool parse_list(const char *text, struct systemd_property *to)
{
	to->kind = SYSTEMD_STRINGS;
	text = skip_blanks(text + 1);
	while (*text != ']') {
		auto_str item = { 0 };

		text = parse_quoted(text, &item);
		if (!text || (*text != ',' && *text != ']'))
			return false;
		strings_add_take(&to->list, str_take(&item));
		if (*text == ',')
			text = skip_blanks(text + 1);
	}
	return !*skip_blanks(text + 1);
}

static bool parse_string(const char *text, struct systemd_property *to)
{
	auto_str value = { 0 };

	text = parse_quoted(text, &value);
	to->kind = SYSTEMD_STRING;
	to->text = str_take(&value);
	return text && !*text;
}

/* "uint64 5"; a number alone is an int32, as in GVariant. */
static bool parse_integer(const char *text, struct systemd_property *to)
{
	auto_free char *keyword = str_dup_n(text, strcspn(text, " \t"));
	struct error ignored;
	int64_t kind = SYSTEMD_I32;
	int64_t value;

	if (word_to_number(integers, keyword, &kind))
		text = skip_blanks(text + strlen(keyword));
	to->kind = (enum systemd_kind)kind;
	if (to->kind == SYSTEMD_U64)
		return str_to_u64(text, "value", &to->number, &ignored) == 0;
	if (str_to_i64(text, "value", &value, &ignored) < 0 ||
		(to->kind == SYSTEMD_I32 && (value < INT32_MIN || value > INT32_MAX)) ||
		(to->kind == SYSTEMD_U32 && (value < 0 || value > UINT32_MAX)))
		return false;
	to->number = (uint64_t)value;
	return true;
}

static bool parse_real(const char *text, struct systemd_property *to)
{
	char *end;

	errno = 0;
	to->kind = SYSTEMD_DOUBLE;
	to->real = strtod(text, &end);
	return end != text && !*end && !errno;
}

static bool parse_value(const char *text, struct systemd_property *to)
{
	if (str_equal(text, "true") || str_equal(text, "false")) {
		to->kind = SYSTEMD_BOOL;
		to->number = *text == 't';
		return true;
	}
	if (*text == '[')
		return parse_list(text, to);
	if (*text == '\'' || *text == '"')
		return parse_string(text, to);
	return parse_integer(text, to) || parse_real(text, to);
}

/* TimeoutStopSec is a name of unit files; on the bus it is TimeoutStopUSec. */
static bool convert_seconds(struct systemd_property *property)
{
	size_t length = strlen(property->name);
	double seconds;

	if (!str_ends_with(property->name, "Sec") ||
		str_ends_with(property->name, "USec"))
		return true;
	seconds = property->kind == SYSTEMD_DOUBLE ? property->real
						   : (double)(int64_t)property->number;
	if (strchr("bsSyD", (char)property->kind) || !(seconds >= 0 && seconds < 1e12))
		return false;
	property->kind = SYSTEMD_U64;
	property->number = (uint64_t)(seconds * USEC_IN_SEC);
	property->name[length - strlen("Sec")] = '\0';
	{
		char *name = str_format("%sUSec", property->name);

		free(property->name);
		property->name = name;
	}
	return true;
}

static bool is_name(const char *name)
{
	size_t letters =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return letters >= 3 && !name[letters];
}

int systemd_add_annotations(
	struct systemd_properties *to, const struct pairs *annotations, struct error *err)
{
	for (size_t i = 0; i < annotations->count; i++) {
		const struct pair *pair = &annotations->items[i];
		const char *name = str_after(pair->key, PREFIX);
		struct systemd_property property = { 0 };

		if (!name)
			continue;
		if (!is_name(name))
			return fail(err, "/annotations/%s: \"%s\" is no property's name",
				pair->key, name);
		property.name = str_dup(name);
		to->items = str_realloc(to->items, to->count + 1, sizeof(to->items[0]));
		to->items[to->count++] = property;
		if (!parse_value(skip_blanks(pair->value), &to->items[to->count - 1]) ||
			!convert_seconds(&to->items[to->count - 1]))
			return fail(err,
				"/annotations/%s: expected a value such as true, 'text', "
				"uint64 5 or ['a', 'b'], found \"%s\"",
				pair->key, pair->value);
	}
	return 0;
}
