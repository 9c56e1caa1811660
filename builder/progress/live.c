/*
 * A terminal: what has ended scrolls away as lines that stay, and below them a part that
 * is drawn again and again shows what runs now, the last lines of its output with it.
 * The output of a step that failed stays in full.
 *
 * The part never reaches the last column, so the terminal wraps none of its lines; when
 * the terminal has become narrower it has wrapped them, which is counted then.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "builder/progress/view.h"
#include "builder/size.h"

#define DIM         "\033[2m"
#define RED         "\033[31m"
#define BOLD        "\033[1m"

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"

static struct winsize terminal_size(void)
{
	struct winsize size = { 0 };

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size); /* then it is as most are */
	if (size.ws_col < 10)
		size.ws_col = size.ws_col ? 10 : 80;
	if (size.ws_row < 3)
		size.ws_row = size.ws_row ? 3 : 24;
	return size;
}

/* ---- the part that changes ----------------------------------------------------------- */

static void erase(struct view *view)
{
	size_t columns = terminal_size().ws_col;
	size_t lines = 0;

	for (size_t i = 0; i < view->rows; i++)
		lines += 1 + (view->widths[i] ? (view->widths[i] - 1) / columns : 0);
	if (lines > 0)
		printf("\033[%zuA\r\033[J", lines);
	view->rows = 0;
}

/* Bytes of the text's first `columns` characters; those of Asia take two, roughly. */
static size_t cut(const char *text, size_t columns, size_t *ret_width)
{
	size_t i = 0, width = 0;

	while (text[i]) {
		unsigned char c = (unsigned char)text[i];
		size_t bytes = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		size_t takes = c == '\t' || (c >= 0xe1 && c < 0xf8) ? 2 : 1;

		if (width + takes > columns || strnlen(&text[i], bytes) < bytes)
			break;
		width += takes;
		i += bytes;
	}
	*ret_width = width;
	return i;
}

static const char *colour(const struct view *view, const char *code)
{
	return view->colours ? code : "";
}

/* A line of the part: text on the left, another on the right, in one colour. */
static void draw(struct view *view, const char *code, const char *left, const char *right)
{
	size_t columns = terminal_size().ws_col - 1u;
	size_t reserved = MIN(strlen(right), columns);
	auto_free char *plain = str_dup(left);
	size_t width, bytes;

	for (char *c = plain; *c; c++)
		*c = *c == '\t' || *c == '\n' ? ' ' : *c;
	bytes = cut(plain, columns - reserved, &width);
	printf("%s%.*s%*s%.*s%s\n", colour(view, code), (int)bytes, plain,
		(int)(columns - reserved - width), "", (int)reserved, right,
		*code ? colour(view, "\033[m") : "");
	view->widths = str_realloc(view->widths, view->rows + 1, sizeof(*view->widths));
	view->widths[view->rows++] = columns;
}

static char *step_title(const struct view_stage *stage, const char *mark)
{
	if (stage->step == 0)
		return str_format("[%s] %s%s", stage->name ? stage->name : "FROM", mark,
			stage->text);
	return str_format("[%s%s%u/%u] %s%s", stage->name ? stage->name : "",
		stage->name ? " " : "", stage->step, stage->total, mark, stage->text);
}

static void draw_stage(struct view *view, const struct view_stage *stage, size_t room)
{
	auto_free char *title = step_title(stage, "");
	auto_free char *seconds = str_format(" %.1fs", view_seconds(stage->step_began));
	size_t lines = MIN(stage->tail_count, room - 1);

	draw(view, "", title, seconds);
	for (size_t i = stage->tail_count - lines; i < stage->tail_count; i++) {
		auto_free char *line = str_format("  %s", stage->tail[i]);

		draw(view, DIM, line, "");
	}
}

static size_t count_busy(const struct view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->count; i++)
		count += view->stages[i].busy;
	return count;
}

/* One row stays free for the cursor; stages beyond the terminal's height are not drawn. */
static void draw_all(struct view *view)
{
	size_t room = terminal_size().ws_row - 1u;
	size_t busy = count_busy(view);
	size_t each = busy ? MAX(room / busy, 1u) : 0;

	if (busy == 0)
		return;
	if (!view->cursor_hidden)
		printf(HIDE_CURSOR);
	view->cursor_hidden = true;
	for (size_t i = 0; i < view->count && room > 0; i++) {
		size_t before = view->rows;

		if (!view->stages[i].busy)
			continue;
		draw_stage(view, &view->stages[i], MIN(each, room));
		room -= view->rows - before;
	}
}

/* ---- lines that stay ----------------------------------------------------------------- */

static void keep(const struct view *view, const char *code, const char *text)
{
	printf("%s%s%s\n", colour(view, code), text, *code ? colour(view, "\033[m") : "");
}

static void keep_end(const struct view *view, const struct view_stage *stage,
	const struct progress_event *event)
{
	auto_free char *title = step_title(stage, "");
	double seconds = view_seconds(stage->step_began);

	if (event->kind == PROGRESS_STEP_FAILED)
		printf("%s%s%s failed after %.1fs\n", colour(view, RED), title,
			colour(view, "\033[m"), seconds);
	else if (event->kind == PROGRESS_STEP_SHARED)
		printf("%s %.1fs, by another stage\n", title, seconds);
	else
		printf("%s %.1fs%s%s\n", title, seconds, event->bytes ? ", " : "",
			event->bytes ? size_text(event->bytes).text : "");
}

static void keep_log(struct view *view, struct view_stage *stage)
{
	char piece[4096];
	size_t length;

	if (!stage->log)
		return;
	rewind(stage->log);
	while ((length = fread(piece, 1, sizeof(piece), stage->log)) > 0)
		(void)!fwrite(piece, 1, length, stdout); /* as all that is shown */
}

/* On disk, without a name: however much a step prints. */
static void remember_line(struct view_stage *stage, const char *text)
{
	if (stage->replaces && stage->tail_count > 0) {
		free(stage->tail[--stage->tail_count]);
	} else if (stage->tail_count == VIEW_TAIL) {
		free(stage->tail[0]);
		memmove(&stage->tail[0], &stage->tail[1],
			(VIEW_TAIL - 1) * sizeof(stage->tail[0]));
		stage->tail_count--;
	}
	stage->tail[stage->tail_count++] = str_dup(text);
	if (!stage->log)
		stage->log = tmpfile();
	if (stage->log)
		fprintf(stage->log, "  | %s\n", text);
}

static void keep_instant(const struct view *view, const struct view_stage *stage,
	const struct progress_event *event)
{
	bool cached = event->kind == PROGRESS_STEP_CACHED;
	auto_free char *title = step_title(stage, cached ? "CACHED " : "");

	keep(view, cached ? DIM : "", title);
}

static void keep_why(const struct view *view, const struct progress_event *event)
{
	auto_free char *text = str_format("  why: %s", event->text);

	keep(view, "", text);
}

static void show_of_build(const struct view *view, const struct progress_event *event)
{
	if (event->kind == PROGRESS_WARNING)
		printf("warning: %s\n", event->text);
	if (event->kind == PROGRESS_BUILD_DONE)
		printf("%sbuilt in %.2f s%s\n", colour(view, BOLD),
			view_seconds(view->began), colour(view, "\033[m"));
}

static void show_of_stage(
	struct view *view, struct view_stage *stage, const struct progress_event *event)
{
	switch (event->kind) {
	case PROGRESS_STEP_CACHED:
	case PROGRESS_STEP_APPLIED:
		keep_instant(view, stage, event);
		break;
	case PROGRESS_STEP_WHY:
		keep_why(view, event);
		break;
	case PROGRESS_STEP_FAILED:
		keep_end(view, stage, event);
		keep_log(view, stage);
		break;
	case PROGRESS_SHELL:
		printf("%s in the step's container; the build fails when it ends\n",
			event->text);
		break;
	case PROGRESS_STEP_DONE:
	case PROGRESS_STEP_SHARED:
		keep_end(view, stage, event);
		break;
	default:
		break;
	}
}

static void tick(struct view *view)
{
	erase(view);
	draw_all(view);
	fflush(stdout);
}

static void hide(struct view *view)
{
	erase(view);
	if (view->cursor_hidden)
		printf(SHOW_CURSOR);
	view->cursor_hidden = false;
	fflush(stdout);
}

static void show(
	struct view *view, struct view_stage *stage, const struct progress_event *event)
{
	if (event->kind == PROGRESS_OUTPUT) { /* drawn with the next tick */
		remember_line(stage, event->text);
		return;
	}
	erase(view);
	if (stage)
		show_of_stage(view, stage, event);
	else
		show_of_build(view, event);
	if (event->kind == PROGRESS_BUILD_DONE || event->kind == PROGRESS_BUILD_FAILED)
		hide(view);
	else
		draw_all(view);
	fflush(stdout);
}

const struct view_face view_live = { .show = show, .tick = tick, .hide = hide };
