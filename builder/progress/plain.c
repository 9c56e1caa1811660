/*
 * Lines for people, none of which changes later: a line for each step, its output below it,
 * how long it took. Where there are several stages, each line says which one it is of.
 *
 *	[build 2/3] RUN make
 *	      build | cc -c main.c
 *	      build: done in 1.24 s
 */
#include "builder/progress/view.h"

static void show_step(const struct view_stage *stage, const struct progress_event *event)
{
	const char *mark = event->kind == PROGRESS_STEP_CACHED ? "CACHED " : "";

	printf("[%s%s%u/%u] %s%s\n", stage->name ? stage->name : "",
		stage->name ? " " : "", event->step, event->total, mark, event->text);
}

static void show_end(const struct view_stage *stage, const char *how)
{
	printf("      %s%s%s %.2f s\n", stage->name ? stage->name : "",
		stage->name ? ": " : "", how, view_seconds(stage->step_began));
}

static void show_line(const struct view_stage *stage, const char *mark, const char *text)
{
	printf("      %s%s%s%s\n", stage->name ? stage->name : "", stage->name ? " " : "",
		mark, text);
}

static void show_of_stage(
	const struct view_stage *stage, const struct progress_event *event)
{
	switch (event->kind) {
	case PROGRESS_STEP_BEGIN:
	case PROGRESS_STEP_CACHED:
	case PROGRESS_STEP_APPLIED:
		show_step(stage, event);
		break;
	case PROGRESS_STEP_WHY:
		show_line(stage, "why: ", event->text);
		break;
	case PROGRESS_OUTPUT:
		show_line(stage, "| ", event->text);
		break;
	case PROGRESS_STEP_DONE:
		show_end(stage, "done in");
		break;
	case PROGRESS_STEP_SHARED:
		show_end(stage, "another stage did the same; waited");
		break;
	case PROGRESS_SHELL:
		printf("%s in the step's container; the build fails when it ends\n",
			event->text);
		break;
	case PROGRESS_STEP_FAILED:
		show_end(stage, "failed after");
		break;
	default:
		break;
	}
}

static void show(
	struct view *view, struct view_stage *stage, const struct progress_event *event)
{
	if (stage)
		show_of_stage(stage, event);
	else if (event->kind == PROGRESS_WARNING)
		printf("warning: %s\n", event->text);
	else if (event->kind == PROGRESS_BUILD_DONE)
		printf("built in %.2f s\n", view_seconds(view->began));
	fflush(stdout);
}

const struct view_face view_plain = { .show = show };
