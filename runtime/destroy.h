/* Taking a container away: what `delete` does, what a failed create undoes, what `run`
 * does at its end. The same for a whole container and for any part of one. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/container.h"

/* Kills what lives in it, removes cgroup and resctrl class, runs the poststop hooks (NULL:
 * none are due), removes the state directory. The container is locked by the caller. */
int container_destroy(const struct container *container, const struct oci_hooks *hooks,
	struct error *err) must_check;

/* SIGKILL to init, and to all of the cgroup; waits until init is gone. */
int container_kill_all(const struct container *container, struct error *err) must_check;
