/* Steps that only change the image's config. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/build/stage.h"
#include "builder/language/step.h"

/* A step without effect on files. */
int settings_apply(
	struct stage_state *state, const struct step *step, struct error *err) must_check;
/* The shell that stands before a command in shell form. Appends. */
void settings_shell(const struct stage_state *state, struct strings *ret);
/* Time as images write it: now, or the request's epoch. Owned by the caller. */
char *settings_time(const struct build_request *request);
