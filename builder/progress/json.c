/*
 * One object a line, for tools. Members that say nothing are left out; more may come, and
 * those that are here keep their meaning. The manual describes them.
 */
#include <time.h>

#include "base/json.h"
#include "builder/progress/view.h"

struct line {
	char *event;
	char *time;
	char *stage;
	bool has_step;
	uint32_t step;
	bool has_steps;
	uint32_t steps;
	char *text;
	bool has_seconds;
	double seconds;
	bool has_bytes;
	uint64_t bytes;
};

static const struct json_field fields[] = {
	JSON_STRING(struct line, event, "event"),
	JSON_STRING(struct line, time, "time"),
	JSON_STRING(struct line, stage, "stage"),
	JSON_U32_OPT(struct line, step, "step"),
	JSON_U32_OPT(struct line, steps, "steps"),
	JSON_STRING(struct line, text, "text"),
	JSON_DOUBLE_OPT(struct line, seconds, "seconds"),
	JSON_U64_OPT(struct line, bytes, "bytes"),
	JSON_END,
};
static const struct json_type type = JSON_TYPE(struct line, fields);

/* What each event has besides its name, time and stage. */
static const struct {
	const char *name;
	bool step;
	bool text;
	bool seconds;
	bool bytes;
} events[] = {
	[PROGRESS_BUILD_BEGIN] = { "build-started" },
	[PROGRESS_BUILD_DONE] = { "build-finished", .text = true, .seconds = true },
	[PROGRESS_BUILD_FAILED] = { "build-failed", .text = true, .seconds = true },
	[PROGRESS_WARNING] = { "warning", .text = true },
	[PROGRESS_STAGE_BEGIN] = { "stage-started", .text = true },
	[PROGRESS_STAGE_DONE] = { "stage-finished", .seconds = true },
	[PROGRESS_STAGE_FAILED] = { "stage-failed", .seconds = true },
	[PROGRESS_STEP_BEGIN] = { "step-started", .step = true, .text = true },
	[PROGRESS_STEP_CACHED] = { "step-cached", .step = true, .text = true },
	[PROGRESS_STEP_APPLIED] = { "step-applied", .step = true, .text = true },
	[PROGRESS_STEP_WHY] = { "step-why", .step = true, .text = true },
	[PROGRESS_OUTPUT] = { "step-output", .step = true, .text = true },
	[PROGRESS_STEP_DONE] = { "step-finished", .step = true, .seconds = true,
		.bytes = true },
	[PROGRESS_STEP_SHARED] = { "step-shared", .step = true, .seconds = true,
		.bytes = true },
	[PROGRESS_STEP_FAILED] = { "step-failed", .step = true, .seconds = true },
	[PROGRESS_SHELL] = { "shell-opened", .text = true },
};

static char *time_now(void)
{
	struct timespec now;
	char text[32];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!gmtime_r(&now.tv_sec, &tm) ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return NULL;
	return str_format("%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static int64_t beginning(
	const struct view *view, const struct view_stage *stage, enum progress_kind kind)
{
	if (!stage)
		return view->began;
	return kind == PROGRESS_STAGE_DONE || kind == PROGRESS_STAGE_FAILED
		       ? stage->began
		       : stage->step_began;
}

static void show(
	struct view *view, struct view_stage *stage, const struct progress_event *event)
{
	auto_free char *time = time_now();
	auto_str text = { 0 };
	struct line line = {
		.event = (char *)events[event->kind].name,
		.time = time,
		.stage = stage ? stage->name : NULL,
		.has_step = events[event->kind].step && event->step > 0,
		.step = event->step,
		.has_steps = events[event->kind].step && event->total > 0,
		.steps = event->total,
		.text = events[event->kind].text ? (char *)event->text : NULL,
		.has_seconds = events[event->kind].seconds,
		.seconds = view_seconds(beginning(view, stage, event->kind)),
		.has_bytes = events[event->kind].bytes,
		.bytes = event->bytes,
	};

	json_write(&text, &type, &line, (struct json_write_options){ 0 });
	printf("%s\n", text.data);
	fflush(stdout);
}

const struct view_face view_json = { .show = show };
