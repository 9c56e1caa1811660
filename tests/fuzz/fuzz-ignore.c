/* An ignore file, and a path after its first zero byte: the walk's way of matching and the
 * plain one must agree. */
#include <stdlib.h>
#include <string.h>

#include "builder/copy/ignore.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, '\0', size);
	size_t rules = zero ? (size_t)(zero - data) : size;
	auto_ignore ignore = { 0 };
	auto_free char *path = NULL;
	struct ignore_level level;
	struct error err;

	if (size > 4096 || ignore_parse(&ignore, ".dockerignore", (const char *)data,
				   rules, &err) < 0)
		return 0;
	path = zero ? str_dup_n((const char *)zero + 1, size - rules - 1)
		    : str_dup("a/b.c");
	level = ignore_descend(&ignore, NULL, path);
	if (!strchr(path, '/') && *path && level.ignored != ignore_matches(&ignore, path))
		abort();
	ignore_level_free(&level);
	(void)ignore_may_except_below(&ignore, path); /* no crash is all that is asked */
	return 0;
}
