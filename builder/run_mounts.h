/*
 * RUN --mount: tmpfs, cache, bind (of the context, a stage, an image), secret.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build.h"
#include "builder/overlay.h"
#include "spec/config.h"

/* What a step's mounts need while it runs. */
struct run_secret {
	const struct build_secret *secret; /* borrowed */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
};

struct run_mounts {
	int *locks; /* of caches */
	size_t lock_count;
	struct run_secret
		*secrets; /* DRAFT/secrets/N, made by run_mounts_write_secrets() */
	size_t secret_count;
};

void run_mounts_free(struct run_mounts *mounts);

#define auto_run_mounts __attribute__((cleanup(run_mounts_free))) struct run_mounts

int run_mounts_add(struct run_mounts *mounts, struct build *build,
	struct stage_state *state, const struct step *step,
	const struct layer_draft *draft, struct oci_config *config,
	struct error *err) must_check;

/* In the step's worker: DRAFT/secrets becomes a tmpfs of its own mount namespace, and the
 * secrets are written there. Nothing is done where there are none. */
int run_mounts_write_secrets(
	const struct run_mounts *mounts, const char *draft, struct error *err) must_check;
