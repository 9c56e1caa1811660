/* An overlay of more layers than fit into the one page that mount(2) takes. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* options as mount(8) has them: "ro", "lowerdir=A:B", "upperdir=...", "workdir=...".
 * Needs "lowerdir+" of overlayfs (Linux 6.7). */
int overlay_mount_long(
	const struct strings *options, const char *target, struct error *err) must_check;
