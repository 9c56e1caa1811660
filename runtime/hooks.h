/*
 * Hooks: running those of one kind, in order, each with the container's state on its
 * standard input and only the environment that it lists. Who lists none has the caller's,
 * as with other runtimes; in the container, where its program may be the image's, that of
 * the process.
 * Source: OCI runtime-spec 1.3.0, runtime.md: Lifecycle; config.md: POSIX-platform Hooks.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "spec/hooks.h"
#include "spec/state.h"

struct hooks_call {
	const struct oci_hooks *hooks;
	const struct oci_state *state; /* pid and status as they are at this moment */
	int cwd_fd;                    /* where they run; -1: where we are */
	const struct strings *env;     /* of hooks that list none; NULL: ours */
	int until_fd; /* > 0: once it is readable, they end (ECANCELED) */
};

/* Those outside run in the bundle, createContainer in what is to be the root. -1 where the
 * bundle is gone, as it may be at poststop. Owned by the caller. */
int hooks_open_bundle(const struct oci_state *state);

/* Ends at the first that fails; the error shows its path, what became of it, and the end
 * of what it wrote. */
int hooks_run(
	const struct hooks_call *call, enum hook_kind kind, struct error *err) must_check;

/* Whether this is the failure of a hook, as hooks_run() told it. */
bool hooks_failed(const struct error *err);

/* poststop: a failure is a warning, and the others still run. */
void hooks_run_all(const struct hooks_call *call, enum hook_kind kind);
