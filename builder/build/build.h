/*
 * A build: the Mockerfile's plan, walked stage by stage and step by step.
 *
 * build.c opens what a build stands on; schedule.c starts a process for each stage, several
 * at a time, once the stages that it needs are done, and shows what they tell; stage.c, in
 * such a process, walks a stage's steps from what stage_base.c found for it to begin with;
 * settings.c does the steps that only change the image's config; effects.c those that change
 * files (COPY, ADD, WORKDIR), with run.c for RUN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/build/secrets.h"
#include "builder/build/worker.h"
#include "builder/context.h"
#include "builder/language/mockerfile.h"
#include "builder/language/plan.h"
#include "builder/progress/view.h"
#include "builder/registry/client.h"
#include "builder/store/image.h"
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
	/* By ADD: URLs and repositories; "sha256:HEX", "sha1:HEX". */
	struct pairs fetched;
};

void build_record_free(struct build_record *record);

/* Within a stage's process it stays as it is: what that changes is in struct stage_process,
 * of stage.h. */
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
	char *place;           /* the Mockerfile's absolute path, or what stands for it */
	struct strings pulled; /* images: one pull is enough for a build */
	struct stage_state *states; /* one per stage of the plan */
};

/* Builds the target stage; the image is not yet saved. */
int build_run(const struct build_request *request, const struct store *store,
	struct image *ret, struct build_record *ret_record, struct error *err) must_check;

/* The directory that --from or a mount's from names: NULL is the build's own context, a
 * name one of --build-context. NULL: it is a stage or an image. */
const struct context *build_find_context(
	const struct build *build, const char *from) must_check;
/* What --build-context gives under the name, a directory or an image; or NULL. */
const struct context *build_named_context(
	const struct build *build, const char *name) must_check;
