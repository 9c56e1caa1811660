/*
 * Layers: what a step changed, as the upper directory that overlayfs left, kept under the
 * step's key. A draft is such a directory while the step works on it; committing renames
 * it into layers/ as a whole.
 *
 *	DRAFT/layer/fs           the upper directory
 *	DRAFT/layer/layer.json
 *	DRAFT/work  DRAFT/rootfs overlayfs's work directory; a place to mount at
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "builder/store/session.h"
#include "builder/store/store.h"

struct layer_info {
	char *created;    /* RFC 3339 */
	char *created_by; /* the instruction */
	char *parent;     /* key of the layer below; NULL: none */
	char *diff_id;    /* of one that came from elsewhere: its tar's digest */
	uint64_t size;    /* bytes of its regular files */
};

void layer_info_free(struct layer_info *info);

#define auto_layer_info __attribute__((cleanup(layer_info_free))) struct layer_info

struct layer_draft {
	char *path; /* of the piece of the session */
	char *fs;
	char *work;
	char *rootfs;
	int fd;
};

#define LAYER_DRAFT_NONE \
	{                \
		.fd = -1 \
	}

/* errnum ENOENT: there is none. layer_find() also marks the layer as used now. */
int layer_read(const struct store *store, const char *key, struct layer_info *ret,
	struct error *err) must_check;
int layer_find(const struct store *store, const char *key, struct layer_info *ret,
	struct error *err) must_check;

/* The directory that overlayfs takes as a lower one; owned by the caller. */
char *layer_path(const struct store *store, const char *key);

/* `below`: the layer under it (its root's mode and owner are taken over), or NULL. */
int layer_begin(struct session *session, const char *below, struct layer_draft *ret,
	struct error *err) must_check;
/* Measures info->size where it is 0. A layer that another build committed meanwhile is kept
 * instead. */
int layer_commit(struct session *session, struct layer_draft *draft, const char *key,
	struct layer_info *info, struct error *err) must_check;
/* Throws it away; harmless after a commit. */
void layer_abandon(struct session *session, struct layer_draft *draft);

/* Removes layers/KEY: moved into temp/ first, so that no half layer is ever there. */
int layer_remove(
	const struct store *store, const char *key, struct error *err) must_check;

/* Bytes of regular files below the directory, hard links counted once. */
int layer_measure(
	int dir_fd, const char *name, uint64_t *ret, struct error *err) must_check;
