/* What all faces share: the state of stages, output cut into lines. */
#include "builder/progress/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_SHOWN 8192
#define NANOSECONDS    1000000000
#define TICK           100 /* milliseconds */

double view_seconds(int64_t began)
{
	return (double)(clock_ns() - began) / NANOSECONDS;
}

static void show_nothing(
	struct view *view, struct view_stage *stage, const struct progress_event *event)
{
}

static const struct view_face view_quiet = { .show = show_nothing };

static const struct view_face *choose_face(enum view_kind kind)
{
	static const struct view_face *const faces[] = {
		[VIEW_PLAIN] = &view_plain,
		[VIEW_LIVE] = &view_live,
		[VIEW_JSON] = &view_json,
		[VIEW_QUIET] = &view_quiet,
	};
	const char *terminal = getenv("TERM");

	if (kind != VIEW_AUTO)
		return faces[kind];
	return isatty(STDOUT_FILENO) && terminal && !str_equal(terminal, "dumb")
		       ? &view_live
		       : &view_plain;
}

void view_begin(struct view *view, enum view_kind kind)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */

	*view = (struct view){
		.face = choose_face(kind),
		.began = clock_ns(),
		.colours = !no_color || !*no_color,
	};
}

void view_add_stage(struct view *view, const char *name, uint32_t steps)
{
	view->stages = str_grow(view->stages, view->count, sizeof(*view->stages));
	view->stages[view->count++] = (struct view_stage){
		.name = str_dup(name),
		.total = steps,
	};
}

static void forget_output(struct view_stage *stage)
{
	for (size_t i = 0; i < stage->tail_count; i++)
		free(stage->tail[i]);
	stage->tail_count = 0;
	if (stage->log)
		(void)fclose(stage->log); /* it has no name, and nobody reads it */
	stage->log = NULL;
}

void view_free(struct view *view)
{
	view_hide(view);
	for (size_t i = 0; i < view->count; i++) {
		forget_output(&view->stages[i]);
		free(view->stages[i].name);
		free(view->stages[i].text);
		str_free(&view->stages[i].line);
	}
	free(view->stages);
	free(view->widths);
	*view = (struct view){ 0 };
}

/* ---- output, line by line ----------------------------------------------------------- */

static void clear(struct str *line)
{
	line->length = 0;
	if (line->data)
		line->data[0] = '\0';
}

static void end_line(struct view *view, struct view_stage *stage)
{
	struct progress_event event = {
		.kind = PROGRESS_OUTPUT,
		.step = stage->step,
		.total = stage->total,
		.text = stage->line.data ? stage->line.data : "",
		.length = stage->line.length,
	};

	view->face->show(view, stage, &event);
	clear(&stage->line);
}

/* Where an escape sequence of a terminal ends that begins at text[0]: "ESC [ 3 1 m", "ESC ] 0
 * ; title BEL", or ESC and one character. One that the piece cuts off ends with it. */
static size_t escape_length(const char *text, size_t length)
{
	char kind = length > 1 ? text[1] : '\0';
	size_t i = 2;

	if (kind == '[') {
		while (i < length && (unsigned char)text[i] < 0x40)
			i++;
	} else if (kind == ']') {
		while (i < length && text[i] != '\007' && text[i] != '\033')
			i++;
	} else {
		i = 1;
	}
	return MIN(i + 1, length);
}

/* Control characters other than tab do not reach the terminal. */
static void add_output(
	struct view *view, struct view_stage *stage, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)data[i];
		/* a bar that redraws itself; but not the first half of CR LF */
		bool redraws = c == '\r' && stage->line.length > 0 &&
			       !(i + 1 < length && data[i + 1] == '\n');

		if (c == '\n' || redraws || stage->line.length >= LINE_MAX_SHOWN) {
			end_line(view, stage);
			stage->replaces = redraws;
		}
		if (c == '\t' || (c >= ' ' && c != 127))
			str_append_char(&stage->line, (char)c);
		if (c == '\033')
			i += escape_length(data + i, length - i) - 1;
	}
}

/* ---- events ------------------------------------------------------------------------- */

static void begin_stage(struct view_stage *stage, const struct progress_event *event)
{
	stage->busy = true;
	stage->began = stage->step_began = clock_ns();
	stage->step = 0;
	free(stage->text);
	stage->text = str_dup(event->text);
}

static void begin_step(struct view_stage *stage, const struct progress_event *event)
{
	forget_output(stage);
	stage->step = event->step;
	stage->total = event->total;
	stage->step_began = clock_ns();
	stage->busy = event->kind == PROGRESS_STEP_BEGIN;
	free(stage->text);
	stage->text = str_dup(event->text);
}

static void update(struct view_stage *stage, const struct progress_event *event)
{
	switch (event->kind) {
	case PROGRESS_STAGE_BEGIN:
		begin_stage(stage, event);
		break;
	case PROGRESS_STEP_BEGIN:
	case PROGRESS_STEP_CACHED:
	case PROGRESS_STEP_APPLIED:
		begin_step(stage, event);
		break;
	case PROGRESS_STEP_DONE:
	case PROGRESS_STEP_SHARED:
	case PROGRESS_STEP_FAILED:
	case PROGRESS_STAGE_DONE:
	case PROGRESS_STAGE_FAILED:
		stage->busy = false;
		break;
	default:
		break;
	}
}

void view_stage_event(struct view *view, size_t index, const struct progress_event *event)
{
	struct view_stage *stage = &view->stages[index];

	if (event->kind == PROGRESS_OUTPUT) {
		add_output(view, stage, event->text, event->length);
		return;
	}
	if (stage->line.length > 0)
		end_line(view, stage);
	update(stage, event);
	view->face->show(view, stage, event);
}

void view_stage_waits(struct view *view, size_t index)
{
	view->stages[index].busy = false;
}

void view_build_event(struct view *view, enum progress_kind kind, const char *text)
{
	struct progress_event event = {
		.kind = kind,
		.text = text,
		.length = strlen(text),
	};

	view->face->show(view, NULL, &event);
}

bool view_is_live(const struct view *view)
{
	return view->face == &view_live;
}

int view_timeout(const struct view *view)
{
	return view->face->tick ? TICK : -1;
}

void view_tick(struct view *view)
{
	if (!view->face->tick || clock_ns() - view->ticked < TICK * (NANOSECONDS / 1000))
		return;
	view->ticked = clock_ns();
	view->face->tick(view);
}

void view_hide(struct view *view)
{
	if (view->face && view->face->hide)
		view->face->hide(view);
}
