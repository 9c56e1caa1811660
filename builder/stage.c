/*
 * One stage: its base, then its steps in order. Each is made (variables expanded), then
 * found in the cache or performed.
 */
#include <string.h>

#include "base/cleanup.h"
#include "builder/build.h"
#include "builder/cache.h"
#include "builder/exchange/import.h"
#include "builder/host.h"
#include "builder/platform.h"
#include "builder/store/layer.h"
#include "builder/store/refs.h"

void stage_state_free(struct stage_state *state)
{
	scope_free(&state->scope);
	image_free(&state->image);
	free(state->base_digest);
	*state = (struct stage_state){ 0 };
}

/* Of all layers: the key of a linked one says nothing of those below it. */
static void set_layer(struct stage_state *state)
{
	const struct image *image = &state->image;
	auto_digest stack = { 0 };

	digest_init(&stack);
	digest_add_text(&stack, image->on_host ? "host" : "scratch");
	for (size_t i = 0; i < image->layers_count; i++)
		digest_add_text(&stack, image->layers[i].key);
	snprintf(state->layer, sizeof(state->layer), "%s", digest_end(&stack).hex);
}

/* From elsewhere, by a source's words: into the store. */
static int import(struct build *build, const char *source, const char *platform,
	struct image *ret, struct error *err)
{
	struct import_options options = {
		.platform = platform,
		.print = progress_output,
		.print_argument = &build->progress,
		.client = build->request->client,
	};
	auto_free char *called = NULL;
	struct session *session;

	if (build_session(build, &session, err) < 0)
		return -1;
	options.signal_fd = build->interrupt.fd;
	return import_image_as(session, source, &options, ret, &called, err);
}

/* A name that the store does not have is one of a registry; pulled, it is in the store
 * under that name, and the next build asks nobody. */
static int pull(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err)
{
	auto_free char *source = str_format("docker://%s", name);
	auto_free char *ref = NULL;
	auto_image image = { 0 };
	struct digest id;
	uint64_t size;

	if (ref_normalize(name, &ref, err) < 0 ||
		import(build, source, platform, &image, err) < 0 ||
		image_save(build->store, &image, &id, &size, err) < 0 ||
		refs_set(build->store, ref, &id, size, err) < 0)
		return -1;
	*ret = image;
	image = (struct image){ 0 };
	return 0;
}

static int find_stored(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err)
{
	struct image_platform own = { 0 };
	auto_platform wanted = { 0 };
	auto_image image = { 0 };
	struct digest id;

	if (platform_parse(platform, &wanted, err) < 0 ||
		refs_find(build->store, name, &id, err) < 0 ||
		image_load(build->store, &id, &image, err) < 0)
		return -1;
	own.os = image.config.os;
	own.architecture = image.config.architecture;
	own.variant = image.config.variant;
	if (platform && !platform_matches(&wanted, &own))
		return fail_code(err, ENOENT, "%s is in the store for %s/%s alone", name,
			own.os, own.architecture);
	*ret = image;
	image = (struct image){ 0 };
	return 0;
}

static int find_image(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err)
{
	enum pull_policy policy = build->request->pull;
	struct error pulling;

	if (import_is_source(name))
		return import(build, name, platform, ret, err);
	if (policy == PULL_ALWAYS)
		return pull(build, name, platform, ret, err);
	if (find_stored(build, name, platform, ret, err) == 0)
		return 0;
	if (policy == PULL_NEVER || err->errnum != ENOENT)
		return -1;
	if (pull(build, name, platform, ret, &pulling) == 0)
		return 0;
	*err = pulling;
	return fail_while(err, "%s is not in the store; pulling it", name);
}

int build_find_source(struct build *build, const struct stage_state *state,
	const char *from, struct image *ret, struct error *err)
{
	const struct context *named = build_named_context(build, from);
	size_t index;

	if (named && named->fd >= 0)
		return fail(err, "%s is a directory, no image", named->what);
	if (named)
		return find_image(
			build, named->image, build->request->platform, ret, err);
	if (plan_find_stage(&build->plan, from, state->stage->index, &index))
		return image_copy(ret, &build->states[index].image, err);
	return find_image(build, from, build->request->platform, ret, err);
}

/* FROM a directory of --build-context: what it holds, copied on nothing. */
static void begin_on_directory(struct stage_state *state, const char *name)
{
	image_init(&state->image);
	strings_addf(&state->image.config.config.on_build, "COPY --from=%s . /", name);
}

/* FROM an image: one of --build-context, of the store, of elsewhere. */
static int begin_on_image(struct build *build, struct stage_state *state,
	const char *platform, struct error *err)
{
	const struct stage *stage = state->stage;
	const struct context *named = build_named_context(build, stage->base_name);
	const char *name = named && named->image ? named->image : stage->base_name;

	if (named && named->fd >= 0) {
		begin_on_directory(state, named->name);
		return 0;
	}
	if (find_image(build, name, platform, &state->image, err) < 0)
		return span_fail_while(instruction_span(stage->from, NULL), err);
	if (state->image.manifest)
		state->base_digest = str_dup(state->image.manifest->digest);
	image_forget_origin(&state->image);
	return 0;
}

/* The host's stage: see host.h. */
static void begin_on_host(struct stage_state *state)
{
	struct image_run_config *config = &state->image.config.config;

	image_init(&state->image);
	state->image.on_host = true;
	config->working_dir = str_dup(HOST_WORKSPACE);
}

/* FROM scratch: what is put there is for the platform that was asked for. */
static int begin_on_nothing(
	struct stage_state *state, const char *platform, struct error *err)
{
	struct image_config *config = &state->image.config;
	struct image_platform wanted;

	image_init(&state->image);
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

static int load_base(struct build *build, struct stage_state *state, struct error *err)
{
	const struct stage *stage = state->stage;
	const char *platform =
		stage->platform ? stage->platform : build->request->platform;

	switch (stage->base) {
	case STAGE_BASE_SCRATCH:
		if (begin_on_nothing(state, platform, err) < 0)
			return -1;
		break;
	case STAGE_BASE_HOST:
		begin_on_host(state);
		break;
	case STAGE_BASE_STAGE:
		if (image_copy(&state->image, &build->states[stage->base_stage].image,
			    err) < 0)
			return -1;
		break;
	case STAGE_BASE_IMAGE:
		if (begin_on_image(build, state, platform, err) < 0)
			return -1;
		break;
	}
	set_layer(state);
	return 0;
}

/* The base's environment and working directory are where the stage begins. */
static void begin_scope(struct build *build, struct stage_state *state)
{
	const struct image_run_config *config = &state->image.config.config;

	scope_init(&state->scope, &build->request->build_args, &build->plan.global);
	if (state->stage->base == STAGE_BASE_STAGE)
		scope_inherit(
			&state->scope, &build->states[state->stage->base_stage].scope);
	strings_each (item, &config->env) {
		const char *equals = strchr(*item, '=');
		auto_free char *name = NULL;

		if (!equals)
			continue;
		name = str_dup_n(*item, (size_t)(equals - *item));
		pairs_set(&state->scope.env, name, equals + 1);
	}
	if (config->working_dir && *config->working_dir) {
		free(state->scope.workdir);
		state->scope.workdir = str_dup(config->working_dir);
	}
}

static void extend_chain(struct stage_state *state, const char *kind, const char *text)
{
	auto_digest key = { 0 };

	cache_key_begin(&key, kind, state->chain.hex);
	digest_add_text(&key, state->layer);
	digest_add_text(&key, text);
	state->chain = digest_end(&key);
}

/* When this point of the chain was reached first: what makes a step without layer cached,
 * and its time the same in every build. */
static int recall_time(struct build *build, const struct stage_state *state,
	char **ret_time, bool *ret_cached, struct error *err)
{
	*ret_cached = false;
	if (!build->request->no_cache &&
		cache_recall(build->store, state->chain.hex, ret_time, err) < 0)
		return -1;
	if (*ret_time) {
		*ret_cached = true;
		return 0;
	}
	*ret_time = settings_time(build->request);
	return cache_remember(build->store, state->chain.hex, *ret_time, err);
}

static void show(struct build *build, const struct stage_state *state, bool cached,
	const char *text)
{
	if (cached)
		progress_cached(&build->progress, state->stage->name, text);
	else
		progress_step(&build->progress, state->stage->name, text);
}

static void set_created(struct stage_state *state, const char *time)
{
	free(state->image.config.created);
	state->image.config.created = str_dup(time);
}

static int apply_setting(struct build *build, struct stage_state *state,
	const struct step *step, struct error *err)
{
	auto_free char *time = NULL;
	bool cached = false;

	extend_chain(state, step->instruction->rule->name, step->key);
	if (recall_time(build, state, &time, &cached, err) < 0)
		return -1;
	show(build, state, cached, step->display);
	if (settings_apply(state, step, err) < 0)
		return -1;
	set_created(state, time);
	image_add_history(&state->image, time, step->display, true);
	return 0;
}

/* The layer that a key led to last: after --no-cache it is another than the key's own. */
static int find_layer(struct build *build, const struct digest *key, char **ret_layer,
	struct layer_info *ret, struct error *err)
{
	struct error first = { 0 };

	if (build->request->no_cache)
		return 0;
	if (cache_recall(build->store, key->hex, ret_layer, err) < 0)
		return -1;
	if (!*ret_layer)
		*ret_layer = str_dup(key->hex);
	if (digest_is_hex(*ret_layer) &&
		layer_find(build->store, *ret_layer, ret, &first) == 0)
		return 0;
	free(take_ptr(ret_layer));
	if (first.errnum && first.errnum != ENOENT) {
		*err = first;
		return -1;
	}
	return 0;
}

/* With --no-cache the result stands beside the old one, on which other images stand. */
static int choose_layer(struct build *build, const struct digest *key, char **ret_layer,
	struct error *err)
{
	auto_digest other = { 0 };

	if (!build->request->no_cache) {
		*ret_layer = str_dup(key->hex);
		return 0;
	}
	cache_key_begin(&other, "again", key->hex);
	digest_add_text(&other, build->session.name);
	*ret_layer = str_dup(digest_end(&other).hex);
	return cache_remember(build->store, key->hex, *ret_layer, err);
}

static int perform(struct build *build, struct stage_state *state,
	const struct step *step, const struct digest *key, char **ret_layer,
	struct layer_info *info, struct error *err)
{
	const struct image *image = &state->image;
	const char *below = image->layers_count && !state->on_nothing
				    ? image->layers[image->layers_count - 1].key
				    : NULL;
	struct layer_draft draft = LAYER_DRAFT_NONE;
	struct session *session;
	int result;

	if (build_session(build, &session, err) < 0 ||
		layer_begin(session, below, &draft, err) < 0)
		return -1;
	info->created = settings_time(build->request);
	info->created_by = str_dup(step->display);
	info->parent = str_dup(below);
	result = effect_perform(build, state, step, &draft, err);
	progress_step_end(&build->progress, result == 0 ? "done in" : "failed after");
	if (result == 0)
		result = interrupt_check(&build->interrupt, err);
	if (result == 0)
		result = choose_layer(build, key, ret_layer, err);
	if (result == 0)
		result = layer_commit(session, &draft, *ret_layer, info, err);
	layer_abandon(session, &draft);
	return result;
}

static bool has_layer(const struct image *image, const char *key)
{
	for (size_t i = 0; i < image->layers_count; i++)
		if (strcmp(image->layers[i].key, key) == 0)
			return true;
	return false;
}

/* The same linked copy twice in one image would be the same layer twice, which overlayfs
 * refuses: the second is a plain one. */
static int find_effect(struct build *build, struct stage_state *state,
	const struct step *step, struct digest *key, char **ret_layer,
	struct layer_info *info, struct error *err)
{
	state->on_nothing = effect_is_linked(step) && !state->image.on_host;
	if (effect_key(build, state, step, key, err) < 0 ||
		find_layer(build, key, ret_layer, info, err) < 0)
		return -1;
	if (!state->on_nothing || !*ret_layer || !has_layer(&state->image, *ret_layer))
		return 0;
	state->on_nothing = false;
	free(take_ptr(ret_layer));
	layer_info_free(info);
	if (effect_key(build, state, step, key, err) < 0)
		return -1;
	return find_layer(build, key, ret_layer, info, err);
}

static int apply_effect(struct build *build, struct stage_state *state,
	const struct step *step, struct error *err)
{
	auto_layer_info info = { 0 };
	auto_free char *layer = NULL;
	struct digest key;

	if (state->image.layers_count >= IMAGE_LAYERS_MAX)
		return fail(err, "the image would have more than %d layers",
			IMAGE_LAYERS_MAX);
	if (find_effect(build, state, step, &key, &layer, &info, err) < 0)
		return -1;
	show(build, state, layer != NULL, step->display);
	if (!layer && perform(build, state, step, &key, &layer, &info, err) < 0)
		return -1;
	image_add_layer(&state->image, layer, info.size);
	set_layer(state);
	set_created(state, info.created);
	image_add_history(&state->image, info.created, step->display, false);
	if (step->kind == INSTRUCTION_WORKDIR)
		return settings_apply(state, step, err);
	extend_chain(state, step->instruction->rule->name, step->key);
	return 0;
}

/* Where an error has not said which line it is about. */
static int with_place(
	const struct instruction *instruction, int result, struct error *err)
{
	if (result == 0 || err->errnum == EINTR || strchr(err->text, '\n'))
		return result;
	return span_fail_while(instruction_span(instruction, NULL), err);
}

static int apply_instruction(struct build *build, struct stage_state *state,
	const struct instruction *instruction, struct error *err)
{
	auto_step step = { 0 };
	int result;

	if (step_make(instruction, &state->scope, &step, err) < 0)
		return -1;
	result = effect_is_needed(&step) ? apply_effect(build, state, &step, err)
					 : apply_setting(build, state, &step, err);
	return with_place(instruction, result, err);
}

static int show_from(struct build *build, struct stage_state *state, struct error *err)
{
	const struct stage *stage = state->stage;
	auto_free char *text = NULL;
	auto_free char *time = NULL;
	bool cached = false;

	extend_chain(state, "FROM", stage->base_name);
	if (!stage->from)
		return 0;
	text = instruction_display(stage->from);
	if (recall_time(build, state, &time, &cached, err) < 0)
		return -1;
	show(build, state, cached, text);
	if (!state->image.config.created)
		set_created(state, time);
	return 0;
}

/* ONBUILD instructions of the base come first, once. */
static int add_triggers(struct build *build, struct stage *stage,
	struct stage_state *state, struct error *err)
{
	struct strings *triggers = &state->image.config.config.on_build;
	int result;

	if (triggers->count == 0)
		return 0;
	build->progress.total += triggers->count;
	result = plan_add_triggers(&build->plan, stage, triggers, err);
	strings_free(triggers);
	return result;
}

int stage_build(struct build *build, struct stage *stage, struct error *err)
{
	struct stage_state *state = &build->states[stage->index];

	state->stage = stage;
	if (load_base(build, state, err) < 0)
		return -1;
	begin_scope(build, state);
	if (show_from(build, state, err) < 0 ||
		add_triggers(build, stage, state, err) < 0)
		return -1;
	for (size_t i = 0; i < stage->instruction_count; i++) {
		if (apply_instruction(build, state, stage->instructions[i], err) < 0)
			return -1;
	}
	return 0;
}
