/*
 * An image as the store has it: a record, written as a blob whose digest is the image's
 * ID. It holds the OCI image config and the keys of the unpacked layers. Tar files and
 * their digests come into being when somebody exports the image; until then the config's
 * diff_ids are empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "builder/digest.h"
#include "builder/store/store.h"
#include "spec/image_config.h"
#include "spec/image_descriptor.h"
#include "spec/image_manifest.h"

#define IMAGE_MEDIA_RECORD "application/vnd.mocker.image.v1+json"
#define IMAGE_LAYERS_MAX   500 /* overlayfs takes no more lower directories */

struct image_layer {
	char *key; /* of layers/KEY */
	uint64_t size;
	/* Of a layer that came from elsewhere, else NULL: the digest of its tar, and the
	 * blob of the store that is its archive as it came, so that it leaves as that. */
	char *diff_id;
	struct image_descriptor *blob;
};

struct image {
	bool on_host; /* made without FROM: stands on the file system of its host */
	struct image_config config;
	struct image_layer *layers; /* lowest first */
	size_t layers_count;
	/* Of an image that came from elsewhere and is as it came: its manifest, a blob of
	 * the store as its config is. NULL: an export makes one. */
	struct image_descriptor *manifest;
	/* Of the same: manifests of what was attested of it (SBOM, provenance), blobs as all
	 * that they name; and the index that held nothing but it and them, or NULL. */
	struct image_descriptor *attached;
	size_t attached_count;
	struct image_descriptor *index;
	/* Of a reproducible build: later times become this, also those of files. */
	bool has_epoch;
	int64_t epoch;
	/* What its export attests; see exchange/attest.h. */
	bool sbom;
	char *provenance;      /* the predicate, as JSON; NULL: none */
	char *provenance_type; /* of which form it is: an URI */
};

extern const struct json_type image_type;

#define auto_image __attribute__((cleanup(image_free))) struct image
void image_free(struct image *image);
int image_copy(struct image *to, const struct image *from, struct error *err) must_check;

/* The image of FROM scratch: no layers, this machine's platform. */
void image_init(struct image *image);

void image_add_layer(struct image *image, const char *key, uint64_t size);
void image_add_history(struct image *image, const char *created, const char *created_by,
	bool empty_layer);

/* For what stands on an image and is another one: what is true of that one alone. */
void image_forget_origin(struct image *image);

/* From now on: the image's times that are later become the epoch. */
void image_set_epoch(struct image *image, int64_t epoch);

uint64_t image_size(const struct image *image); /* sum of its layers, in bytes */

int image_save(const struct store *store, const struct image *image, struct digest *ret,
	uint64_t *ret_size, struct error *err) must_check;
/* errnum EBADMSG, ENOENT: the record is damaged, is gone. */
int image_load(const struct store *store, const struct digest *id, struct image *ret,
	struct error *err) must_check;
/* Of image_load()'s error, for whoever lists all that index.json has: true where it is one
 * of these two. Then a warning has been given. */
bool image_is_damaged(const struct image_descriptor *entry, const struct error *err);

/* image->manifest, which is not NULL. errnum ENOENT: its blob is gone. */
int image_read_manifest(const struct store *store, const struct image *image,
	struct image_manifest *ret, struct error *err) must_check;
/* The same of any manifest of the store, such as one of image->attached. */
int image_read_manifest_of(const struct store *store,
	const struct image_descriptor *descriptor, struct image_manifest *ret,
	struct error *err) must_check;
