/*
 * One stage: its state, the process that builds it, and the text by which that tells the
 * others of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/build/build.h"
#include "builder/build/why.h"
#include "builder/cdi/cdi.h"
#include "builder/digest.h"
#include "builder/language/plan.h"
#include "builder/language/scope.h"
#include "builder/progress/progress.h"
#include "builder/store/image.h"

/* What a stage has become so far. */
struct stage_state {
	const struct stage *stage;
	struct scope scope;
	struct image image;
	char layer[65];      /* names the stack of layers: what the next step stands on */
	struct digest chain; /* of every step so far, for those without a layer */
	bool has_cmd;        /* of this stage, not of the base */
	bool on_nothing;     /* the step at work is a COPY --link: no layer is below it */
	char *base_digest;   /* of the manifest that the base came as, or NULL */
	struct pairs images; /* as in the build's record */
	struct pairs fetched;
	bool built;
};

/* A stage's process: a fork of the builder's, whose copy of the build it only reads. What
 * others are to know of it leaves it as text: stage_build(). */
struct stage_process {
	const struct build *build;
	struct plan *plan;       /* the build's: triggers of the base are added to it */
	struct session *session; /* the build's, for pieces of it */
	struct strings *pulled;  /* the build's, and what comes to it here */
	struct stage_state *state;
	struct interrupt interrupt;
	struct progress progress;
	struct copy_digest_cache *digests;
	int downloads_fd; /* of ADD's URLs and repositories; -1 until there is one */
	struct cdi cdi;   /* the host's devices, once a RUN asks for one */
	bool has_cdi;
	struct why why;
};

enum stage_outcome {
	STAGE_BUILT,
	STAGE_NEEDS_OTHERS, /* ONBUILD of its base copies from stages that are not built */
};

/* In a stage's process: the stage, from its base to its last step. Its state as text is
 * its outcome and what the others need of it. */
int stage_build(struct stage_process *process, struct stage *stage, struct str *ret_state,
	struct error *err) must_check;
/* In the builder's process: takes that text. A stage that needs others has them among its
 * needs afterwards, and is to be built again. */
int stage_adopt(struct build *build, struct stage *stage, const struct str *text,
	enum stage_outcome *ret, struct error *err) must_check;
void stage_state_free(struct stage_state *state);
/* FROM and its instructions. */
uint32_t stage_count_steps(const struct stage *stage);
