/* RUN --device. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/build/inputs.h"
#include "builder/build/stage.h"
#include "builder/language/step.h"

/* The step's devices: those that it gets, after asking whether the caller allows them. What it
 * asks for and nobody has is an error if it is required, and else among the missing. */
int run_devices_find(struct stage_process *process, const struct step *step,
	struct strings *ret, struct strings *ret_missing, struct error *err) must_check;
int run_devices_inputs(struct stage_process *process, const struct step *step,
	struct inputs *inputs, struct error *err) must_check;
