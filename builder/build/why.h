/*
 * Why a step is not cached: what its inputs were in the last build of the same stage of the
 * same file, kept as one memo of the stage (see cache.h), against what they are now.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/build/inputs.h"
#include "builder/store/store.h"

struct why {
	char *key;         /* of the memo */
	struct str before; /* as it was */
	struct str now;    /* grows with each step */
	size_t steps;
};

void why_free(struct why *why);

/* place: the path of the Mockerfile; stage: its name or number. */
int why_begin(struct why *why, const struct store *store, const char *place,
	const char *stage, struct error *err) must_check;
/* The next step: its title (one line) and what it reads. */
void why_add(struct why *why, const char *title, const struct inputs *inputs);
/* Of the step added last: the reasons, in plain words. Appends. */
void why_explain(const struct why *why, struct strings *ret);
/* For the next build. */
int why_keep(
	const struct why *why, const struct store *store, struct error *err) must_check;
