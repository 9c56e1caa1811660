/* The mounts that the first process sees, by its mountinfo (proc(5)). */
#include <string.h>

#include "runtime/inspect/inspect.h"
#include "runtime/procfs.h"

/* Blanks and the like stand as "\040". In place. */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return text;
}

/* Those of the mount, then those of the file system that are not among them. */
static void take_options(const char *own, const char *of_all, struct strings *to)
{
	auto_strings others = { 0 };

	strings_split(to, own, ',');
	strings_split(&others, of_all, ',');
	strings_each (option, &others) {
		/* A file system may be writable that is mounted read-only. */
		if (!str_equal(*option, "rw") && !strings_contain(to, *option))
			strings_add(to, unescape(*option));
	}
}

/* "36 35 98:0 /root /dest rw,noatime shared:1 - ext4 /dev/sda rw" */
static bool parse(const char *line, struct inspect_mount *ret)
{
	auto_strings words = { 0 };
	size_t dash = 6;

	strings_split(&words, line, ' ');
	while (dash < words.count && !str_equal(words.items[dash], "-"))
		dash++;
	if (dash + 3 >= words.count)
		return false;
	ret->root = str_dup(unescape(words.items[3]));
	ret->destination = str_dup(unescape(words.items[4]));
	ret->type = str_dup(words.items[dash + 1]);
	ret->source = str_dup(unescape(words.items[dash + 2]));
	take_options(words.items[5], words.items[dash + 3], &ret->options);
	for (size_t i = 6; i < dash; i++)
		strings_add(&ret->propagation, words.items[i]);
	return true;
}

void inspect_mounts(pid_t pid, struct inspection *to)
{
	auto_free char *text = procfs_read(pid, "mountinfo");
	auto_strings lines = { 0 };

	strings_split(&lines, text ? text : "", '\n');
	to->mounts = str_alloc((lines.count + 1) * sizeof(*to->mounts));
	strings_each (line, &lines) {
		if (parse(*line, &to->mounts[to->mounts_count]))
			to->mounts_count++;
	}
}
