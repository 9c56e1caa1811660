/* RUN. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/inputs.h"
#include "builder/build/stage.h"
#include "builder/language/step.h"
#include "builder/store/layer.h"

/* Whether the caller allows what it asks for; its inputs but for the files of mounts;
 * doing it. */
int run_check(const struct stage_process *process, const struct step *step,
	struct error *err) must_check;
void run_inputs(
	struct stage_process *process, const struct step *step, struct inputs *inputs);
int run_perform(struct stage_process *process, const struct step *step,
	const struct layer_draft *draft, struct error *err) must_check;
