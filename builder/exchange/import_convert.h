/*
 * Other directory forms of an image become a layout, so that what comes in is checked and
 * kept in one way: what `docker save` writes, and what `skopeo copy` writes to dir:.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* From an unpacked docker-archive, whose files are linked, not copied. The manifests are of
 * our making, the configs as they came: images keep the IDs that Docker and podman know.
 * An image has an entry for each of its tags. */
int convert_docker(int from_fd, int to_fd, struct error *err) must_check;

/* manifest.json beside files named by the digits of their digests. */
int convert_directory(int from_fd, int to_fd, struct error *err) must_check;
