/*
 * Saving the state of a container: its processes are stopped, written into images, and
 * then, unless told otherwise, ended; the container is taken away.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/container.h"
#include "runtime/criu/options.h"

struct checkpoint_request {
	const struct container *container; /* locked by the caller */
	const struct oci_config *config;
	const struct criu_options *options;
	const char *criu;
};

/* On failure the container is as it was, and of the images nothing is left but the log. */
int checkpoint_container(
	const struct checkpoint_request *request, struct error *err) must_check;
