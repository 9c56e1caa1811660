/* Words between blanks; how many there are before the dash varies. */
#include "runtime/mounts/mountinfo.h"

#include <stdlib.h>
#include <string.h>

void mountinfo_free(struct mountinfo *mount)
{
	free(mount->root);
	free(mount->destination);
	free(mount->options);
	strings_free(&mount->propagation);
	free(mount->type);
	free(mount->source);
	free(mount->superoptions);
	*mount = (struct mountinfo){ 0 };
}

char *mountinfo_unescape(char *text)
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

bool mountinfo_parse(const char *line, struct mountinfo *ret)
{
	auto_strings words = { 0 };
	size_t dash = 6;

	strings_split(&words, line, ' ');
	while (dash < words.count && !str_equal(words.items[dash], "-"))
		dash++;
	if (dash + 3 >= words.count)
		return false;
	*ret = (struct mountinfo){
		.id = strtoull(words.items[0], NULL, 10),
		.root = mountinfo_unescape(str_dup(words.items[3])),
		.destination = mountinfo_unescape(str_dup(words.items[4])),
		.options = str_dup(words.items[5]),
		.type = str_dup(words.items[dash + 1]),
		.source = mountinfo_unescape(str_dup(words.items[dash + 2])),
		.superoptions = str_dup(words.items[dash + 3]),
	};
	for (size_t i = 6; i < dash; i++)
		strings_add(&ret->propagation, words.items[i]);
	return true;
}
