/* Filling struct error. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The text may stand among the arguments of its own replacement, so it is written beside
 * and copied. */
static void write_text(struct error *err, const char *format, va_list arguments)
{
	char text[sizeof(err->text)];

	vsnprintf(text, sizeof(text), format, arguments);
	memcpy(err->text, text, sizeof(text));
}

static void append_text(struct error *err, const char *separator, const char *text)
{
	size_t length = strlen(err->text);

	snprintf(err->text + length, sizeof(err->text) - length, "%s%s", separator, text);
}

void error_set(struct error *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_text(err, format, arguments);
	va_end(arguments);
	err->errnum = 0;
	err->lines = false;
}

void error_set_code(struct error *err, int errnum, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_text(err, format, arguments);
	va_end(arguments);
	err->errnum = errnum;
	err->lines = false;
}

void error_set_errno(struct error *err, const char *format, ...)
{
	int errnum = errno;
	va_list arguments;

	va_start(arguments, format);
	write_text(err, format, arguments);
	va_end(arguments);
	append_text(err, ": ", strerror(errnum));
	err->errnum = errnum;
	err->lines = false;
	errno = errnum;
}

void error_prepend(struct error *err, const char *format, ...)
{
	char said[sizeof(err->text)];
	va_list arguments;

	memcpy(said, err->text, sizeof(said));
	va_start(arguments, format);
	write_text(err, format, arguments);
	va_end(arguments);
	append_text(err, ": ", said);
}

void error_append(struct error *err, const char *format, ...)
{
	struct error hint;
	va_list arguments;

	va_start(arguments, format);
	write_text(&hint, format, arguments);
	va_end(arguments);
	append_text(err, "; ", hint.text);
}
