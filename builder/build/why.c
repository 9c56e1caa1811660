/*
 * A stage's memo is a text, a step after the other:
 *
 *	= RUN make install         the title
 *	p 0123456789abcdef what the steps before it made
 *	f fedcba9876543210 src/main.c
 *
 * A step is compared with the one of the same title; where the title is another one, the
 * instruction was changed or is new.
 */
#include "builder/build/why.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/build/cache.h"
#include "builder/digest.h"

#define MEMO_MAX    (64u << 20)
#define REASONS_MAX 5
#define MARK_AT     2  /* in a line: behind the kind */
#define NAME_AT     19 /* and behind that */

void why_free(struct why *why)
{
	free(why->key);
	str_free(&why->before);
	str_free(&why->now);
	*why = (struct why){ 0 };
}

int why_begin(struct why *why, const struct store *store, const char *place,
	const char *stage, struct error *err)
{
	auto_digest key = { 0 };
	auto_free char *text = NULL;
	size_t length = 0;
	struct error first;

	cache_key_begin(&key, "why", place);
	digest_add_text(&key, stage);
	*why = (struct why){ .key = str_dup(digest_end(&key).hex) };
	if (file_read_at(store->memo_fd, why->key, MEMO_MAX, &text, &length, &first) ==
		0) {
		str_append_n(&why->before, text, length);
		return 0;
	}
	if (first.errnum == ENOENT)
		return 0;
	*err = first;
	return -1;
}

static void append_title(struct str *text, const char *title)
{
	str_append(text, "= ");
	for (; *title; title++)
		str_append_char(text, *title == '\n' ? ' ' : *title);
	str_append_char(text, '\n');
}

void why_add(struct why *why, const char *title, const struct inputs *inputs)
{
	append_title(&why->now, title);
	str_append_n(&why->now, inputs->list.data, inputs->list.length);
	why->steps++;
}

int why_keep(const struct why *why, const struct store *store, struct error *err)
{
	struct file_replace_options options = { .mode = 0600 };

	if (why->now.length == why->before.length &&
		(why->now.length == 0 ||
			memcmp(why->now.data, why->before.data, why->now.length) == 0))
		return 0;
	return file_replace_at(
		store->memo_fd, why->key, why->now.data, why->now.length, options, err);
}

/* ---- finding the step in the memo ---------------------------------------------------- */

/* A step's lines: from its title to the next one's. */
struct part {
	const char *begin;
	const char *end;
};

static bool next_part(struct part *part, const char *end)
{
	const char *next;

	if (part->end >= end)
		return false;
	part->begin = part->end;
	next = strstr(part->begin, "\n= ");
	part->end = next && next < end ? next + 1 : end;
	return true;
}

static bool same_title(const struct part *a, const struct part *b)
{
	size_t length = strcspn(a->begin, "\n");

	return length == strcspn(b->begin, "\n") &&
	       memcmp(a->begin, b->begin, length) == 0;
}

/* The n-th step of the text; or, with `like`, the n-th that has its title. Counts from 1. */
static bool find_part(
	const struct str *text, size_t n, const struct part *like, struct part *ret)
{
	struct part part = { text->data, text->data };

	while (text->length > 0 && next_part(&part, text->data + text->length)) {
		if (like && !same_title(&part, like))
			continue;
		if (--n > 0)
			continue;
		*ret = part;
		return true;
	}
	return false;
}

static size_t count_like(const struct str *text, const struct part *like)
{
	struct part ignored;
	size_t n = 0;

	while (find_part(text, n + 1, like, &ignored))
		n++;
	return n;
}

/* ---- comparing ----------------------------------------------------------------------- */

/* By kind and name; the mark between them says whether it changed. */
static int compare_lines(const void *a, const void *b)
{
	const char *one = *(char *const *)a;
	const char *other = *(char *const *)b;

	return one[0] != other[0] ? one[0] - other[0]
				  : strcmp(one + NAME_AT, other + NAME_AT);
}

static void list_lines(const struct part *part, struct strings *ret)
{
	const char *line = part->begin + strcspn(part->begin, "\n") + 1;

	while (line < part->end) {
		size_t length = strcspn(line, "\n");

		if (length > NAME_AT)
			strings_add_take(ret, str_dup_n(line, length));
		line += length + 1;
	}
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_lines);
}

static const char *prefix_of(char kind)
{
	return kind == INPUT_VARIABLE ? "the variable "
	       : kind == INPUT_SOURCE ? "what it reads of "
				      : "";
}

/* What sums up other inputs, and is a reason only where none of those is one. */
static bool is_summary(char kind)
{
	return kind == INPUT_WORDS || kind == INPUT_CONTENT;
}

struct reasons {
	struct strings *list;
	size_t count;
	const char *summary; /* a line */
};

static void add_reason(struct reasons *reasons, const char *line, const char *what)
{
	if (is_summary(line[0])) {
		reasons->summary = line;
		return;
	}
	if (++reasons->count <= REASONS_MAX)
		strings_addf(reasons->list, "%s%s %s", prefix_of(line[0]), line + NAME_AT,
			what);
}

static void add_change(struct reasons *reasons, const char *before, const char *now)
{
	auto_free char *what =
		str_format("was " DIGEST_PREFIX "%.12s, and is " DIGEST_PREFIX "%.12s",
			before + MARK_AT, now + MARK_AT);

	if (strncmp(before, now, NAME_AT) != 0)
		add_reason(reasons, now, now[0] == INPUT_DIGEST ? what : "changed");
}

/* Both are sorted. */
static void compare(
	const struct strings *before, const struct strings *now, struct strings *ret)
{
	struct reasons reasons = { .list = ret };
	size_t i = 0, j = 0;

	while (i < before->count || j < now->count) {
		int order = i == before->count ? 1
			    : j == now->count
				    ? -1
				    : compare_lines(&before->items[i], &now->items[j]);

		if (order < 0)
			add_reason(&reasons, before->items[i++], "is gone");
		else if (order > 0)
			add_reason(&reasons, now->items[j++], "is new");
		else
			add_change(&reasons, before->items[i++], now->items[j++]);
	}
	if (reasons.count > REASONS_MAX)
		strings_addf(ret, "and %zu more", reasons.count - REASONS_MAX);
	if (reasons.count == 0 && reasons.summary)
		strings_addf(ret, "%s changed", reasons.summary + NAME_AT);
	else if (reasons.count == 0)
		strings_add(ret, "its result is not in the store any more");
}

static bool same_instruction(const struct part *a, const struct part *b)
{
	size_t length = 2 + strcspn(a->begin + 2, " \n");

	return strncmp(a->begin, b->begin, length) == 0;
}

/* No step of this title was there. What stood at its place, is of the same instruction and
 * has not been met is taken for what it was. */
static void explain_title(
	const struct why *why, const struct part *step, struct strings *ret)
{
	struct part old;

	if (why->before.length == 0)
		strings_add(ret, "this stage is built here for the first time");
	else if (find_part(&why->before, why->steps, NULL, &old) &&
		 same_instruction(step, &old) && count_like(&why->now, &old) == 0)
		strings_addf(ret, "the instruction changed; it was %.*s",
			(int)strcspn(old.begin + 2, "\n"), old.begin + 2);
	else
		strings_add(ret, "the instruction is new");
}

void why_explain(const struct why *why, struct strings *ret)
{
	auto_strings before = { 0 };
	auto_strings now = { 0 };
	struct part step, old;

	if (!find_part(&why->now, why->steps, NULL, &step))
		return;
	if (!find_part(&why->before, count_like(&why->now, &step), &step, &old)) {
		explain_title(why, &step, ret);
		return;
	}
	list_lines(&old, &before);
	list_lines(&step, &now);
	compare(&before, &now, ret);
}
