/* Before the first step: whether anything is wrong that can be told now. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/build.h"

int rehearsal_run(struct build *build, struct error *err) must_check;
