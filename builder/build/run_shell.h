/* --shell-on-failure. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/stage.h"
#include "builder/build/worker.h"
#include "builder/store/layer.h"

/* On request, after a RUN has failed: a shell in its container on the terminal. Waits until
 * the terminal is there and then for the shell's end; `container` runs the bundle. */
int run_shell(struct stage_process *process, const struct layer_draft *draft,
	const struct worker *container, struct error *err) must_check;
