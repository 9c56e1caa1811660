/*
 * An OCI image layout in a directory: its blobs, read with every check and written, and
 * its index.json. Source: OCI image-spec, image-layout.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "builder/digest.h"
#include "spec/image_document.h"
#include "spec/image_index.h"

#define LAYOUT_BLOBS        "blobs/sha256"
#define LAYOUT_DOCUMENT_MAX (16u << 20)

/* Makes blobs/sha256/ and oci-layout. */
int layout_make(int directory_fd, struct error *err) must_check;

/* "blobs/sha256/HEX"; owned by the caller. */
char *layout_blob_name(const struct digest *digest);
int layout_digest(const struct image_descriptor *descriptor, struct digest *ret,
	struct error *err) must_check;

/* A regular file beneath it, no link out of it. */
int layout_open(
	int directory_fd, const char *name, int *ret_fd, struct error *err) must_check;

/* What imageLayoutVersion says is one that we know. */
int layout_check(int directory_fd, struct error *err) must_check;
/* A file beside the blobs, such as index.json; owned by the caller, who knows its
 * `limit`. errnum ENOENT. */
int layout_read_file(int directory_fd, const char *name, size_t limit, char **ret,
	size_t *ret_length, struct error *err) must_check;

/* A document, checked against its descriptor's size and digest. */
int layout_read_text(int directory_fd, const struct image_descriptor *descriptor,
	char **ret, size_t *ret_length, struct error *err) must_check;
/* The same as a struct; a manifest or an index must be what the descriptor calls it. */
int layout_read(int directory_fd, const struct image_descriptor *descriptor,
	const struct json_type *type, void *object, struct error *err) must_check;

int layout_put(int directory_fd, const char *text, size_t length, struct digest *ret,
	struct error *err) must_check;

/* A descriptor's own strings. */
void layout_describe(struct image_descriptor *ret, const char *media_type,
	const struct digest *digest, uint64_t size);

/* Appends to index.json, whose entry of the same name is replaced. */
int layout_add(int directory_fd, const struct image_descriptor *entry,
	struct error *err) must_check;
/* The same for each entry of another's. */
int layout_merge_index(int from_fd, int to_fd, struct error *err) must_check;
