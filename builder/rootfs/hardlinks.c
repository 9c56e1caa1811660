/* A search tree by device and inode. */
#include "builder/rootfs/hardlinks.h"

#include <search.h>
#include <stdlib.h>

#include "base/str.h"

struct hardlink {
	dev_t device;
	ino_t inode;
	char *path;
};

static int compare(const void *left, const void *right)
{
	const struct hardlink *a = left, *b = right;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return a->device < b->device ? -1 : a->device > b->device;
}

const char *hardlinks_find(const struct hardlinks *links, const struct stat *st)
{
	struct hardlink key = { .device = st->st_dev, .inode = st->st_ino };
	struct hardlink **found = tfind(&key, &links->tree, compare);

	return found ? (*found)->path : NULL;
}

void hardlinks_add(struct hardlinks *links, const struct stat *st, const char *path)
{
	struct hardlink *link = str_alloc(sizeof(*link));

	*link = (struct hardlink){ st->st_dev, st->st_ino, str_dup(path) };
	if (!tsearch(link, &links->tree, compare))
		str_out_of_memory();
}

const char *hardlinks_meet(
	struct hardlinks *links, const struct stat *st, const char *path)
{
	const char *known;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	known = hardlinks_find(links, st);
	if (!known)
		hardlinks_add(links, st, path);
	return known;
}

static void free_link(void *pointer)
{
	struct hardlink *link = pointer;

	free(link->path);
	free(link);
}

void hardlinks_free(struct hardlinks *links)
{
	tdestroy(links->tree, free_link);
	links->tree = NULL;
}
