/* Errors with their place: the line is shown with its caret, cut where it is long. */
#include "builder/language/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX   100 /* bytes of the line */
#define CONTEXT_MIN 30  /* bytes before the caret, where the line is cut */

void source_init(struct source *source, const char *name, const char *text, size_t length)
{
	size_t lines = 1;

	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		text += 3;
		length -= 3;
	}
	*source = (struct source){ .name = str_dup(name), .length = length };
	source->text = str_dup_n(text, length);
	for (size_t i = 0; i < length; i++)
		lines += source->text[i] == '\n';
	source->starts = str_alloc(lines * sizeof(*source->starts));
	source->line_count = 1;
	for (size_t i = 0; i + 1 < length; i++)
		if (source->text[i] == '\n')
			source->starts[source->line_count++] = i + 1;
	if (length == 0)
		source->line_count = 0;
}

void source_free(struct source *source)
{
	free(source->name);
	free(source->text);
	free(source->starts);
	*source = (struct source){ 0 };
}

const char *source_line(const struct source *source, uint32_t number, size_t *ret_length)
{
	const char *start, *end;

	if (number == 0 || number > source->line_count)
		return NULL;
	start = source->text + source->starts[number - 1];
	end = memchr(start, '\n', source->text + source->length - start);
	*ret_length = end ? (size_t)(end - start) : strlen(start);
	return start;
}

static bool is_inside_character(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

static void append_shown(struct str *str, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		str_append_char(
			str, c == '\t' || c >= ' ' ? (c == 127 ? '?' : (char)c) : '?');
	}
}

/* Blank of the same width: a tab stays one, a character of several bytes is one blank. */
static void append_blank(struct str *str, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\t')
			str_append_char(str, '\t');
		else if (!is_inside_character(text[i]))
			str_append_char(str, ' ');
}

static void append_caret(struct str *str, const char *text, size_t length)
{
	str_append_char(str, '^');
	for (size_t i = 1; i < length; i++)
		if (!is_inside_character(text[i]))
			str_append_char(str, '~');
}

/* The part of a long line that is shown: begins at a character, holds the caret. */
static size_t shown_from(const char *text, size_t length, size_t column)
{
	size_t from = 0;

	if (length > SHOWN_MAX && column > SHOWN_MAX - CONTEXT_MIN)
		from = column - CONTEXT_MIN;
	while (from < column && is_inside_character(text[from]))
		from++;
	return from;
}

static void append_line(struct str *str, struct span span)
{
	size_t length, from, to, column = span.column, width = span.width;
	const char *text = source_line(span.source, span.line, &length);

	if (!text)
		return;
	while (length > 0 && strchr(" \t\r", text[length - 1]))
		length--;
	if (width == 0)
		for (column = 0; column < length && strchr(" \t", text[column]);)
			column++;
	column = MIN(column, length);
	width = width ? MIN(width, length - column) : length - column;
	from = shown_from(text, length, column);
	to = MIN(length, from + SHOWN_MAX);
	while (to < length && is_inside_character(text[to]))
		to++;

	str_appendf(str, "\n%4u | %s", span.line, from ? "..." : "");
	append_shown(str, text + from, to - from);
	str_appendf(str, "%s\n     | %s", to < length ? "..." : "", from ? "   " : "");
	append_blank(str, text + from, MIN(column, to) - from);
	append_caret(str, text + MIN(column, to), MIN(width, to - MIN(column, to)));
}

void span_describe(struct str *str, struct span span, const char *message)
{
	if (!span.source) {
		str_append(str, message);
		return;
	}
	str_append(str, span.source->name);
	if (span.line)
		str_appendf(str, ":%u", span.line);
	str_appendf(str, ": %s", message);
	if (span.line)
		append_line(str, span);
}

/* What the message quotes must not look like lines of ours. */
static int fail_at(struct span span, struct error *err, char *message, bool lines)
{
	auto_str text = { 0 };

	for (char *c = message; *c; c++) {
		if ((unsigned char)*c < ' ' && *c != '\t' && !(*c == '\n' && lines))
			*c = '?';
	}
	span_describe(&text, span, message);
	(void)!fail(err, "%s", text.data);
	err->lines = true; /* the Mockerfile's line, and the place in it */
	return -1;
}

#define MESSAGE_MAX (sizeof(((struct error *)0)->text) - 360) /* room for the line */

int span_fail(struct span span, struct error *err, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return fail_at(span, err, message, false);
}

int span_fail_while(struct span span, struct error *err)
{
	struct error inner = *err;
	char message[MESSAGE_MAX];

	(void)snprintf(
		message, sizeof(message), "%.*s", (int)sizeof(message) - 1, inner.text);
	(void)fail_at(span, err, message, inner.lines);
	err->errnum = inner.errnum;
	return -1;
}

int span_place(struct span span, int result, struct error *err)
{
	if (result == 0 || err->errnum == EINTR || strchr(err->text, '\n'))
		return result;
	return span_fail_while(span, err);
}
