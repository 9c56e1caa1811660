/*
 * "# check=skip=RULE,RULE;error=true;experimental=RULE" at the top of a file: which rules
 * of lint count, and whether what they find is an error.
 * Source: BuildKit, reference.md, check.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/language/diagnostics.h"

struct check {
	struct strings skip; /* names of rules, or "all" */
	struct strings experimental;
	bool fatal;
};

/* The zeroed struct at ret; span: of the directive, for errors. */
int check_parse(const char *text, struct span span, struct check *ret,
	struct error *err) must_check;
void check_free(struct check *check);

/* Without regard to case. */
bool check_lists(const struct strings *rules, const char *rule);
