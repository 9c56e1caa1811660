/* The stages of a build as processes, several at a time. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/build.h"

/* The stages that the target needs, each once those are done that it needs itself. */
int schedule_run(struct build *build, struct error *err) must_check;
