/* What /proc says of one process. */
#include "runtime/process/procfs.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"

#define SIZE_MAX_READ (16u << 20)

static char *read_file(pid_t pid, const char *file, size_t *ret_length)
{
	auto_free char *path = str_format("/proc/%d/%s", pid, file);
	char *text = NULL;
	struct error gone;

	if (file_read_at(AT_FDCWD, path, SIZE_MAX_READ, &text, ret_length, &gone) < 0)
		return NULL;
	return text;
}

char *procfs_read(pid_t pid, const char *file)
{
	size_t length;

	return read_file(pid, file, &length);
}

char *procfs_field(const char *status, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		line += length + 1;
		line += strspn(line, " \t");
		return str_dup_n(line, strcspn(line, "\n"));
	}
	return NULL;
}

uint64_t procfs_number(const char *status, const char *name, int base)
{
	auto_free char *words = procfs_field(status, name);

	return words ? strtoull(words, NULL, base) : 0;
}

/* "0" is told of one that runs, or to who may not know. */
void procfs_describe(pid_t pid, struct str *to)
{
	auto_free char *name = procfs_read(pid, "comm");
	auto_free char *where = procfs_read(pid, "wchan");
	struct error gone;
	uint64_t start;
	char state;

	if (process_stat(pid, &start, &state, &gone) < 0)
		state = '?';
	str_appendf(to, "%d (%.*s, state %c", pid, name ? (int)strcspn(name, "\n") : 1,
		name ? name : "?", state);
	if (where && *where && !str_equal(where, "0"))
		str_appendf(to, " in %s", where);
	str_append(to, ")");
}

char *procfs_command(pid_t pid)
{
	size_t length = 0;
	auto_free char *words = read_file(pid, "cmdline", &length);
	auto_free char *name = NULL;

	while (length && !words[length - 1])
		length--;
	for (size_t i = 0; i < length; i++) {
		if (!words[i])
			words[i] = ' ';
		else if (iscntrl((unsigned char)words[i]))
			words[i] = '?';
	}
	if (length)
		return take_ptr(&words);
	name = procfs_read(pid, "comm");
	return str_format(
		"[%.*s]", name ? (int)strcspn(name, "\n") : 1, name ? name : "?");
}
