/* Plain progress on standard output, a line at a time. */
#include "builder/progress.h"

#include <stdio.h>
#include <time.h>

#define LINE_MAX_SHOWN 8192
#define NANOSECONDS    1000000000

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * NANOSECONDS + time.tv_nsec;
}

static double seconds_since(int64_t began)
{
	return (double)(now() - began) / NANOSECONDS;
}

void progress_begin(struct progress *progress, bool quiet)
{
	*progress = (struct progress){ .quiet = quiet, .began = now() };
}

void progress_free(struct progress *progress)
{
	str_free(&progress->line);
}

static void begin_step(
	struct progress *progress, const char *stage, const char *mark, const char *text)
{
	progress->step++;
	progress->step_began = now();
	if (progress->quiet)
		return;
	printf("[%s%s%zu/%zu] %s%s\n", stage ? stage : "", stage ? " " : "",
		progress->step, progress->total, mark, text);
	fflush(stdout);
}

void progress_step(struct progress *progress, const char *stage, const char *text)
{
	begin_step(progress, stage, "", text);
}

void progress_cached(struct progress *progress, const char *stage, const char *text)
{
	begin_step(progress, stage, "CACHED ", text);
}

static void end_line(struct progress *progress)
{
	if (!progress->quiet)
		printf("      | %s\n", progress->line.data ? progress->line.data : "");
	progress->line.length = 0;
	if (progress->line.data)
		progress->line.data[0] = '\0';
}

void progress_output(void *argument, const char *data, size_t length)
{
	struct progress *progress = argument;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)data[i];
		/* a bar that redraws itself; but not the first half of CR LF */
		bool redraws = c == '\r' && progress->line.length > 0 &&
			       !(i + 1 < length && data[i + 1] == '\n');

		if (c == '\n' || redraws || progress->line.length >= LINE_MAX_SHOWN)
			end_line(progress);
		if (c == '\t' || (c >= ' ' && c != 127))
			str_append_char(&progress->line, (char)c);
	}
	if (!progress->quiet)
		fflush(stdout);
}

void progress_step_end(struct progress *progress, const char *how)
{
	if (progress->line.length > 0)
		end_line(progress);
	if (progress->quiet)
		return;
	printf("      %s %.2f s\n", how, seconds_since(progress->step_began));
	fflush(stdout);
}

void progress_note(struct progress *progress, const char *format, ...)
{
	va_list arguments;

	if (progress->quiet)
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	fflush(stdout);
}

void progress_done(struct progress *progress, const char *what)
{
	progress_note(progress, "%s in %.2f s\n", what, seconds_since(progress->began));
}
