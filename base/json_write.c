/*
 * Structs → text, in the order of their tables. Members that are absent are left out;
 * which those are is told by is_absent() alone.
 */
#include <inttypes.h>
#include <string.h>

#include "base/json_private.h"

struct writer {
	struct str *str;
	bool pretty;
	unsigned depth;
	bool first; /* nothing written yet in the object or array that is open */
};

static void write_object(
	struct writer *writer, const struct json_field *fields, const char *object);

/* ---- punctuation ------------------------------------------------------------------- */

static void new_line(struct writer *writer)
{
	if (!writer->pretty)
		return;
	str_append_char(writer->str, '\n');
	for (unsigned i = 0; i < writer->depth; i++)
		str_append(writer->str, "  ");
}

static void open_bracket(struct writer *writer, char bracket)
{
	str_append_char(writer->str, bracket);
	writer->depth++;
	writer->first = true;
}

static void close_bracket(struct writer *writer, char bracket)
{
	writer->depth--;
	if (!writer->first)
		new_line(writer);
	str_append_char(writer->str, bracket);
	writer->first = false;
}

static void next_item(struct writer *writer)
{
	if (!writer->first)
		str_append_char(writer->str, ',');
	writer->first = false;
	new_line(writer);
}

static void write_name(struct writer *writer, const char *name)
{
	next_item(writer);
	json_append_string(writer->str, name);
	str_append(writer->str, writer->pretty ? ": " : ":");
}

/* ---- lists ------------------------------------------------------------------------- */

static void write_strings(struct writer *writer, const struct strings *list)
{
	open_bracket(writer, '[');
	strings_each (item, list) {
		next_item(writer);
		json_append_string(writer->str, *item);
	}
	close_bracket(writer, ']');
}

static void write_set(struct writer *writer, const struct strings *list)
{
	open_bracket(writer, '{');
	strings_each (item, list) {
		write_name(writer, *item);
		str_append(writer->str, "{}");
	}
	close_bracket(writer, '}');
}

static void write_pairs(struct writer *writer, const struct pairs *list)
{
	open_bracket(writer, '{');
	for (size_t i = 0; i < list->count; i++) {
		write_name(writer, list->items[i].key);
		json_append_string(
			writer->str, list->items[i].value ? list->items[i].value : "");
	}
	close_bracket(writer, '}');
}

static void write_numbers(struct writer *writer, const void *list, bool is_signed)
{
	const struct json_u32s *numbers = list;

	open_bracket(writer, '[');
	for (size_t i = 0; i < numbers->count; i++) {
		next_item(writer);
		if (is_signed)
			str_appendf(writer->str, "%" PRId32, (int32_t)numbers->items[i]);
		else
			str_appendf(writer->str, "%" PRIu32, numbers->items[i]);
	}
	close_bracket(writer, ']');
}

/* A number without a word can only be a mistake of ours; the reader will say so. */
static void write_word(struct writer *writer, const struct word *words, int64_t number)
{
	const char *word = word_of_number(words, number);

	json_append_string(writer->str, word ? word : "");
}

static void write_words(
	struct writer *writer, const struct word *words, const struct json_words *list)
{
	open_bracket(writer, '[');
	for (size_t i = 0; i < list->count; i++) {
		next_item(writer);
		write_word(writer, words, list->items[i]);
	}
	close_bracket(writer, ']');
}

static void write_items(
	struct writer *writer, const struct json_field *field, const char *object)
{
	const char *items = *(const char *const *)(const void *)(object + field->offset);
	size_t count = *(const size_t *)(const void *)(object + field->count);
	bool map = field->kind == JSON_KIND_MAP;

	open_bracket(writer, map ? '{' : '[');
	for (size_t i = 0; i < count; i++, items += field->type->size) {
		if (map)
			write_name(writer, *(const char *const *)(const void *)items);
		else
			next_item(writer);
		write_object(writer, field->type->fields, items);
	}
	close_bracket(writer, map ? '}' : ']');
}

/* ---- a value as it stood, with our white space ------------------------------------- */

/* The end of the string that begins at its opening quote. */
static const char *skip_string(const char *text)
{
	for (text++; *text && *text != '"'; text++) {
		if (*text == '\\' && text[1])
			text++;
	}
	return *text ? text + 1 : text;
}

static void write_raw(struct writer *writer, const char *text)
{
	bool opened = false;   /* the token before was an opening bracket */
	bool new_item = false; /* or that, or a comma */

	while (*text) {
		const char *start = text++;
		bool closes = strchr("]}", *start);

		if (strchr(" \t\r\n", *start))
			continue;
		if (closes)
			writer->depth--;
		if (closes ? !opened : new_item)
			new_line(writer);
		if (*start == '"')
			text = skip_string(start);
		str_append_n(writer->str, start, (size_t)(text - start));
		if (*start == ':' && writer->pretty)
			str_append_char(writer->str, ' ');
		opened = strchr("[{", *start);
		new_item = opened || *start == ',';
		writer->depth += opened;
	}
}

/* ---- members ----------------------------------------------------------------------- */

static void write_double(struct writer *writer, double value)
{
	char shortest[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(shortest, sizeof(shortest), "%.*g", digits, value);
		if (strtod(shortest, NULL) == value)
			break;
	}
	str_append(writer->str, shortest);
}

static void write_pointer(
	struct writer *writer, const struct json_field *field, const char *pointer)
{
	if (pointer)
		write_object(writer, field->type->fields, pointer);
	else
		str_append(writer->str, "{}");
}

static void write_string(struct writer *writer, const char *text)
{
	json_append_string(writer->str, text ? text : "");
}

static void write_integer(
	struct writer *writer, const struct json_field *field, const void *member)
{
	struct str *str = writer->str;

	switch (field->kind) {
	case JSON_KIND_U16:
		str_appendf(str, "%" PRIu16, *(const uint16_t *)member);
		break;
	case JSON_KIND_U32:
		str_appendf(str, "%" PRIu32, *(const uint32_t *)member);
		break;
	case JSON_KIND_U64:
		str_appendf(str, "%" PRIu64, *(const uint64_t *)member);
		break;
	case JSON_KIND_I32:
		str_appendf(str, "%" PRId32, *(const int32_t *)member);
		break;
	default:
		str_appendf(str, "%" PRId64, *(const int64_t *)member);
		break;
	}
}

static void write_value(
	struct writer *writer, const struct json_field *field, const char *object)
{
	const void *member = object + field->offset;

	switch (field->kind) {
	case JSON_KIND_END:
		break;
	case JSON_KIND_STRING:
		write_string(writer, *(const char *const *)member);
		break;
	case JSON_KIND_BOOL:
		str_append(writer->str, *(const bool *)member ? "true" : "false");
		break;
	case JSON_KIND_U16:
	case JSON_KIND_U32:
	case JSON_KIND_U64:
	case JSON_KIND_I32:
	case JSON_KIND_I64:
		write_integer(writer, field, member);
		break;
	case JSON_KIND_DOUBLE:
		write_double(writer, *(const double *)member);
		break;
	case JSON_KIND_WORD:
		write_word(writer, field->words, *(const int64_t *)member);
		break;
	case JSON_KIND_STRINGS:
		write_strings(writer, member);
		break;
	case JSON_KIND_SET:
		write_set(writer, member);
		break;
	case JSON_KIND_PAIRS:
		write_pairs(writer, member);
		break;
	case JSON_KIND_U32S:
	case JSON_KIND_I32S:
		write_numbers(writer, member, field->kind == JSON_KIND_I32S);
		break;
	case JSON_KIND_WORDS:
		write_words(writer, field->words, member);
		break;
	case JSON_KIND_RAW:
		write_raw(writer, *(const char *const *)member);
		break;
	case JSON_KIND_STRUCT:
		write_object(writer, field->type->fields, member);
		break;
	case JSON_KIND_POINTER:
		write_pointer(writer, field, *(const char *const *)member);
		break;
	case JSON_KIND_ARRAY:
	case JSON_KIND_MAP:
		write_items(writer, field, object);
		break;
	}
}

static bool is_empty(const struct json_field *field, const char *object);

static bool all_empty(const struct json_field *fields, const char *object)
{
	for (; fields->kind != JSON_KIND_END; fields++) {
		if (!is_empty(fields, object))
			return false;
	}
	return true;
}

/* As a struct of zeroes has it. */
static bool is_empty(const struct json_field *field, const char *object)
{
	const void *member = object + field->offset;

	if (field->optional)
		return !*(const bool *)(const void *)(object + field->has);
	switch (field->kind) {
	case JSON_KIND_BOOL:
		return !*(const bool *)member;
	case JSON_KIND_U16:
		return !*(const uint16_t *)member;
	case JSON_KIND_U32:
	case JSON_KIND_I32:
		return !*(const uint32_t *)member;
	case JSON_KIND_U64:
	case JSON_KIND_I64:
	case JSON_KIND_WORD:
		return !*(const uint64_t *)member;
	case JSON_KIND_DOUBLE:
		return *(const double *)member == 0;
	case JSON_KIND_STRUCT:
		return all_empty(field->type->fields, member);
	default: /* all others begin with a pointer */
		return !*(const void *const *)member;
	}
}

static bool is_absent(const struct json_field *field, const char *object)
{
	if (field->kind != JSON_KIND_RAW && (field->required || field->always))
		return false;
	return is_empty(field, object); /* RAW without text has no value to write */
}

static void write_object(
	struct writer *writer, const struct json_field *fields, const char *object)
{
	open_bracket(writer, '{');
	for (; fields->kind != JSON_KIND_END; fields++) {
		if (is_absent(fields, object))
			continue;
		write_name(writer, fields->name);
		write_value(writer, fields, object);
	}
	close_bracket(writer, '}');
}

void json_write(struct str *str, const struct json_type *type, const void *object,
	struct json_write_options options)
{
	struct writer writer = { .str = str, .pretty = options.pretty };

	write_object(&writer, type->fields, object);
	if (options.pretty)
		str_append_char(str, '\n');
}

int json_copy(const struct json_type *type, void *to, const void *from, struct error *err)
{
	auto_str text = { 0 };
	struct json_options options = { .name = "copy", .size_max = SIZE_MAX };

	json_write(&text, type, from, (struct json_write_options){ 0 });
	return json_read(type, to, text.data, text.length, &options, err);
}
