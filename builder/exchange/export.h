/*
 * Images of the store as others read them: an OCI image layout, in a directory or an
 * archive, or a docker-archive. Layers become tar files only here, one for all images that
 * have it; what came from elsewhere leaves as it came, with the digests that it had.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/archive/tar_write.h"
#include "builder/store/image.h"
#include "builder/store/session.h"

struct export_image {
	const struct image *image;
	const char *name; /* NAME:TAG, or NULL */
};

struct export_options {
	enum tar_compression compression; /* of the layers */
	int64_t epoch;                    /* later file times become this; -1: none */
};

/* Images with the same config are one, of several names. The directory is empty, and
 * nobody else's: a layout, or what `docker load` reads, to be archived. */
int export_layout(struct session *session, int directory_fd,
	const struct export_image *images, size_t count,
	const struct export_options *options, struct error *err) must_check;
int export_docker(struct session *session, int directory_fd,
	const struct export_image *images, size_t count,
	const struct export_options *options, struct error *err) must_check;
