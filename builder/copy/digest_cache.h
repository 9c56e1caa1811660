/*
 * Digests of files that were read before, by what stat(2) says of them. An entry is
 * trusted while device, inode, size, mtime and ctime are the same; ctime changes with
 * every write, whatever else is set back. A file that was changed within the last moments
 * before it was read is not remembered: a later write in the same tick of the clock would
 * not show.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "builder/copy/copy.h"

struct digest_cache_entry {
	uint64_t device;
	uint64_t inode;
	int64_t size;
	int64_t mtime; /* nanoseconds */
	int64_t ctime;
	uint8_t digest[32];
};

/* cache may be NULL. */
bool digest_cache_find(
	struct copy_digest_cache *cache, const struct stat *st, uint8_t ret_digest[32]);
void digest_cache_add(
	struct copy_digest_cache *cache, const struct stat *st, const uint8_t digest[32]);
