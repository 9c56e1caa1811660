/*
 * An image of the store as others read it: an OCI image layout, in a directory or an
 * archive, or a docker-archive. Layers become tar files only here; what came from
 * elsewhere leaves as it came, with the digests that it had.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/store/image.h"
#include "builder/store/session.h"
#include "builder/store/store.h"
#include "builder/tar_write.h"

struct export_image {
	const struct image *image;
	const char *name; /* NAME:TAG, or NULL */
};

struct export_options {
	enum tar_compression compression; /* of the layers */
	int64_t epoch;                    /* later file times become this; -1: none */
};

/* Adds the image to the layout in a directory, which may be empty. *ret: the manifest or
 * index that has the name; ret may be NULL. */
int export_layout(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct digest *ret, struct error *err) must_check;

/* Writes what `docker load` reads into an empty directory, to be archived. */
int export_docker(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct error *err) must_check;
