/*
 * What is attested of an image, in the form in which BuildKit attaches it: the image's
 * manifest and a manifest of statements stand in one index. Which statements, the image's
 * record says (sbom, provenance).
 * Source: BuildKit's docs/attestations; in-toto Statement v0.1; SLSA provenance v0.2.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/store/image.h"
#include "builder/store/session.h"
#include "spec/image_descriptor.h"

/* *entry: the image's manifest in the layout; becomes the index, if there is something to
 * attest. name: NAME:TAG, or NULL. */
int attest_image(struct session *session, int directory_fd, const struct image *image,
	const char *name, struct image_descriptor *entry, struct error *err) must_check;

struct attest_build {
	const char *file;            /* the Mockerfile's name */
	const char *repository;      /* that it is from; "": a local file */
	const char *source;          /* digest of the commit, or of the file's text */
	const char *target;          /* or NULL */
	const struct pairs *images;  /* NAME → "sha256:HEX", or "" */
	const struct pairs *fetched; /* URL → "sha256:HEX" or "sha1:HEX" */
	const char *started;         /* RFC 3339; NULL: no times, for they differ */
	const char *finished;
};

/* The predicate of how an image was built; owned by the caller. */
char *attest_provenance(const struct attest_build *build);
