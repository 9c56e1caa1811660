/* Where in the document, and what was expected there. Positions are worked out only when
 * something is wrong: the reader keeps offsets. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_private.h"

#define SHOWN_MAX   64 /* bytes of the document's own words in a line of ours */
#define POINTER_MAX 400

void json_append_quoted(struct str *str, const char *text, size_t length)
{
	size_t shown = MIN(length, SHOWN_MAX);
	auto_free char *copy = NULL;
	auto_str quoted = { 0 };

	while (shown < length && shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80)
		shown--; /* not inside a character */
	copy = str_dup_n(text, shown);
	json_append_string(&quoted, copy);
	str_append_n(str, quoted.data + 1, quoted.length - 2); /* without its quotes */
	if (shown < length)
		str_append(str, "...");
}

/* RFC 6901: "~" is "~0" and "/" is "~1". */
static void append_token(struct str *str, struct json_key key)
{
	auto_str shown = { 0 };

	json_append_quoted(&shown, key.text, key.length);
	for (const char *c = shown.data; c && *c; c++) {
		if (*c == '~')
			str_append(str, "~0");
		else if (*c == '/')
			str_append(str, "~1");
		else
			str_append_char(str, *c);
	}
}

/* Long names nested deeply must not push the message out of the line: the middle goes. */
static void shorten(struct str *pointer)
{
	auto_str tail = { 0 };
	size_t head = POINTER_MAX / 2;
	size_t rest;

	if (pointer->length <= POINTER_MAX)
		return;
	rest = pointer->length - POINTER_MAX / 2;
	while (((unsigned char)pointer->data[head] & 0xc0) == 0x80)
		head--;
	while (((unsigned char)pointer->data[rest] & 0xc0) == 0x80)
		rest++;
	str_append(&tail, pointer->data + rest);
	pointer->length = head;
	str_append(pointer, "...");
	str_append(pointer, tail.data);
}

static void append_pointer(struct str *str, const struct json_reader *reader)
{
	for (int i = 0; i < reader->depth; i++) {
		const struct json_frame *frame = &reader->frames[i];

		if (!frame->is_array && !frame->key.text)
			continue; /* the object itself: no member of it yet */
		str_append_char(str, '/');
		if (frame->is_array)
			str_appendf(str, "%zu", frame->index);
		else
			append_token(str, frame->key);
	}
}

void json_position(const char *text, size_t length, size_t offset, size_t *ret_line,
	size_t *ret_column)
{
	size_t line = 1;
	size_t column = 1;

	for (size_t i = 0; i < offset && i < length; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			column++; /* characters, not bytes */
		}
	}
	*ret_line = line;
	*ret_column = column;
}

int json_fail_at(struct json_reader *reader, size_t offset, const char *format, ...)
{
	auto_str text = { 0 };
	auto_str pointer = { 0 };
	size_t line;
	size_t column;
	va_list arguments;

	json_position(reader->text, reader->length, offset, &line, &column);
	str_appendf(&text, "%s:%zu:%zu: ", reader->name, line, column);
	append_pointer(&pointer, reader);
	shorten(&pointer);
	if (pointer.length)
		str_appendf(&text, "%s: ", pointer.data);
	va_start(arguments, format);
	str_vappendf(&text, format, arguments);
	va_end(arguments);
	return fail_code(reader->err, EINVAL, "%s", text.data);
}

static const char *expected_name(enum json_kind kind)
{
	switch (kind) {
	case JSON_KIND_STRING:
	case JSON_KIND_WORD:
		return "a string";
	case JSON_KIND_BOOL:
		return "true or false";
	case JSON_KIND_U16:
	case JSON_KIND_U32:
	case JSON_KIND_U64:
		return "an unsigned integer";
	case JSON_KIND_I32:
	case JSON_KIND_I64:
		return "an integer";
	case JSON_KIND_DOUBLE:
		return "a number";
	case JSON_KIND_STRINGS:
	case JSON_KIND_ARRAY:
	case JSON_KIND_U32S:
	case JSON_KIND_I32S:
	case JSON_KIND_WORDS:
		return "an array";
	case JSON_KIND_RAW:
	case JSON_KIND_END:
		return "a value";
	default:
		return "an object";
	}
}

int json_fail_kind(struct json_reader *reader, const struct json_target *target,
	size_t offset, const char *found)
{
	return json_fail_at(reader, offset, "expected %s, found %s",
		expected_name(target->kind), found);
}
