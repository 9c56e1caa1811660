/*
 * The root file system of a bundle: a copy of the image's files in BUNDLE/rootfs, or an
 * overlay that config.json mounts. Either way a worker looks at the image's merged files
 * once: to copy them, to look up the user, to fill the image's volumes.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/userns.h"
#include "builder/bundle/user.h"
#include "builder/rootfs/overlay.h"
#include "builder/store/image.h"

struct rootfs_work {
	const struct overlay *overlay; /* read-only view of the image */
	const char *mount_at;          /* an empty directory of ours; may be unused */
	const struct image *image;
	const char *user_text;
	int bundle_fd;
	bool copy;    /* into BUNDLE/rootfs */
	bool volumes; /* BUNDLE/volumes/N, with what the image has there */
	const struct userns_maps *maps; /* of what is copied; NULL: owners stay */
	int signal_fd;
};

/* Does what is needed of it; where nothing needs the files, no worker is started. */
int rootfs_run(
	const struct rootfs_work *work, struct user *ret, struct error *err) must_check;

/* What is made for the container belongs to its root; maps may be NULL. */
int bundle_own(int fd, const struct userns_maps *maps, struct error *err) must_check;

/* "volumes/N" of the image's N-th volume; owned by the caller. */
char *bundle_volume_name(size_t index);
