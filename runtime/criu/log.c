/* The first error is the cause, the next few are what came of it. */
#include "runtime/criu/log.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#define LOG_SIZE_MAX (64u << 20)
#define LINES_MAX    3
#define LENGTH_MAX   600

/* "(00.012345)    42: Error (criu/mount.c:123): mnt: ..." without its time. */
static const char *after_time(const char *line)
{
	const char *end = *line == '(' ? strchr(line, ')') : NULL;

	return end ? end + 1 + strspn(end + 1, " ") : line;
}

static void append_line(struct str *to, const char *line)
{
	const char *words = after_time(line);

	str_append(to, to->length ? "; " : "");
	for (; *words; words++)
		str_append_char(to, (unsigned char)*words < ' ' ? ' ' : *words);
}

static void collect(char *text, struct str *to)
{
	int lines = 0;
	char *rest = text;
	char *line;

	while ((line = strsep(&rest, "\n")) && lines < LINES_MAX) {
		if (!strstr(line, "Error ("))
			continue;
		append_line(to, line);
		lines++;
	}
	if (to->length > LENGTH_MAX)
		to->data[LENGTH_MAX] = '\0';
}

void criu_log_excerpt(int dir_fd, const char *dir, const char *file, struct error *err)
{
	auto_free char *path = path_join(dir, file);
	auto_free char *text = NULL;
	auto_str words = { 0 };
	struct error ignored;

	if (dir_fd < 0 ||
		file_read_at(dir_fd, file, LOG_SIZE_MAX, &text, NULL, &ignored) < 0)
		return;
	collect(text, &words);
	if (words.length)
		error_append(err, "%s", words.data);
	error_append(err, "its whole log is %s", path);
}
