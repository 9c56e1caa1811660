/* YAML as JSON, event by event. */
#include "builder/cdi/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/json.h"
#include "base/library.h"

#define LIBRARY "libyaml-0.so.2"

struct yaml_library {
	void *handle;
	int (*parser_initialize)(yaml_parser_t *parser);
	void (*parser_delete)(yaml_parser_t *parser);
	void (*parser_set_input_string)(
		yaml_parser_t *parser, const unsigned char *input, size_t size);
	int (*parser_parse)(yaml_parser_t *parser, yaml_event_t *event);
	void (*event_delete)(yaml_event_t *event);
};

#ifdef YAML_LINKED

static int open_library(struct yaml_library *ret, struct error *err)
{
	*ret = (struct yaml_library){
		.parser_initialize = yaml_parser_initialize,
		.parser_delete = yaml_parser_delete,
		.parser_set_input_string = yaml_parser_set_input_string,
		.parser_parse = yaml_parser_parse,
		.event_delete = yaml_event_delete,
	};
	return 0;
}

#else

static const struct library_symbol symbols[] = {
	{ "yaml_parser_initialize", offsetof(struct yaml_library, parser_initialize) },
	{ "yaml_parser_delete", offsetof(struct yaml_library, parser_delete) },
	{ "yaml_parser_set_input_string",
		offsetof(struct yaml_library, parser_set_input_string) },
	{ "yaml_parser_parse", offsetof(struct yaml_library, parser_parse) },
	{ "yaml_event_delete", offsetof(struct yaml_library, event_delete) },
};

static int open_library(struct yaml_library *ret, struct error *err)
{
	return library_open(
		LIBRARY, symbols, ARRAY_SIZE(symbols), ret, &ret->handle, err);
}

#endif

/* A collection that has begun: how many keys and values it has. */
struct level {
	bool is_map;
	size_t count;
};

struct conversion {
	const struct yaml_library *library;
	const char *name;
	yaml_parser_t parser;
	struct str *json;
	size_t line;
	struct level levels[JSON_DEPTH_MAX];
	size_t depth;
	bool ended;
};

/* A key and its value are two nodes; JSON's separators stand before all but the first. */
static bool begin_node(struct conversion *conversion, const yaml_event_t *event)
{
	struct level *level =
		conversion->depth ? &conversion->levels[conversion->depth - 1] : NULL;
	bool is_key = level && level->is_map && level->count % 2 == 0;

	if (level && level->count)
		str_append(conversion->json, level->is_map && !is_key ? ":" : ",");
	if (level)
		level->count++;
	for (; conversion->line < event->start_mark.line; conversion->line++)
		str_append_char(conversion->json, '\n');
	return is_key;
}

static int fail_at(const struct conversion *conversion, yaml_mark_t mark,
	struct error *err, const char *what)
{
	return fail(err, "%s:%zu:%zu: %s", conversion->name, mark.line + 1,
		mark.column + 1, what);
}

static int begin_collection(
	struct conversion *conversion, const yaml_event_t *event, struct error *err)
{
	bool is_map = event->type == YAML_MAPPING_START_EVENT;

	if (begin_node(conversion, event))
		return fail_at(
			conversion, event->start_mark, err, "a key can only be a word");
	if (is_map ? !event->data.mapping_start.implicit
		   : !event->data.sequence_start.implicit)
		return fail_at(conversion, event->start_mark, err, "tags are not read");
	if (conversion->depth == JSON_DEPTH_MAX)
		return fail_at(
			conversion, event->start_mark, err, "it is nested too deeply");
	conversion->levels[conversion->depth++] = (struct level){ .is_map = is_map };
	str_append_char(conversion->json, is_map ? '{' : '[');
	return 0;
}

static void end_collection(struct conversion *conversion)
{
	const struct level *level = &conversion->levels[--conversion->depth];

	str_append_char(conversion->json, level->is_map ? '}' : ']');
}

static bool is_decimal(const char *text)
{
	const char *digits = text + (*text == '-');
	size_t length = strspn(digits, "0123456789");

	return length && !digits[length] && (length == 1 || *digits != '0');
}

/* 0644 as in YAML 1.1, 0o644 as in 1.2; as a decimal number in any case. */
static bool append_octal(struct str *json, const char *text)
{
	const char *digits = text + 1;
	size_t length;

	if (*text != '0')
		return false;
	digits += *digits == 'o';
	length = strspn(digits, "01234567");
	if (!length || digits[length] || length > 20)
		return false;
	str_appendf(json, "%llu", strtoull(digits, NULL, 8));
	return true;
}

/* What is plainly written may be no string. */
static void append_plain(struct str *json, const char *text)
{
	static const char *const nothing[] = { "", "~", "null", "Null", "NULL" };
	static const char *const yes[] = { "true", "True", "TRUE" };
	static const char *const no[] = { "false", "False", "FALSE" };

	if (str_is_among(text, nothing, ARRAY_SIZE(nothing)))
		str_append(json, "null");
	else if (str_is_among(text, yes, ARRAY_SIZE(yes)))
		str_append(json, "true");
	else if (str_is_among(text, no, ARRAY_SIZE(no)))
		str_append(json, "false");
	else if (is_decimal(text))
		str_append(json, text);
	else if (!append_octal(json, text))
		json_append_string(json, text);
}

static int append_scalar(
	struct conversion *conversion, const yaml_event_t *event, struct error *err)
{
	const char *text = (const char *)event->data.scalar.value;
	bool is_key = begin_node(conversion, event);

	if (strlen(text) != event->data.scalar.length)
		return fail_at(
			conversion, event->start_mark, err, "a string with a NUL in it");
	if (event->data.scalar.plain_implicit && !is_key)
		append_plain(conversion->json, text);
	else if (event->data.scalar.tag && !event->data.scalar.quoted_implicit)
		return fail_at(conversion, event->start_mark, err, "tags are not read");
	else
		json_append_string(conversion->json, text);
	return 0;
}

static int convert_event(
	struct conversion *conversion, const yaml_event_t *event, struct error *err)
{
	switch (event->type) {
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		return begin_collection(conversion, event, err);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		end_collection(conversion);
		return 0;
	case YAML_SCALAR_EVENT:
		return append_scalar(conversion, event, err);
	case YAML_ALIAS_EVENT:
		return fail_at(
			conversion, event->start_mark, err, "aliases are not read");
	case YAML_DOCUMENT_START_EVENT:
		if (conversion->json->length)
			return fail_at(conversion, event->start_mark, err,
				"expected one document");
		return 0;
	case YAML_STREAM_END_EVENT:
		conversion->ended = true;
		return 0;
	default:
		return 0;
	}
}

static int convert(struct conversion *conversion, struct error *err)
{
	yaml_event_t event;
	int result = 0;

	while (result == 0 && !conversion->ended) {
		const yaml_parser_t *parser = &conversion->parser;

		if (!conversion->library->parser_parse(&conversion->parser, &event))
			return fail_at(conversion, parser->problem_mark, err,
				parser->problem ? parser->problem : "no YAML");
		result = convert_event(conversion, &event, err);
		conversion->library->event_delete(&event);
	}
	return result;
}

int yaml_to_json(const char *name, const char *text, size_t length, struct str *ret,
	struct error *err)
{
	struct yaml_library library;
	struct conversion conversion = { .library = &library, .name = name, .json = ret };
	int result;

	if (open_library(&library, err) < 0)
		return -1;
	if (!library.parser_initialize(&conversion.parser))
		str_out_of_memory();
	library.parser_set_input_string(
		&conversion.parser, (const unsigned char *)text, length);
	result = convert(&conversion, err);
	library.parser_delete(&conversion.parser);
	library_close(&library.handle);
	return result;
}
