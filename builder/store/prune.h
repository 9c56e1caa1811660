/*
 * What of the store is used, and removing the rest. Used are: the layers of every image
 * in index.json, and the layers of bundles with a lease. The rest of layers/ is the cache
 * of steps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/store/store.h"

struct usage {
	uint64_t images;
	uint64_t image_bytes; /* layers that images use, each once */
	uint64_t layers;      /* all */
	uint64_t layer_bytes;
	uint64_t cache_layers; /* that no image and no bundle uses */
	uint64_t cache_bytes;
	uint64_t leases; /* bundles with an overlay root */
	uint64_t blob_bytes;
	uint64_t cache_mounts; /* of RUN --mount=type=cache; set by the caller, as are */
	uint64_t cache_mount_bytes; /* their bytes */
};

int store_usage(
	const struct store *store, struct usage *ret, struct error *err) must_check;

struct prune_options {
	bool all_images; /* also those with a name; unless a bundle uses them */
	bool keep_unnamed;
	bool caches; /* of RUN --mount=type=cache, too */
	bool dry_run;
	int64_t keep_bytes;   /* of cache; the least recently used goes first */
	int64_t keep_seconds; /* and what was used within the last of these */
	void (*removed)(
		void *argument, const char *what, const char *name, uint64_t size);
	void *argument;
};

struct pruned {
	uint64_t images;
	uint64_t layers;
	uint64_t blobs; /* records of images that lost their names, and the like */
	uint64_t caches;
	uint64_t sessions;
	uint64_t bytes;
};

/* The store is locked exclusively. */
int store_prune(const struct store *store, const struct prune_options *options,
	struct pruned *ret, struct error *err) must_check;
