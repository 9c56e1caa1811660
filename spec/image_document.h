/*
 * Which of the two a document is, before it is read as one of them: a manifest that is
 * also an index would mean one image here and another one there.
 * Source: OCI image-spec and CVE-2021-41190.
 */
#pragma once

#include <stdbool.h>

#include "spec/image_descriptor.h"

enum image_document { IMAGE_DOCUMENT_MANIFEST, IMAGE_DOCUMENT_INDEX };

/* media_type: what points at the document calls it, or NULL. An error if the document is
 * neither or both, says another type of itself, or is of Docker's first schema. */
int image_document_kind(const char *text, size_t length, const char *name,
	const char *media_type, enum image_document *ret, struct error *err) must_check;

/* By the media type alone. */
bool image_media_is_index(const char *media_type);
