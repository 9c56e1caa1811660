/* A bundle in a directory: rootfs (or its overlay), config.json and the files it needs. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/bundle/request.h"
#include "builder/store/image.h"
#include "builder/store/store.h"

enum bundle_root {
	BUNDLE_ROOT_COPY,
	BUNDLE_ROOT_OVERLAY, /* that config.json mounts, at "/" */
	BUNDLE_ROOT_MOUNTED, /* an overlay at rootfs/, here and now: for any runtime */
};

struct bundle_place {
	const struct store *store;
	const char *directory; /* does not exist, or is empty */
	enum bundle_root root;
	int signal_fd;
};

/* On failure nothing of it is left. */
int bundle_make(const struct bundle_place *place, const struct image *image,
	const struct bundle_request *request, struct error *err) must_check;

/* Removes the directory and what bundle_make() put or mounted there, and gives the layers
 * back.
 * Fails with a directory that is no bundle or holds anything else. */
int bundle_remove(
	const struct store *store, const char *directory, struct error *err) must_check;
