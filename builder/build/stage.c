/*
 * One stage, in a process of its own: its base, then its steps in order. Each is made
 * (variables expanded), then found in the cache or performed.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "builder/build/base_platform.h"
#include "builder/build/build.h"
#include "builder/build/cache.h"
#include "builder/platform.h"
#include "builder/rootfs/host.h"
#include "builder/rootless.h"
#include "builder/store/layer.h"

void stage_state_free(struct stage_state *state)
{
	scope_free(&state->scope);
	image_free(&state->image);
	free(state->base_digest);
	pairs_free(&state->images);
	pairs_free(&state->fetched);
	*state = (struct stage_state){ 0 };
}

uint32_t stage_count_steps(const struct stage *stage)
{
	return (uint32_t)(stage->instruction_count + (stage->from ? 1 : 0));
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
	if (build_find_image(build, name, platform, &state->image, err) < 0)
		return span_fail_while(instruction_span(stage->from, NULL), err);
	if (base_platform_check(build, stage, &state->image, platform, err) < 0)
		return -1;
	if (state->image.manifest)
		state->base_digest = str_dup(state->image.manifest->digest);
	pairs_set(&state->images, name, state->base_digest ? state->base_digest : "");
	image_forget_origin(&state->image);
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
		if (begin_on_host(state, err) < 0)
			return -1;
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
	set_path(&state->image.config);
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
	scope_add_image(&state->scope, &config->env, config->working_dir);
}

/* What the next step stands on: all steps so far, and the files that they left. */
static struct digest standing(const struct stage_state *state)
{
	auto_digest key = { 0 };

	cache_key_begin(&key, "standing", state->chain.hex);
	digest_add_text(&key, state->layer);
	return digest_end(&key);
}

static void extend_chain(struct stage_state *state, const char *instruction,
	const char *text, struct inputs *inputs)
{
	inputs_begin(inputs, instruction, standing(state).hex);
	inputs_add(inputs, INPUT_WORDS, "the instruction as expanded", text);
	state->chain = inputs_end(inputs);
}

/* Shows a step that begins, and on request why it does more than look into the cache. */
static void show(struct build *build, enum progress_kind kind, const char *title,
	const struct inputs *inputs)
{
	auto_strings reasons = { 0 };

	why_add(&build->why, title, inputs);
	progress_step(&build->progress, kind, title);
	if (!build->request->why || kind == PROGRESS_STEP_CACHED)
		return;
	if (build->request->no_cache)
		strings_add(&reasons, "--no-cache was given");
	else
		why_explain(&build->why, &reasons);
	strings_each (reason, &reasons)
		progress_why(&build->progress, *reason);
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

static void set_created(struct stage_state *state, const char *time)
{
	free(state->image.config.created);
	state->image.config.created = str_dup(time);
}

static int apply_setting(struct build *build, struct stage_state *state,
	const struct step *step, struct error *err)
{
	auto_free char *time = NULL;
	auto_inputs inputs = { 0 };
	bool cached = false;

	extend_chain(state, step->instruction->rule->name, step->key, &inputs);
	if (recall_time(build, state, &time, &cached, err) < 0)
		return -1;
	show(build, cached ? PROGRESS_STEP_CACHED : PROGRESS_STEP_APPLIED, step->display,
		&inputs);
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
static int choose_layer(struct build *build, const struct stage_state *state,
	const struct digest *key, char **ret_layer, struct error *err)
{
	auto_digest other = { 0 };

	if (!build->request->no_cache) {
		*ret_layer = str_dup(key->hex);
		return 0;
	}
	cache_key_begin(&other, "again", key->hex);
	digest_add_text(&other, build->session.name);
	digest_add_text(&other, state->layer); /* a linked copy may come twice */
	*ret_layer = str_dup(digest_end(&other).hex);
	return cache_remember(build->store, key->hex, *ret_layer, err);
}

/* On a draft of the layer, which becomes one if all goes well. What is told of the layer is
 * what stands in the store: another build may have been faster. */
static int make_layer(struct build *build, struct stage_state *state,
	const struct step *step, const struct digest *key, char **ret_layer,
	struct layer_info *info, struct error *err)
{
	const struct image *image = &state->image;
	const char *below = image->layers_count && !state->on_nothing
				    ? image->layers[image->layers_count - 1].key
				    : NULL;
	struct layer_draft draft = LAYER_DRAFT_NONE;
	auto_layer_info made = {
		.created = settings_time(build->request),
		.created_by = str_dup(step->display),
		.parent = str_dup(below),
	};
	int result;

	if (layer_begin(&build->session, below, &draft, err) < 0)
		return -1;
	result = effect_perform(build, state, step, &draft, err);
	if (result == 0)
		result = interrupt_check(&build->interrupt, err);
	if (result == 0)
		result = choose_layer(build, state, key, ret_layer, err);
	if (result == 0)
		result = layer_commit(&build->session, &draft, *ret_layer, &made, err);
	layer_abandon(&build->session, &draft);
	return result < 0 ? -1 : layer_read(build->store, *ret_layer, info, err);
}

/* A step that several stages have is done by one of them; the others wait. The lock is a
 * file of the session. */
static int lock_step(
	struct build *build, const struct digest *key, int *ret_fd, struct error *err)
{
	auto_fd fd =
		openat(build->session.fd, key->hex, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int result;

	if (fd < 0)
		return fail_errno(err, "making %s/%s", build->session.path, key->hex);
	interrupt_let_in(&build->interrupt);
	result = fd_lock(fd, LOCK_EX, "the step", err);
	interrupt_hold(&build->interrupt);
	if (result < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int perform(struct build *build, struct stage_state *state,
	const struct step *step, const struct digest *key, char **ret_layer,
	struct layer_info *info, struct error *err)
{
	enum progress_kind how = PROGRESS_STEP_DONE;
	auto_fd lock = -1;
	int result = lock_step(build, key, &lock, err);

	if (result == 0)
		result = find_layer(build, key, ret_layer, info, err);
	if (result == 0 && *ret_layer)
		how = PROGRESS_STEP_SHARED;
	else if (result == 0)
		result = make_layer(build, state, step, key, ret_layer, info, err);
	progress_step_end(&build->progress, result < 0 ? PROGRESS_STEP_FAILED : how,
		result < 0 ? 0 : info->size);
	return result;
}

static bool has_layer(const struct image *image, const char *key)
{
	for (size_t i = 0; i < image->layers_count; i++)
		if (strcmp(image->layers[i].key, key) == 0)
			return true;
	return false;
}

static int look_for_effect(struct build *build, struct stage_state *state,
	const struct step *step, struct inputs *inputs, struct digest *key,
	char **ret_layer, struct layer_info *info, struct error *err)
{
	if (effect_inputs(build, state, step, inputs, err) < 0)
		return -1;
	*key = inputs_end(inputs);
	return find_layer(build, key, ret_layer, info, err);
}

/* The same linked copy twice in one image would be the same layer twice, which overlayfs
 * refuses: the second is a plain one. */
static int find_effect(struct build *build, struct stage_state *state,
	const struct step *step, struct inputs *inputs, struct digest *key,
	char **ret_layer, struct layer_info *info, struct error *err)
{
	state->on_nothing = effect_is_linked(step) && !state->image.on_host;
	if (look_for_effect(build, state, step, inputs, key, ret_layer, info, err) < 0)
		return -1;
	if (!state->on_nothing || !*ret_layer || !has_layer(&state->image, *ret_layer))
		return 0;
	state->on_nothing = false;
	free(take_ptr(ret_layer));
	layer_info_free(info);
	return look_for_effect(build, state, step, inputs, key, ret_layer, info, err);
}

static int apply_effect(struct build *build, struct stage_state *state,
	const struct step *step, struct error *err)
{
	auto_inputs chain = { 0 };
	auto_inputs inputs = { 0 };
	auto_layer_info info = { 0 };
	auto_free char *layer = NULL;
	struct digest key;

	if (state->image.layers_count >= IMAGE_LAYERS_MAX)
		return fail(err, "the image would have more than %d layers",
			IMAGE_LAYERS_MAX);
	if (find_effect(build, state, step, &inputs, &key, &layer, &info, err) < 0)
		return -1;
	show(build, layer ? PROGRESS_STEP_CACHED : PROGRESS_STEP_BEGIN, step->display,
		&inputs);
	if (!layer && perform(build, state, step, &key, &layer, &info, err) < 0)
		return -1;
	image_add_layer(&state->image, layer, info.size);
	set_layer(state);
	set_created(state, info.created);
	image_add_history(&state->image, info.created, step->display, false);
	if (step->kind == INSTRUCTION_WORKDIR)
		return settings_apply(state, step, err);
	extend_chain(state, step->instruction->rule->name, step->key, &chain);
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
	auto_inputs inputs = { 0 };
	bool cached = false;

	extend_chain(state, "FROM", stage->base_name, &inputs);
	if (!stage->from)
		return 0;
	inputs_note_digest(&inputs, "its digest", state->base_digest);
	text = instruction_display(stage->from);
	if (recall_time(build, state, &time, &cached, err) < 0)
		return -1;
	show(build, cached ? PROGRESS_STEP_CACHED : PROGRESS_STEP_APPLIED, text, &inputs);
	if (!state->image.config.created)
		set_created(state, time);
	return 0;
}

static bool needs_are_built(const struct build *build, const struct stage *stage)
{
	for (size_t i = 0; i < stage->need_count; i++) {
		if (!build->states[stage->needs[i]].built)
			return false;
	}
	return true;
}

/* ONBUILD instructions of the base come first, once. Those that copy from a stage which is
 * not there yet are given back, errnum EAGAIN: the stage begins again when it is. */
static int add_triggers(struct build *build, struct stage *stage,
	struct stage_state *state, struct str *ret_state, struct error *err)
{
	struct strings *triggers = &state->image.config.config.on_build;
	auto_free char *text = strings_join(triggers, "\n");

	if (!stage->triggers && plan_add_triggers(&build->plan, stage, triggers, err) < 0)
		return -1;
	if (!needs_are_built(build, stage)) {
		str_append(ret_state, text);
		return fail_code(err, EAGAIN, "ONBUILD needs other stages");
	}
	build->progress.total = stage_count_steps(stage);
	strings_free(triggers);
	return 0;
}

/* ---- between processes --------------------------------------------------------------- */

/* What a stage hands over: its image, and the ARGs that a stage on it inherits. */
struct stage_result {
	struct image image;
	struct pairs images;
	struct pairs fetched;
	struct pairs args;
	struct strings declared;
};

static const struct json_field result_fields[] = {
	JSON_STRUCT(struct stage_result, image, "image", &image_type),
	JSON_PAIRS(struct stage_result, images, "images"),
	JSON_PAIRS(struct stage_result, fetched, "fetched"),
	JSON_PAIRS(struct stage_result, args, "args"),
	JSON_STRINGS(struct stage_result, declared, "declared"),
	JSON_END,
};
static const struct json_type result_type = JSON_TYPE(struct stage_result, result_fields);

static void write_result(const struct stage_state *state, struct str *ret)
{
	struct stage_result result = {
		.image = state->image,
		.images = state->images,
		.fetched = state->fetched,
		.args = state->scope.args,
		.declared = state->scope.declared,
	};

	json_write(ret, &result_type, &result, (struct json_write_options){ 0 });
}

int stage_adopt(struct build *build, struct stage *stage, const struct str *text,
	struct error *err)
{
	struct json_options options = { .name = "a stage's result" };
	struct stage_state *state = &build->states[stage->index];
	struct stage_result result = { 0 };

	if (json_read(&result_type, &result, text->data, text->length, &options, err) < 0)
		return -1;
	state->image = result.image;
	state->images = result.images;
	state->fetched = result.fetched;
	state->scope.args = result.args;
	state->scope.declared = result.declared;
	state->built = true;
	return 0;
}

static int begin_why(struct build *build, const struct stage *stage, struct error *err)
{
	auto_free char *number = str_format("%zu", stage->index);

	return why_begin(&build->why, build->store, build->place,
		stage->name ? stage->name : number, err);
}

int stage_build(struct build *build, struct stage *stage, struct str *ret_state,
	struct error *err)
{
	struct stage_state *state = &build->states[stage->index];

	state->stage = stage;
	if (load_base(build, state, err) < 0)
		return -1;
	begin_scope(build, state);
	if (begin_why(build, stage, err) < 0 ||
		add_triggers(build, stage, state, ret_state, err) < 0 ||
		show_from(build, state, err) < 0)
		return -1;
	for (size_t i = 0; i < stage->instruction_count; i++) {
		if (apply_instruction(build, state, stage->instructions[i], err) < 0)
			return -1;
	}
	write_result(state, ret_state);
	return why_keep(&build->why, build->store, err);
}
