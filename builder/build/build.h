/*
 * A build: the Mockerfile's plan, walked stage by stage and step by step.
 *
 * build.c opens what a build stands on; schedule.c starts a process for each stage, several
 * at a time, once the stages that it needs are done, and shows what they tell; stage.c, in
 * such a process, begins a stage and walks its steps; settings.c does the steps that only
 * change the image's config; effects.c those that change files (COPY, ADD, WORKDIR), with
 * run.c for RUN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/build/inputs.h"
#include "builder/build/secrets.h"
#include "builder/build/why.h"
#include "builder/build/worker.h"
#include "builder/cdi/cdi.h"
#include "builder/context.h"
#include "builder/copy/copy.h"
#include "builder/digest.h"
#include "builder/language/mockerfile.h"
#include "builder/language/plan.h"
#include "builder/language/scope.h"
#include "builder/language/step.h"
#include "builder/progress/progress.h"
#include "builder/progress/view.h"
#include "builder/registry/client.h"
#include "builder/store/image.h"
#include "builder/store/layer.h"
#include "builder/store/session.h"
#include "builder/store/store.h"

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

struct build_request {
	const char *context;   /* as context.h reads it */
	struct pairs contexts; /* --build-context */
	const char *file;      /* NULL: the context's Mockerfile or Dockerfile */
	const char *target;
	const char *platform; /* NULL: this machine's */
	const char *network;  /* of RUN: "host" or "none" */
	struct pairs build_args;
	struct pairs labels;
	struct build_secrets secrets; /* --secret */
	struct build_secrets agents;  /* --ssh */
	bool allow_insecure;          /* --allow security.insecure */
	bool allow_host_network; /* --allow network.host, or the build's own network is it */
	bool allow_devices;      /* --allow device */
	struct strings allowed_devices; /* --allow device=NAME */
	struct strings cdi_directories; /* borrowed; none: CDI's own */
	bool no_cache;
	const char *shell; /* opened where a RUN failed; "": the stage's; NULL: none */
	bool why;          /* say why a step is not cached */
	unsigned int jobs; /* stages at a time */
	struct view *view; /* of what goes on */
	int64_t epoch;     /* SOURCE_DATE_EPOCH; -1: none */
	enum pull_policy pull;
	struct client_options client; /* of registries */
};

/* What an image is made of, for its provenance. */
struct build_record {
	char *source;         /* digest of the Mockerfile's text, or else: */
	bool from_repository; /* that is the build context, and this its commit */
	struct pairs images;  /* "sha256:HEX", or "" of one that never left this store */
	struct pairs
		fetched; /* by ADD: URLs and repositories; "sha256:HEX", "sha1:HEX" */
};

void build_record_free(struct build_record *record);

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

struct build {
	const struct build_request *request;
	const struct store *store;
	struct session session; /* of all stages' processes */
	struct interrupt interrupt;
	struct mockerfile file;
	struct plan plan;
	struct context context;
	struct context *named; /* of --build-context */
	size_t named_count;
	int downloads_fd; /* of ADD's URLs and repositories; -1 until there is one */
	char *place;      /* the Mockerfile's absolute path, or what stands for it */
	struct copy_digest_cache *digests; /* of a stage's process, as is what follows */
	struct cdi cdi; /* the host's devices, once a RUN asks for one */
	bool has_cdi;
	struct why why;
	struct progress progress;
	struct strings pulled;      /* images: one pull is enough for a build */
	struct stage_state *states; /* one per stage of the plan */
};

/* Builds the target stage; the image is not yet saved. */
int build_run(const struct build_request *request, const struct store *store,
	struct image *ret, struct build_record *ret_record, struct error *err) must_check;

/* Whether anything is wrong that can be told before the first step. */
int rehearsal_run(struct build *build, struct error *err) must_check;

/* The stages that the target needs, each once those are done that it needs itself. */
int schedule_run(struct build *build, struct error *err) must_check;

/* In a stage's process: the stage, from its base to its last step. Its state as text is
 * what the others need of it. */
int stage_build(struct build *build, struct stage *stage, struct str *ret_state,
	struct error *err) must_check;
/* In the builder's process: takes that text. */
int stage_adopt(struct build *build, struct stage *stage, const struct str *text,
	struct error *err) must_check;
void stage_state_free(struct stage_state *state);
/* FROM and its instructions. */
uint32_t stage_count_steps(const struct stage *stage);

/* A step without effect on files. */
int settings_apply(
	struct stage_state *state, const struct step *step, struct error *err) must_check;
/* The shell that stands before a command in shell form. Appends. */
void settings_shell(const struct stage_state *state, struct strings *ret);
/* Time as images write it: now, or the request's epoch. Owned by the caller. */
char *settings_time(const struct build_request *request);

bool effect_is_needed(const struct step *step);
/* COPY --link: its layer is of what it copies alone, and stands on any other. */
bool effect_is_linked(const struct step *step);
/* What a step with an effect reads, of which its key is the hash. */
int effect_inputs(struct build *build, struct stage_state *state, const struct step *step,
	struct inputs *inputs, struct error *err) must_check;
/* Does it on the upper directory of a draft. */
int effect_perform(struct build *build, struct stage_state *state,
	const struct step *step, const struct layer_draft *draft,
	struct error *err) must_check;

/* RUN: whether the caller allows what it asks for; its inputs but for the files of mounts;
 * doing it. */
int run_check(
	const struct build *build, const struct step *step, struct error *err) must_check;
void run_inputs(struct build *build, struct stage_state *state, const struct step *step,
	struct inputs *inputs);
/* Its devices: those that it gets, after asking whether the caller allows them. What it
 * asks for and nobody has is an error if it is required, and else
 * among the missing. */
int run_devices_find(struct build *build, const struct step *step, struct strings *ret,
	struct strings *ret_missing, struct error *err) must_check;
int run_devices_inputs(struct build *build, const struct step *step,
	struct inputs *inputs, struct error *err) must_check;
/* On request, after a RUN has failed: a shell in its container on the terminal. Waits until
 * the terminal is there and then for the shell's end; `container` runs the bundle. */
int run_shell(struct build *build, const struct stage_state *state,
	const struct layer_draft *draft, const struct worker *container,
	struct error *err) must_check;
int run_perform(struct build *build, struct stage_state *state, const struct step *step,
	const struct layer_draft *draft, struct error *err) must_check;

/* The directory that --from or a mount's from names: NULL is the build's own context, a
 * name one of --build-context. NULL: it is a stage or an image. */
const struct context *build_find_context(
	const struct build *build, const char *from) must_check;
/* What --build-context gives under the name, a directory or an image; or NULL. */
const struct context *build_named_context(
	const struct build *build, const char *name) must_check;

/* The image that FROM names: of the store, else pulled into it, as --pull has it; or a
 * source of `load`. platform NULL: this machine's. */
int build_find_image(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err) must_check;
/* The same of the store alone. */
int build_find_stored(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err) must_check;
/* The image that COPY --from or a mount's from names: a stage, or as FROM. */
int build_find_source(struct build *build, const struct stage_state *state,
	const char *from, struct image *ret, struct error *err) must_check;
