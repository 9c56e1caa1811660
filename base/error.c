/* Filling struct error. */
#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What is written before it is made to fit: two long paths and the words around them. */
struct draft {
	char text[2 * 4096 + 1024];
	size_t length;
};

static void add(struct draft *draft, const char *format, va_list arguments)
{
	size_t room = sizeof(draft->text) - draft->length;
	int length = vsnprintf(draft->text + draft->length, room, format, arguments);

	if (length > 0)
		draft->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void add_text(struct draft *draft, const char *text)
{
	size_t room = sizeof(draft->text) - draft->length - 1;
	size_t length = strlen(text);

	length = length < room ? length : room;
	memcpy(draft->text + draft->length, text, length);
	draft->length += length;
	draft->text[draft->length] = '\0';
}

/* Bytes within a character of UTF-8. */
static bool continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The object is named at the beginning, the cause and the remedy at the end: what does not
 * fit is left out between them. */
static void fit(struct error *err, const struct draft *draft)
{
	static const char mark[] = "…";
	size_t room = sizeof(err->text) - 1;
	size_t head = room / 3;
	const char *tail;

	if (draft->length <= room) {
		memcpy(err->text, draft->text, draft->length + 1);
		return;
	}
	tail = draft->text + draft->length - (room - head - strlen(mark));
	while (head && continues(draft->text[head]))
		head--;
	while (continues(*tail))
		tail++;
	memcpy(err->text, draft->text, head);
	snprintf(err->text + head, sizeof(err->text) - head, "%s%s", mark, tail);
}

static void set(struct error *err, int errnum, const char *cause, const char *format,
	va_list arguments)
{
	struct draft draft = { .length = 0 };

	add(&draft, format, arguments);
	if (cause) {
		add_text(&draft, ": ");
		add_text(&draft, cause);
	}
	fit(err, &draft);
	err->errnum = errnum;
	err->lines = false;
	err->kind = 0;
}

void error_set(struct error *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(err, 0, NULL, format, arguments);
	va_end(arguments);
}

void error_set_code(struct error *err, int errnum, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(err, errnum, NULL, format, arguments);
	va_end(arguments);
}

void error_set_errno(struct error *err, const char *format, ...)
{
	int errnum = errno;
	va_list arguments;

	va_start(arguments, format);
	set(err, errnum, strerror(errnum), format, arguments);
	va_end(arguments);
	errno = errnum;
}

void error_prepend(struct error *err, const char *format, ...)
{
	struct draft draft = { .length = 0 };
	va_list arguments;

	va_start(arguments, format);
	add(&draft, format, arguments);
	va_end(arguments);
	add_text(&draft, ": ");
	add_text(&draft, err->text);
	fit(err, &draft);
}

void error_append(struct error *err, const char *format, ...)
{
	struct draft draft = { .length = 0 };
	va_list arguments;

	add_text(&draft, err->text);
	add_text(&draft, "; ");
	va_start(arguments, format);
	add(&draft, format, arguments);
	va_end(arguments);
	fit(err, &draft);
}
