/*
 * Attestations that came with an image (SBOM, provenance): manifests that stand beside it in
 * an index and say which manifest they are of. They are kept, and leave with the image; a
 * docker-archive has no place for them.
 * Source: BuildKit, docs/attestations/attestation-storage.md.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/store/image.h"
#include "builder/store/session.h"
#include "spec/image_index.h"

#define ATTACHED_MAX       16          /* for one image */
#define ATTACHED_BYTES_MAX (64u << 20) /* of one statement */

/* Whether the entry of an index is attested of the manifest with this digest. */
bool attached_to(const struct image_descriptor *entry, const char *digest);

/* The descriptor of the image's manifest becomes one of an index with what is attached;
 * without anything, it stays. */
int attached_export(struct session *session, int directory_fd, const struct image *image,
	struct image_descriptor *entry, struct error *err) must_check;
