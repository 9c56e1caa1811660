/*
 * Bind mounts of a RUN whose source is no directory of this host as it stands: a part of
 * an image, a context without what its ignore file hides, anything that may be written to.
 * The step's worker mounts them in its own mount namespace, before the runtime begins:
 *
 *	DRAFT/bind-N/root         the overlay
 *	DRAFT/bind-N/at           its source, resolved beneath it: what config.json names
 *	DRAFT/bind-N/hide         whiteouts of what is ignored
 *	DRAFT/bind-N/upper work   what is written, and ends with the step
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/stage.h"
#include "builder/language/step.h"
#include "builder/rootfs/overlay.h"
#include "builder/store/layer.h"

struct run_bind {
	struct overlay overlay;
	char *place;  /* DRAFT/bind-N */
	char *source; /* beneath the overlay */
	char *what;   /* for errors */
};

struct run_binds {
	struct run_bind *items;
	size_t count;
};

void run_binds_free(struct run_binds *binds);

/* Adds the mount to config.json and, where it needs the worker, to the binds. */
int run_binds_add(struct run_binds *binds, struct stage_process *process,
	const struct run_mount *mount, const struct layer_draft *draft,
	struct oci_config *config, struct error *err) must_check;

/* In the worker, in a mount namespace of its own. */
int run_binds_mount(const struct run_binds *binds, struct error *err) must_check;

/* What --mount=type=cache,from= begins with: into the empty directory to_fd. Runs a
 * worker. */
int run_binds_copy(struct stage_process *process, const struct run_mount *mount,
	const char *place, int to_fd, struct error *err) must_check;
