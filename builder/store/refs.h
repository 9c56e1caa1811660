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

/* NAME → NAME:latest; NAME:TAG@sha256:HEX → NAME@sha256:HEX; refuses what no image can
 * be called. */
int ref_normalize(const char *text, char **ret, struct error *err) must_check;

/* What index.json holds now; absent: nothing. */
int refs_read(
	const struct store *store, struct image_index *ret, struct error *err) must_check;

/* NAME[:TAG], or the first digits (at least 4) of an ID, with or without "sha256:".
 * errnum ENOENT where there is none. */
int refs_find(const struct store *store, const char *text, struct digest *ret,
	struct error *err) must_check;

/* One change of index.json under its lock. `ref` NULL: an entry without name. */
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
