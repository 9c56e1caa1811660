/*
 * One stage, in a process of its own: its base, then its steps in order. Each is made
 * (variables expanded), then found in the cache or performed.
 */
#include "builder/build/stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/build/cache.h"
#include "builder/build/effects.h"
#include "builder/build/settings.h"
#include "builder/build/stage_base.h"
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
static void show(struct stage_process *process, enum progress_kind kind,
	const char *title, const struct inputs *inputs)
{
	auto_strings reasons = { 0 };

	why_add(&process->why, title, inputs);
	progress_step(&process->progress, kind, title);
	if (!process->build->request->why || kind == PROGRESS_STEP_CACHED)
		return;
	if (process->build->request->no_cache)
		strings_add(&reasons, "--no-cache was given");
	else
		why_explain(&process->why, &reasons);
	strings_each (reason, &reasons)
		progress_why(&process->progress, *reason);
}

/* When this point of the chain was reached first: what makes a step without layer cached,
 * and its time the same in every build. */
static int recall_time(struct stage_process *process, char **ret_time, bool *ret_cached,
	struct error *err)
{
	*ret_cached = false;
	if (!process->build->request->no_cache &&
		cache_recall(process->build->store, process->state->chain.hex, ret_time,
			err) < 0)
		return -1;
	if (*ret_time) {
		*ret_cached = true;
		return 0;
	}
	*ret_time = settings_time(process->build->request);
	return cache_remember(
		process->build->store, process->state->chain.hex, *ret_time, err);
}

static void set_created(struct stage_state *state, const char *time)
{
	free(state->image.config.created);
	state->image.config.created = str_dup(time);
}

static int apply_setting(
	struct stage_process *process, const struct step *step, struct error *err)
{
	auto_free char *time = NULL;
	auto_inputs inputs = { 0 };
	bool cached = false;

	extend_chain(process->state, step->instruction->rule->name, step->key, &inputs);
	if (recall_time(process, &time, &cached, err) < 0)
		return -1;
	show(process, cached ? PROGRESS_STEP_CACHED : PROGRESS_STEP_APPLIED,
		step->display, &inputs);
	if (settings_apply(process->state, step, err) < 0)
		return -1;
	set_created(process->state, time);
	image_add_history(&process->state->image, time, step->display, true);
	return 0;
}

/* A step with an effect: what it reads, the key of that, the layer that is its result. */
struct effect {
	const struct step *step;
	struct inputs inputs;
	struct digest key;
	char *layer; /* names it; NULL until it is found or made */
	struct layer_info info;
};

static void effect_free(struct effect *effect)
{
	inputs_free(&effect->inputs);
	free(effect->layer);
	layer_info_free(&effect->info);
}

#define auto_effect __attribute__((cleanup(effect_free))) struct effect

/* The layer that a key led to last: after --no-cache it is another than the key's own. */
static int find_layer(
	struct stage_process *process, struct effect *effect, struct error *err)
{
	struct error first = { 0 };

	if (process->build->request->no_cache)
		return 0;
	if (cache_recall(process->build->store, effect->key.hex, &effect->layer, err) < 0)
		return -1;
	if (!effect->layer)
		effect->layer = str_dup(effect->key.hex);
	if (digest_is_hex(effect->layer) &&
		layer_find(process->build->store, effect->layer, &effect->info, &first) ==
			0)
		return 0;
	free(take_ptr(&effect->layer));
	if (first.errnum && first.errnum != ENOENT) {
		*err = first;
		return -1;
	}
	return 0;
}

/* With --no-cache the result stands beside the old one, on which other images stand. */
static int choose_layer(
	struct stage_process *process, struct effect *effect, struct error *err)
{
	auto_digest other = { 0 };

	if (!process->build->request->no_cache) {
		effect->layer = str_dup(effect->key.hex);
		return 0;
	}
	cache_key_begin(&other, "again", effect->key.hex);
	digest_add_text(&other, process->session->name);
	digest_add_text(&other, process->state->layer); /* a linked copy may come twice */
	effect->layer = str_dup(digest_end(&other).hex);
	return cache_remember(process->build->store, effect->key.hex, effect->layer, err);
}

/* On a draft of the layer, which becomes one if all goes well. What is told of the layer is
 * what stands in the store: another build may have been faster. */
static int make_layer(
	struct stage_process *process, struct effect *effect, struct error *err)
{
	const struct image *image = &process->state->image;
	const char *below = image->layers_count && !process->state->on_nothing
				    ? image->layers[image->layers_count - 1].key
				    : NULL;
	struct layer_draft draft = LAYER_DRAFT_NONE;
	auto_layer_info made = {
		.created = settings_time(process->build->request),
		.created_by = str_dup(effect->step->display),
		.parent = str_dup(below),
	};
	int result;

	if (layer_begin(process->session, below, &draft, err) < 0)
		return -1;
	result = effect_perform(process, effect->step, &draft, err);
	if (result == 0)
		result = interrupt_check(&process->interrupt, err);
	if (result == 0)
		result = choose_layer(process, effect, err);
	if (result == 0)
		result =
			layer_commit(process->session, &draft, effect->layer, &made, err);
	layer_abandon(process->session, &draft);
	return result < 0 ? -1
			  : layer_read(process->build->store, effect->layer,
				    &effect->info, err);
}

/* A step that several stages have is done by one of them; the others wait. The lock is a
 * file of the session. */
static int lock_step(struct stage_process *process, const struct digest *key, int *ret_fd,
	struct error *err)
{
	auto_fd fd = openat(
		process->session->fd, key->hex, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int result;

	if (fd < 0)
		return fail_errno(err, "making %s/%s", process->session->path, key->hex);
	interrupt_let_in(&process->interrupt);
	result = fd_lock(fd, LOCK_EX, "the step", err);
	interrupt_hold(&process->interrupt);
	if (result < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int perform(
	struct stage_process *process, struct effect *effect, struct error *err)
{
	enum progress_kind how = PROGRESS_STEP_DONE;
	auto_fd lock = -1;
	int result = lock_step(process, &effect->key, &lock, err);

	if (result == 0)
		result = find_layer(process, effect, err);
	if (result == 0 && effect->layer)
		how = PROGRESS_STEP_SHARED;
	else if (result == 0)
		result = make_layer(process, effect, err);
	progress_step_end(&process->progress, result < 0 ? PROGRESS_STEP_FAILED : how,
		result < 0 ? 0 : effect->info.size);
	return result;
}

static bool has_layer(const struct image *image, const char *key)
{
	for (size_t i = 0; i < image->layers_count; i++)
		if (strcmp(image->layers[i].key, key) == 0)
			return true;
	return false;
}

static int look_for_effect(
	struct stage_process *process, struct effect *effect, struct error *err)
{
	if (effect_inputs(process, effect->step, &effect->inputs, err) < 0)
		return -1;
	effect->key = inputs_end(&effect->inputs);
	return find_layer(process, effect, err);
}

/* The same linked copy twice in one image would be the same layer twice, which overlayfs
 * refuses: the second is a plain one. */
static int find_effect(
	struct stage_process *process, struct effect *effect, struct error *err)
{
	process->state->on_nothing =
		effect_is_linked(effect->step) && !process->state->image.on_host;
	if (look_for_effect(process, effect, err) < 0)
		return -1;
	if (!process->state->on_nothing || !effect->layer ||
		!has_layer(&process->state->image, effect->layer))
		return 0;
	process->state->on_nothing = false;
	free(take_ptr(&effect->layer));
	layer_info_free(&effect->info);
	return look_for_effect(process, effect, err);
}

static int apply_effect(
	struct stage_process *process, const struct step *step, struct error *err)
{
	auto_inputs chain = { 0 };
	auto_effect effect = { .step = step };

	if (process->state->image.layers_count >= IMAGE_LAYERS_MAX)
		return fail(err, "the image would have more than %d layers",
			IMAGE_LAYERS_MAX);
	if (find_effect(process, &effect, err) < 0)
		return -1;
	show(process, effect.layer ? PROGRESS_STEP_CACHED : PROGRESS_STEP_BEGIN,
		step->display, &effect.inputs);
	if (!effect.layer && perform(process, &effect, err) < 0)
		return -1;
	image_add_layer(&process->state->image, effect.layer, effect.info.size);
	set_layer(process->state);
	set_created(process->state, effect.info.created);
	image_add_history(
		&process->state->image, effect.info.created, step->display, false);
	if (step->kind == INSTRUCTION_WORKDIR)
		return settings_apply(process->state, step, err);
	extend_chain(process->state, step->instruction->rule->name, step->key, &chain);
	return 0;
}

static int apply_instruction(struct stage_process *process,
	const struct instruction *instruction, struct error *err)
{
	auto_step step = { 0 };
	int result;

	if (step_make(instruction, &process->state->scope, &step, err) < 0)
		return -1;
	result = effect_is_needed(&step) ? apply_effect(process, &step, err)
					 : apply_setting(process, &step, err);
	return span_place(instruction_span(instruction, NULL), result, err);
}

static int show_from(struct stage_process *process, struct error *err)
{
	const struct stage *stage = process->state->stage;
	auto_free char *text = NULL;
	auto_free char *time = NULL;
	auto_inputs inputs = { 0 };
	bool cached = false;

	extend_chain(process->state, "FROM", stage->base_name, &inputs);
	if (!stage->from)
		return 0;
	inputs_note_digest(&inputs, "its digest", process->state->base_digest);
	text = instruction_display(stage->from);
	if (recall_time(process, &time, &cached, err) < 0)
		return -1;
	show(process, cached ? PROGRESS_STEP_CACHED : PROGRESS_STEP_APPLIED, text,
		&inputs);
	if (!process->state->image.config.created)
		set_created(process->state, time);
	return 0;
}

static bool needs_are_built(
	const struct stage_process *process, const struct stage *stage)
{
	for (size_t i = 0; i < stage->need_count; i++) {
		if (!process->build->states[stage->needs[i]].built)
			return false;
	}
	return true;
}

/* ONBUILD instructions of the base come first, once. Those that copy from a stage which is
 * not there yet stay in the image's config, for the schedule: the stage begins again when it
 * is there. */
static int add_triggers(struct stage_process *process, struct stage *stage,
	enum stage_outcome *ret, struct error *err)
{
	struct strings *triggers = &process->state->image.config.config.on_build;

	if (!stage->triggers &&
		plan_add_triggers(process->plan, stage, triggers, err) < 0)
		return -1;
	*ret = needs_are_built(process, stage) ? STAGE_BUILT : STAGE_NEEDS_OTHERS;
	if (*ret == STAGE_NEEDS_OTHERS)
		return 0;
	process->progress.total = stage_count_steps(stage);
	strings_free(triggers);
	return 0;
}

/* ---- between processes --------------------------------------------------------------- */

/* How it ended, and what a stage hands over: its image, and the ARGs that a stage on it
 * inherits. */
struct stage_result {
	int64_t outcome;
	struct image image;
	struct pairs images;
	struct pairs fetched;
	struct pairs args;
	struct strings declared;
};

static const struct word outcome_words[] = {
	{ "built", STAGE_BUILT },
	{ "needs-others", STAGE_NEEDS_OTHERS },
	{ NULL, 0 },
};

static const struct json_field result_fields[] = {
	JSON_WORD(
		struct stage_result, outcome, "outcome", outcome_words, .required = true),
	JSON_STRUCT(struct stage_result, image, "image", &image_type),
	JSON_PAIRS(struct stage_result, images, "images"),
	JSON_PAIRS(struct stage_result, fetched, "fetched"),
	JSON_PAIRS(struct stage_result, args, "args"),
	JSON_STRINGS(struct stage_result, declared, "declared"),
	JSON_END,
};
static const struct json_type result_type = JSON_TYPE(struct stage_result, result_fields);

static void write_result(
	const struct stage_state *state, enum stage_outcome outcome, struct str *ret)
{
	struct stage_result result = {
		.outcome = outcome,
		.image = state->image,
		.images = state->images,
		.fetched = state->fetched,
		.args = state->scope.args,
		.declared = state->scope.declared,
	};

	json_write(ret, &result_type, &result, (struct json_write_options){ 0 });
}

int stage_adopt(struct build *build, struct stage *stage, const struct str *text,
	enum stage_outcome *ret, struct error *err)
{
	struct json_options options = { .name = "a stage's result" };
	struct stage_state *state = &build->states[stage->index];
	struct stage_result result = { 0 };
	int added;

	if (json_read(&result_type, &result, text->data, text->length, &options, err) < 0)
		return -1;
	*ret = (enum stage_outcome)result.outcome;
	if (*ret == STAGE_NEEDS_OTHERS) {
		added = plan_add_triggers(
			&build->plan, stage, &result.image.config.config.on_build, err);
		json_free(&result_type, &result);
		return added;
	}
	state->image = result.image;
	state->images = result.images;
	state->fetched = result.fetched;
	state->scope.args = result.args;
	state->scope.declared = result.declared;
	state->built = true;
	return 0;
}

static int begin_why(
	struct stage_process *process, const struct stage *stage, struct error *err)
{
	auto_free char *number = str_format("%zu", stage->index);

	return why_begin(&process->why, process->build->store, process->build->place,
		stage->name ? stage->name : number, err);
}

int stage_build(struct stage_process *process, struct stage *stage, struct str *ret_state,
	struct error *err)
{
	struct stage_state *state = process->state;
	enum stage_outcome outcome;

	state->stage = stage;
	if (stage_load_base(process, err) < 0)
		return -1;
	set_layer(state);
	stage_begin_scope(process);
	if (begin_why(process, stage, err) < 0 ||
		add_triggers(process, stage, &outcome, err) < 0)
		return -1;
	if (outcome == STAGE_NEEDS_OTHERS) {
		write_result(state, outcome, ret_state);
		return 0;
	}
	if (show_from(process, err) < 0)
		return -1;
	for (size_t i = 0; i < stage->instruction_count; i++) {
		if (apply_instruction(process, stage->instructions[i], err) < 0)
			return -1;
	}
	write_result(state, outcome, ret_state);
	return why_keep(&process->why, process->build->store, err);
}
