/*
 * The directories of RUN --mount=type=cache, which outlive their builds:
 *
 *	caches/HEX/        flock()ed by who uses it, as its sharing says
 *	caches/HEX/id      the ID that the Mockerfile gave it
 *	caches/HEX/data    what it holds; not there before its first use
 *
 * HEX is of the ID, of the namespace that the build gave, and of what it began with.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/store/store.h"

struct cache_name {
	const char *id;
	const char *namespace; /* NULL or "": none */
	const char *base;      /* names what it begins with; NULL: nothing */
};

/* Makes the directory if it is not there, and opens it. *ret_path: its `data`, owned by
 * the caller. */
int cache_open(const struct store *store, const struct cache_name *name, char **ret_path,
	int *ret_fd, struct error *err) must_check;

/* flock(); *ret_gone: the directory was removed meanwhile, and is to be opened anew. */
int cache_lock(int fd, int operation, const char *id, bool *ret_gone,
	struct error *err) must_check;

struct cache_info {
	char *key; /* HEX */
	char *id;
	uint64_t size;
	time_t used;
};

struct cache_list {
	struct cache_info *items; /* sorted by ID */
	size_t count;
};

#define auto_cache_list __attribute__((cleanup(cache_list_free))) struct cache_list
void cache_list_free(struct cache_list *list);
int cache_list(
	const struct store *store, struct cache_list *ret, struct error *err) must_check;

/* The one that is called so: by ID, or by the begin of its key. errnum ENOENT. */
int cache_find(const struct cache_list *list, const char *text,
	const struct cache_info **ret, struct error *err) must_check;

/* errnum EWOULDBLOCK while a build uses it. */
int cache_remove(const struct store *store, const struct cache_info *info,
	struct error *err) must_check;
