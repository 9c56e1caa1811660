/*
 * Names of images: index.json of the layout, where each entry points at an image record
 * and its annotation org.opencontainers.image.ref.name is NAME:TAG. An image that was
 * built without a name has an entry without that annotation.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/digest.h"
#include "builder/store/store.h"
#include "spec/image_index.h"

/* The one form of what an image can be called, as people know it: NAME → NAME:latest,
 * docker.io/library/NAME:TAG → NAME:TAG. Refuses digests and what could be an ID. */
int ref_normalize(const char *text, char **ret, struct error *err) must_check;
/* The same for an image that was pulled by text, and alone can be called by a digest:
 * NAME:TAG@sha256:HEX → NAME@sha256:HEX. */
int ref_normalize_pulled(const char *text, char **ret, struct error *err) must_check;

/* What index.json holds now, names in their one form; absent: nothing. */
int refs_read(
	const struct store *store, struct image_index *ret, struct error *err) must_check;

/* NAME[:TAG]; NAME@sha256:HEX, the image whose content that is, whatever its names; or the
 * first digits (at least 4) of an ID, with or without "sha256:", which 12 of them are before
 * any name. errnum ENOENT where there is none. */
int refs_find(const struct store *store, const char *text, struct digest *ret,
	struct error *err) must_check;
/* The same; ret_name: by which name it was found, owned by the caller, or NULL. */
int refs_find_named(const struct store *store, const char *text, struct digest *ret,
	char **ret_name, struct error *err) must_check;

/* One change of index.json under its lock. `ref`, as the functions above give it; NULL: an
 * entry without name. NAME@sha256:HEX is taken for verified. */
int refs_set(const struct store *store, const char *ref, const struct digest *id,
	uint64_t size, struct error *err) must_check;
/* The same for all names of a list at once; an empty one is an entry without name. */
int refs_set_names(const struct store *store, const struct strings *names,
	const struct digest *id, uint64_t size, struct error *err) must_check;
/* Removes a name; true in *ret_last if the image has no other entry left. */
int refs_remove_name(const struct store *store, const char *ref, struct digest *ret_id,
	bool *ret_last, struct error *err) must_check;
/* Removes every entry of an image. */
int refs_remove_image(
	const struct store *store, const struct digest *id, struct error *err) must_check;

/* The name of an entry, or NULL; borrowed. */
const char *ref_name(const struct image_descriptor *entry);
