/*
 * RUN --mount=type=secret and type=ssh. Nothing of a secret reaches a disk: the step's
 * worker makes a tmpfs that only it and what it starts see.
 *
 *	DRAFT/secrets/N             a secret, or the socket that stands for an agent's
 *	DRAFT/secrets/config.json   where a variable holds a secret: over DRAFT/config.json
 *	DRAFT/secrets/runtime       and the runtime's own state, which has a copy of it
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/build.h"
#include "builder/language/step.h"
#include "spec/config.h"

struct run_secret {
	const struct build_secret *secret; /* borrowed */
	const char *env;                   /* the variable that holds it; NULL: none */
	bool is_agent;
	bool is_file; /* mounted */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
};

struct run_secrets {
	struct run_secret *items;
	size_t count;
	size_t agent_count;
	bool in_environment; /* one of them at least */
	pid_t *relays;       /* in the worker */
	size_t relay_count;
};

void run_secrets_free(struct run_secrets *secrets);

int run_secrets_add(struct run_secrets *secrets, const struct build_request *request,
	const struct run_mount *mount, struct oci_config *config,
	struct error *err) must_check;
int run_secrets_add_agent(struct run_secrets *secrets,
	const struct build_request *request, const struct run_mount *mount,
	struct oci_config *config, struct error *err) must_check;

/* In the worker, in a mount namespace of its own. `record`: the container's directory in
 * the store's runtime/, where its state goes if the container itself has another. */
int run_secrets_write(struct run_secrets *secrets, const char *draft, const char *record,
	struct error *err) must_check;
/* In the worker, once the step has ended. */
void run_secrets_end(struct run_secrets *secrets);

/* The runtime's --root where the secrets want another than the store's; or NULL. Owned by
 * the caller. */
char *run_secrets_runtime_root(const struct run_secrets *secrets, const char *draft);
