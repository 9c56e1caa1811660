/* One line at a time, written by a single write() so that lines of several processes do
 * not mix. */
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"

static struct {
	const char *program;
	int fd;
	bool json;
	bool debug;
} the_log = { .program = "mocker", .fd = -1 };

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

int log_open(const struct log_options *options, struct error *err)
{
	int fd = STDERR_FILENO;

	the_log.program = options->program;
	the_log.debug = options->debug;
	if (options->file) {
		fd = open(options->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return fail_errno(err, "opening the log file %s", options->file);
	}
	the_log.fd = fd;
	the_log.json = options->json;
	return 0;
}

int log_fd(void)
{
	return the_log.fd;
}

bool log_debug_enabled(void)
{
	return the_log.debug;
}

static void append_time(struct str *line)
{
	char text[32] = "";
	time_t now = time(NULL);
	struct tm utc;

	if (gmtime_r(&now, &utc))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	str_append(line, text);
}

static void append_json(struct str *line, enum log_level level, const char *message)
{
	str_appendf(line, "{\"level\":\"%s\",\"msg\":", level_words[level]);
	json_append_string(line, message);
	str_append(line, ",\"time\":\"");
	append_time(line);
	str_append(line, "\"}\n");
}

/* A message quotes what somebody else wrote: a name must not end the line, nor speak to the
 * terminal. What is debugged may be long, and has lines. */
static void append_printable(struct str *line, const char *message, bool lines)
{
	for (const char *c = message; *c; c++) {
		bool kept =
			(unsigned char)*c >= ' ' || *c == '\t' || (*c == '\n' && lines);

		str_append_char(line, kept ? *c : '?');
	}
	str_append_char(line, '\n');
}

static void append_plain(
	struct str *line, enum log_level level, const char *message, bool lines)
{
	if (the_log.fd > STDERR_FILENO) { /* a file is read later */
		append_time(line);
		str_append_char(line, ' ');
	}
	str_appendf(line, "%s: ", the_log.program);
	if (level == LOG_LEVEL_WARNING || level == LOG_LEVEL_DEBUG)
		str_appendf(line, "%s: ", level_words[level]);
	append_printable(line, message, lines);
}

static void write_line(enum log_level level, const char *message, bool lines)
{
	auto_str line = { 0 };

	if (the_log.json)
		append_json(&line, level, message);
	else
		append_plain(&line, level, message, lines);
	/* There is nowhere left to report a log that cannot be written. */
	if (fd_write_all(the_log.fd < 0 ? STDERR_FILENO : the_log.fd, line.data,
		    line.length) < 0)
		return;
}

void log_line(enum log_level level, const char *format, ...)
{
	auto_str message = { 0 };
	va_list arguments;

	if (level == LOG_LEVEL_DEBUG && !the_log.debug)
		return;
	va_start(arguments, format);
	str_vappendf(&message, format, arguments);
	va_end(arguments);
	write_line(level, message.data, level == LOG_LEVEL_DEBUG);
}

void log_failure(const struct error *err)
{
	auto_str line = { 0 };

	write_line(LOG_LEVEL_ERROR, err->text, err->lines);
	if (the_log.fd <= STDERR_FILENO)
		return;
	str_appendf(&line, "%s: ", the_log.program);
	append_printable(&line, err->text, err->lines);
	if (fd_write_all(STDERR_FILENO, line.data, line.length) < 0)
		return; /* it is in the file */
}
