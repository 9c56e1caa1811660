/*
 * What is attested of an image, in the form in which BuildKit attaches it: the image's
 * manifest and a manifest of statements stand in one index. Which statements, the image's
 * record says (sbom, provenance).
 * Source: BuildKit's docs/attestations; in-toto Statement v0.1; SLSA provenance v0.2, v1.
 */
#pragma once

#include <stdbool.h>

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

enum attest_version { ATTEST_V02, ATTEST_V1 };

/* The predicate of how an image was built; owned by the caller. */
char *attest_provenance(const struct attest_build *build, enum attest_version version);
const char *attest_predicate_type(enum attest_version version);

/* pkg:docker/NAME@TAG?platform=linux%2Famd64; owned by the caller. */
char *attest_package_url(const char *name, const char *os, const char *architecture);

/* What is asked for. */
struct attest_options {
	bool sbom;
	bool provenance;
	enum attest_version version;
};

/* type=sbom|provenance[,KEY=VALUE...], as --attest has it. */
int attest_parse(
	const char *text, struct attest_options *options, struct error *err) must_check;
/* "true", "false" or KEY=VALUE,..., as --provenance has it. */
int attest_parse_provenance(
	const char *text, struct attest_options *options, struct error *err) must_check;
