/*
 * RUN --mount: tmpfs, cache (of the store: store/caches.h), bind (run_binds.h), secret and
 * ssh (run_secrets.h).
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/run_binds.h"
#include "builder/build/run_secrets.h"
#include "builder/build/stage.h"
#include "builder/language/step.h"
#include "builder/store/layer.h"
#include "spec/config.h"

/* One that several mounts of the step name is opened and locked for the first of them. */
struct run_cache {
	const struct run_mount *mount; /* borrowed */
	char *path;                    /* of what is mounted */
	int fd;                        /* locked; -1: another's of the same name is */
};

/* What a step's mounts need while it runs. */
struct run_mounts {
	struct run_cache *caches; /* in the order in which they are locked */
	size_t cache_count;
	struct run_binds binds;
	struct run_secrets secrets;
};

void run_mounts_free(struct run_mounts *mounts);

#define auto_run_mounts __attribute__((cleanup(run_mounts_free))) struct run_mounts

int run_mounts_add(struct run_mounts *mounts, struct stage_process *process,
	const struct step *step, const struct layer_draft *draft,
	struct oci_config *config, struct error *err) must_check;

/* In the step's worker, which gets a mount namespace of its own where one of the mounts
 * needs it: the binds are mounted, the secrets written, the relays of agents begun.
 * `record` as in run_secrets.h. */
int run_mounts_prepare(struct run_mounts *mounts, const char *draft, const char *record,
	struct error *err) must_check;
