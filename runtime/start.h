/* Telling a created container's init to go on, from another process than its creator. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/container.h"

/* Returns once the user's program has been executed and the poststart hooks have run, or
 * with the error that kept it from that. After the failure of a hook of either kind the
 * container is gone (runtime.md, Lifecycle: steps 7, 9 and 12); after any other failure it
 * is there, stopped. The container is locked by the caller. */
int container_start(const struct container *container, const struct oci_config *config,
	struct error *err) must_check;

/* The poststart hooks of a container whose program runs; the caller undoes it if one of
 * them fails. */
int container_started(const struct container *container, const struct oci_config *config,
	struct error *err) must_check;
