/* Telling a created container's init to go on, from another process than its creator. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/container.h"

/* Returns once the user's program has been executed, or with the error that it was not.
 * The container is locked by the caller. */
int container_start(const struct container *container, struct error *err) must_check;

/* The poststart hooks; their failures are warnings. */
void container_started(
	const struct container *container, const struct oci_config *config);
