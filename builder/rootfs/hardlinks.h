/* Which files with several names were written already, and under which path: for a copy, a
 * tree, an archive. */
#pragma once

#include <sys/stat.h>

struct hardlinks {
	void *tree; /* of tsearch(3) */
};

/* The path that the file was written to, or NULL; borrowed. */
const char *hardlinks_find(const struct hardlinks *links, const struct stat *st);
void hardlinks_add(struct hardlinks *links, const struct stat *st, const char *path);
/* The same, and NULL for the first name, which is remembered as `path`. Files with one
 * name, and directories, are always NULL. */
const char *hardlinks_meet(
	struct hardlinks *links, const struct stat *st, const char *path);
void hardlinks_free(struct hardlinks *links);
