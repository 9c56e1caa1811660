/*
 * rehearsal_run(): before the first step runs, all steps that the target needs are made,
 * and the images that are named are looked for, so that what is wrong in the last line is
 * not told after an hour of RUN.
 *
 * What a stage's base sets is known where the image is in the store. Where it is not, or
 * where ONBUILD instructions come first, a variable without a value may have one later:
 * such a step is not judged, and once it sets something no variable is known.
 */
#include "builder/build/rehearsal.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "builder/build/find_image.h"
#include "builder/build/run.h"
#include "builder/build/stage.h"
#include "builder/exchange/import.h"

struct rehearsal {
	struct build *build;
	struct stage_process process; /* as if it were a stage's */
	struct stage_state state;
	const struct stage *stage; /* at work */
	struct scope *scopes;      /* of the stages, by their index */
	bool *known;               /* each scope has all that the base sets */
	bool begun;                /* the view shows the stage */
	size_t at_once;            /* stages that begin as soon as the build does */
};

static void rehearsal_free(struct rehearsal *rehearsal)
{
	for (size_t i = 0; i < rehearsal->build->plan.stage_count; i++)
		scope_free(&rehearsal->scopes[i]);
	free(rehearsal->scopes);
	free(rehearsal->known);
}

#define auto_rehearsal __attribute__((cleanup(rehearsal_free))) struct rehearsal

/* ---- images -------------------------------------------------------------------------- */

/* What a download tells: the stage is shown as one that is at work meanwhile. */
static void show(void *argument, const struct progress_event *event)
{
	struct rehearsal *rehearsal = argument;
	struct view *view = rehearsal->build->request->view;
	const char *base = rehearsal->stage->base_name;
	const struct progress_event begin = {
		.kind = PROGRESS_STAGE_BEGIN,
		.text = base ? base : "",
		.length = base ? strlen(base) : 0,
	};

	if (!rehearsal->begun)
		view_stage_event(view, rehearsal->stage->index, &begin);
	rehearsal->begun = true;
	view_stage_event(view, rehearsal->stage->index, event);
	view_tick(view);
}

/* That of COPY --from or of a mount. Archives are not read twice to find out. */
static int look_for_source(struct rehearsal *rehearsal, const char *from,
	struct span span, struct error *err)
{
	struct build *build = rehearsal->build;
	auto_image image = { 0 };
	size_t index;

	if (build_find_context(build, from) || import_is_source(from) ||
		plan_find_stage(&build->plan, from, rehearsal->stage->index, &index))
		return 0;
	return span_place(
		span, build_find_source(&rehearsal->process, from, &image, err), err);
}

/* A stage that begins at once asks for its base itself, while the others do. */
static bool begins_at_once(struct rehearsal *rehearsal)
{
	return rehearsal->stage->need_count == 0 &&
	       rehearsal->at_once++ < rehearsal->build->request->jobs;
}

/* The image that FROM names, if it can be known now. */
static int look_for_base(struct rehearsal *rehearsal, bool *ret_found, struct image *ret,
	struct error *err)
{
	struct build *build = rehearsal->build;
	const struct stage *stage = rehearsal->stage;
	const struct context *named = build_named_context(build, stage->base_name);
	const char *name = named ? named->image : stage->base_name;
	const char *platform =
		stage->platform ? stage->platform : build->request->platform;
	struct error ignored;

	*ret_found = false;
	if ((named && named->fd >= 0) || import_is_source(name))
		return 0;
	if (begins_at_once(rehearsal)) {
		*ret_found = build->request->pull != PULL_ALWAYS &&
			     build_find_stored(&rehearsal->process, name, platform, ret,
				     &ignored) == 0;
		return 0;
	}
	if (span_place(instruction_span(stage->from, NULL),
		    build_find_image(&rehearsal->process, name, platform, ret, err),
		    err) < 0)
		return -1;
	*ret_found = true;
	return 0;
}

/* ---- where a stage begins ------------------------------------------------------------ */

static bool has_triggers(const struct stage *stage)
{
	for (size_t i = 0; i < stage->instruction_count; i++)
		if (stage->instructions[i]->kind == INSTRUCTION_ONBUILD)
			return true;
	return false;
}

static int begin_on_image(struct rehearsal *rehearsal, struct scope *scope,
	bool *ret_known, struct error *err)
{
	auto_image image = { 0 };
	const struct image_run_config *config = &image.config.config;
	bool found;

	if (look_for_base(rehearsal, &found, &image, err) < 0)
		return -1;
	*ret_known = found && config->on_build.count == 0;
	if (*ret_known)
		scope_add_image(scope, &config->env, config->working_dir);
	return 0;
}

static int begin(struct rehearsal *rehearsal, struct error *err)
{
	const struct plan *plan = &rehearsal->build->plan;
	const struct stage *stage = rehearsal->stage;
	struct scope *scope = &rehearsal->scopes[stage->index];
	bool known = true;

	if (stage->base == STAGE_BASE_IMAGE &&
		begin_on_image(rehearsal, scope, &known, err) < 0)
		return -1;
	if (stage->base == STAGE_BASE_STAGE) {
		known = rehearsal->known[stage->base_stage] &&
			!has_triggers(&plan->stages[stage->base_stage]);
		if (known)
			scope_continue(scope, &rehearsal->scopes[stage->base_stage]);
	}
	if (!known)
		scope_forget(scope);
	else if (!scope_get(scope, "PATH"))
		scope_set_env(scope, "PATH", PROCESS_PATH_DEFAULT);
	rehearsal->known[stage->index] = known;
	return 0;
}

/* ---- its steps ----------------------------------------------------------------------- */

static int check_step(
	struct rehearsal *rehearsal, const struct step *step, struct error *err)
{
	struct span span = instruction_span(step->instruction, NULL);

	if (step->copy.from && look_for_source(rehearsal, step->copy.from, span, err) < 0)
		return -1;
	for (size_t i = 0; i < step->run.mount_count; i++) {
		const char *from = step->run.mounts[i].from;

		if (from && look_for_source(rehearsal, from, span, err) < 0)
			return -1;
	}
	if (step->kind != INSTRUCTION_RUN)
		return 0;
	return span_place(span, run_check(&rehearsal->process, step, err), err);
}

static bool changes_scope(const struct instruction *instruction)
{
	return instruction->kind == INSTRUCTION_ARG ||
	       instruction->kind == INSTRUCTION_ENV ||
	       instruction->kind == INSTRUCTION_UNSET ||
	       instruction->kind == INSTRUCTION_WORKDIR;
}

static int rehearse_step(struct rehearsal *rehearsal,
	const struct instruction *instruction, struct error *err)
{
	size_t index = rehearsal->stage->index;
	struct scope *scope = &rehearsal->scopes[index];
	auto_step step = { 0 };
	bool guessed;
	int result;

	strings_free(&scope->unset);
	result = step_make(instruction, scope, &step, err);
	guessed = !rehearsal->known[index] && scope->unset.count > 0;
	if (guessed && changes_scope(instruction))
		scope_forget(scope);
	if (result < 0)
		return guessed ? 0 : -1;
	return check_step(rehearsal, &step, err);
}

static int rehearse_stage(struct rehearsal *rehearsal, struct error *err)
{
	const struct stage *stage = rehearsal->stage;

	if (begin(rehearsal, err) < 0)
		return -1;
	for (size_t i = 0; i < stage->instruction_count; i++)
		if (rehearse_step(rehearsal, stage->instructions[i], err) < 0)
			return -1;
	if (rehearsal->begun)
		view_stage_waits(rehearsal->build->request->view, stage->index);
	return 0;
}

int rehearsal_run(struct build *build, struct error *err)
{
	const struct plan *plan = &build->plan;
	auto_rehearsal rehearsal = {
		.build = build,
		.scopes = str_alloc(plan->stage_count * sizeof(*rehearsal.scopes)),
		.known = str_alloc(plan->stage_count * sizeof(*rehearsal.known)),
	};
	int result = 0;

	rehearsal.process = (struct stage_process){
		.build = build,
		.plan = &build->plan,
		.session = &build->session,
		.pulled = &build->pulled,
		.state = &rehearsal.state,
		.interrupt = build->interrupt,
		.progress = { .socket = -1, .show = show, .argument = &rehearsal },
		.downloads_fd = -1,
	};
	for (size_t i = 0; i < plan->order_count && result == 0; i++) {
		rehearsal.stage = &plan->stages[plan->order[i]];
		rehearsal.state.stage = rehearsal.stage;
		rehearsal.begun = false;
		scope_init(&rehearsal.scopes[rehearsal.stage->index],
			&build->request->build_args, &plan->global);
		result = rehearse_stage(&rehearsal, err);
	}
	return result;
}
