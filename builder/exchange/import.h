/*
 * Images from elsewhere into the store: their layers are checked against their digests
 * and unpacked. Where they are:
 *
 *	oci:DIR[:TAG]  oci-archive:FILE[:TAG]   OCI image layouts
 *	docker-archive:FILE                     what `docker save` writes
 *	dir:DIR                                 what `skopeo copy` to dir: writes
 *	docker://[HOST/]NAME[:TAG][@DIGEST]     a registry
 *	rootfs:FILE                             a tar of a root file system, one layer
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

/* Whether the text begins with one of the words above. */
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

/* *ret_name: what the source calls the image (owned by the caller), or NULL. */
int import_image_as(struct session *session, const char *source,
	const struct import_options *options, struct image *ret, char **ret_name,
	struct error *err) must_check;
