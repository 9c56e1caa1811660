/* Steps that change files: what makes their key, and doing them. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/inputs.h"
#include "builder/build/stage.h"
#include "builder/language/step.h"
#include "builder/store/layer.h"

bool effect_is_needed(const struct step *step);
/* COPY --link: its layer is of what it copies alone, and stands on any other. */
bool effect_is_linked(const struct step *step);
/* What a step with an effect reads, of which its key is the hash. */
int effect_inputs(struct stage_process *process, const struct step *step,
	struct inputs *inputs, struct error *err) must_check;
/* Does it on the upper directory of a draft. */
int effect_perform(struct stage_process *process, const struct step *step,
	const struct layer_draft *draft, struct error *err) must_check;
