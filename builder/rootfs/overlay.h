/*
 * The root of a container as overlayfs: the layers of an image, lowest last, under a
 * directory that takes the changes. Either mounted here (by a worker, in its own mount
 * namespace) or written into config.json as mounts at "/", so that the runtime does it and
 * nothing is ever mounted on the host.
 *
 * An image that was made without FROM stands on the host's file system. Then two overlays
 * are stacked: the first, read-only, shows the host's root through a layer that hides
 * what no image may see (see host.h); the second has that (".", the root as it stands) as
 * its lowest layer. overlayfs refuses one stack of both: "/" contains the other layers.
 *
 * Where a user cannot mount it (see overlay_probe.h), the layers are copied on each other.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/rootfs/tree.h"
#include "builder/store/image.h"
#include "builder/store/store.h"
#include "spec/config.h"

struct overlay {
	struct strings lowers; /* absolute, uppermost first */
	char *upper;           /* NULL: read-only */
	char *work;
	char *hide; /* of the host's root: upper directory; NULL: does not stand on it */
	char *hide_work;
	bool copies; /* of the layers, because the kernel mounts no overlay here */
};

#define auto_overlay __attribute__((cleanup(overlay_free))) struct overlay
void overlay_free(struct overlay *overlay);

/* The image's layers. `place`: an existing directory of the caller, in which an image on
 * the host gets its hiding layer. */
int overlay_of_image(const struct store *store, const struct image *image,
	const char *place, struct overlay *ret, struct error *err) must_check;
void overlay_set_upper(struct overlay *overlay, const char *upper, const char *work);

/* Appends the mounts at "/". */
void overlay_add_mounts(const struct overlay *overlay, struct oci_config *config);

/* Mounts it at an existing directory of ours. The caller has made its mount namespace
 * private. A place that gets copies is empty, or has them already. */
int overlay_mount(
	const struct overlay *overlay, const char *target, struct error *err) must_check;

/* Around changes of what was mounted there: those of copies are found and written to the
 * upper directory, where the kernel has those of an overlay anyhow. */
int overlay_watch(const struct overlay *overlay, const char *target,
	struct tree_listing **ret, struct error *err) must_check;
int overlay_keep(const struct overlay *overlay, const char *target,
	const struct tree_listing *before, struct error *err) must_check;
