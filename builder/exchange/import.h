/*
 * Images from elsewhere into the store: their layers are checked against their digests
 * and unpacked. Where they are:
 *
 *	oci:DIR[:NAME]  oci-archive:FILE[:NAME]   OCI image layouts
 *	docker-archive:FILE[:NAME]                what `docker save` writes
 *	dir:DIR                                   what `skopeo copy` to dir: writes
 *	docker://[HOST/]NAME[:TAG][@DIGEST]       a registry
 *	rootfs:FILE                               a tar of a root file system, one layer
 *	PATH[:NAME]                               of the first four, what its files tell
 *
 * NAME is one of the images in it. A FILE of /dev/stdin is standard input, pipe or not.
 *
 * A layer that was unpacked before is not unpacked again: its key is its digest on its
 * parent's key.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/registry/pull.h"
#include "builder/store/image.h"
#include "builder/store/session.h"

/* Whether the text begins with one of the words. */
bool import_is_source(const char *text);

struct import_options {
	int signal_fd;        /* of interrupt_begin(), or -1 */
	const char *platform; /* "linux/arm64"; NULL: this machine's */
	struct client_options client;
	/* What a download tells: through print, else to output; -1: nobody. */
	void (*print)(void *argument, const char *data, size_t length);
	void *print_argument;
	int output;
	bool live; /* output is a terminal */
};

struct imported {
	struct image image;
	struct strings names; /* what its source calls it */
};

struct imports {
	struct imported *items;
	size_t count;
};

void imports_free(struct imports *imports);

#define auto_imports __attribute__((cleanup(imports_free))) struct imports

/* Every image of the source, once; with :NAME, that one. ret is empty before. */
int import_images(struct session *session, const char *source,
	const struct import_options *options, struct imports *ret,
	struct error *err) must_check;

/* The image of a source that has one, or says which. */
int import_image(struct session *session, const char *source,
	const struct import_options *options, struct image *ret,
	struct error *err) must_check;
