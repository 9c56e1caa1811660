/*
 * What is to be built in which order: stages, their dependencies, the target. Stages that
 * the target does not need are left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/language/mockerfile.h"

enum stage_base {
	STAGE_BASE_SCRATCH,
	STAGE_BASE_HOST, /* a file without FROM */
	STAGE_BASE_STAGE,
	STAGE_BASE_IMAGE, /* of the store, a registry, oci:DIR and so on */
};

struct stage {
	size_t index;
	char *name;                     /* in lower case; NULL without AS */
	const struct instruction *from; /* NULL: the host's stage */
	enum stage_base base;
	size_t base_stage; /* with STAGE_BASE_STAGE */
	char *base_name;   /* as expanded */
	char *platform;    /* as expanded, or NULL */
	const struct instruction *
		*instructions; /* borrowed from the file, or of triggers */
	size_t instruction_count;
	size_t *needs; /* stages that come first: FROM, --from, --mount from */
	size_t need_count;
	bool wanted;
	struct mockerfile *triggers; /* ONBUILD instructions of the base, or NULL */
};

struct plan_options {
	const char *target;   /* stage name or index; NULL: the last */
	const char *platform; /* "linux/arm64"; NULL: ours */
	const struct pairs *build_args;
	const struct pairs *contexts; /* whose names come before stages'; or NULL */
	bool allow_empty;             /* a FROM whose variables leave nothing: for lint */
};

struct plan {
	const struct mockerfile *file; /* borrowed */
	struct stage *stages;
	size_t stage_count;
	size_t target;
	size_t *order; /* wanted stages, each after what it needs */
	size_t order_count;
	struct pairs global; /* platform arguments, ARGs before the first FROM */
	const struct pairs *build_args;
	const struct pairs *contexts;
	bool allow_empty;
	struct strings unused_args; /* --build-arg that nothing declares: a warning */
};

/* The file and what the options borrow must outlive the plan. */
int plan_make(const struct mockerfile *file, const struct plan_options *options,
	struct plan *ret, struct error *err) must_check;
void plan_free(struct plan *plan);

#define auto_plan __attribute__((cleanup(plan_free))) struct plan

/* The stage that COPY --from or a mount's from means: a name or an index below `before`.
 * Otherwise false: it is an image, or one of plan_options' contexts. */
bool plan_find_stage(
	const struct plan *plan, const char *name, size_t before, size_t *ret_index);

/* The base image's OnBuild instructions: they run first in the stage. */
int plan_add_triggers(struct plan *plan, struct stage *stage,
	const struct strings *triggers, struct error *err) must_check;
