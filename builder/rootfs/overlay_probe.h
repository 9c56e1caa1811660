/* Whether overlayfs can be had in a user namespace. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/store/store.h"

/* Mounts one in the store, in a worker, and tries its marks: kernels before 5.11 refuse it
 * to users, and on some file systems, an overlay among them, layers cannot be stacked. */
int overlay_probe(
	const struct store *store, bool *ret_refused, struct error *err) must_check;
