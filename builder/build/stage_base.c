/* FROM: nothing, the host, another stage, an image or directory that came from elsewhere. */
#include "builder/build/stage_base.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "builder/build/base_platform.h"
#include "builder/build/find_image.h"
#include "builder/platform.h"
#include "builder/rootfs/host.h"
#include "builder/rootless.h"

/* The image that is there where nothing is. */
static void begin_empty(struct stage_state *state)
{
	image_init(&state->image);
	state->image.config.config.working_dir = str_dup("/");
}

/* FROM a directory of --build-context: what it holds, copied on nothing. */
static void begin_on_directory(struct stage_state *state, const char *name)
{
	begin_empty(state);
	strings_addf(&state->image.config.config.on_build, "COPY --from=%s . /", name);
}

/* FROM an image: one of --build-context, of the store, of elsewhere. */
static int begin_on_image(
	struct stage_process *process, const char *platform, struct error *err)
{
	const struct stage *stage = process->state->stage;
	const struct context *named =
		build_named_context(process->build, stage->base_name);
	const char *name = named && named->image ? named->image : stage->base_name;

	if (named && named->fd >= 0) {
		begin_on_directory(process->state, named->name);
		return 0;
	}
	if (build_find_image(process, name, platform, &process->state->image, err) < 0)
		return span_fail_while(instruction_span(stage->from, NULL), err);
	if (base_platform_check(
		    process->build, stage, &process->state->image, platform, err) < 0)
		return -1;
	if (process->state->image.manifest)
		process->state->base_digest =
			str_dup(process->state->image.manifest->digest);
	pairs_set(&process->state->images, name,
		process->state->base_digest ? process->state->base_digest : "");
	image_forget_origin(&process->state->image);
	return 0;
}

/* The host's stage: see host.h. */
static int begin_on_host(struct stage_state *state, struct error *err)
{
	struct image_run_config *config = &state->image.config.config;

	if (rootless_here())
		return fail(err,
			"a Mockerfile without FROM builds on the files of this host, which "
			"are root's: as a user begin it with FROM");
	image_init(&state->image);
	state->image.on_host = true;
	config->working_dir = str_dup(HOST_WORKSPACE);
	return 0;
}

/* FROM scratch: what is put there is for the platform that was asked for. */
static int begin_on_nothing(
	struct stage_state *state, const char *platform, struct error *err)
{
	struct image_config *config = &state->image.config;
	struct image_platform wanted;

	begin_empty(state);
	if (!platform)
		return 0;
	if (platform_parse(platform, &wanted, err) < 0)
		return span_fail_while(instruction_span(state->stage->from, NULL), err);
	free(config->os);
	free(config->architecture);
	config->os = take_ptr(&wanted.os);
	config->architecture = take_ptr(&wanted.architecture);
	config->variant = take_ptr(&wanted.variant);
	platform_free(&wanted);
	return 0;
}

/* That "ENV PATH=$PATH:/more" adds to something, in images from nothing too. */
static void set_path(struct image_config *config)
{
	if (!str_equal(config->os, "windows") &&
		!strings_env(&config->config.env, "PATH"))
		strings_add(&config->config.env, "PATH=" PROCESS_PATH_DEFAULT);
}

int stage_load_base(struct stage_process *process, struct error *err)
{
	const struct stage *stage = process->state->stage;
	const char *platform =
		stage->platform ? stage->platform : process->build->request->platform;

	switch (stage->base) {
	case STAGE_BASE_SCRATCH:
		if (begin_on_nothing(process->state, platform, err) < 0)
			return -1;
		break;
	case STAGE_BASE_HOST:
		if (begin_on_host(process->state, err) < 0)
			return -1;
		break;
	case STAGE_BASE_STAGE:
		if (image_copy(&process->state->image,
			    &process->build->states[stage->base_stage].image, err) < 0)
			return -1;
		break;
	case STAGE_BASE_IMAGE:
		if (begin_on_image(process, platform, err) < 0)
			return -1;
		break;
	}
	set_path(&process->state->image.config);
	return 0;
}

/* The base's environment and working directory are where the stage begins. */
void stage_begin_scope(struct stage_process *process)
{
	const struct image_run_config *config = &process->state->image.config.config;

	scope_init(&process->state->scope, &process->build->request->build_args,
		&process->build->plan.global);
	if (process->state->stage->base == STAGE_BASE_STAGE)
		scope_inherit(&process->state->scope,
			&process->build->states[process->state->stage->base_stage].scope);
	scope_add_image(&process->state->scope, &config->env, config->working_dir);
}
