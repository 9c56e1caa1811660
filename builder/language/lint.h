/*
 * What a Mockerfile may say but better should not. Rules that BuildKit has too carry its
 * names and its wording. "# check=skip=RULE,RULE;error=true" at the top of the file counts,
 * and "experimental=RULE" asks for a rule that is off otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/copy/ignore.h"
#include "builder/language/mockerfile.h"

struct lint_finding {
	const char *rule;
	char *message;
	struct span span;
};

struct lint_findings {
	struct lint_finding *items;
	size_t count;
	bool fatal; /* the file says error=true, and there are findings */
};

/* ignore may be NULL. The file must outlive the findings. Fails where the file has errors
 * that the parser alone does not see. */
int lint_check(const struct mockerfile *file, const struct ignore *ignore,
	struct lint_findings *ret, struct error *err) must_check;
void lint_findings_free(struct lint_findings *findings);

#define auto_lint_findings \
	__attribute__((cleanup(lint_findings_free))) struct lint_findings

/* Appends what a person reads: place, rule, message, the line with a caret. */
void lint_describe(struct str *str, const struct lint_finding *finding);
