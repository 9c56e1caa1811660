/* What a stage begins with. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/stage.h"

/* The image of its base. */
int stage_load_base(struct stage_process *process, struct error *err) must_check;
/* After that: variables and working directory are the base's. */
void stage_begin_scope(struct stage_process *process);
