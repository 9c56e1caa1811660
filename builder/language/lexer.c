/*
 * Logical lines: a line that ends in the escape character goes on in the next; comments
 * and empty lines in between are dropped, the blanks that a line begins with are kept
 * (and dropped only before the instruction's name).
 */
#include "builder/language/lexer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "builder/language/internal.h"

struct physical {
	const char *text;
	size_t length;
};

static bool physical_line(
	const struct source *source, uint32_t number, struct physical *ret)
{
	ret->text = source_line(source, number, &ret->length);
	if (!ret->text)
		return false;
	while (ret->length > 0 && ret->text[ret->length - 1] == '\r')
		ret->length--;
	return true;
}

static size_t blanks(struct physical line)
{
	size_t i = 0;

	while (i < line.length && is_blank(line.text[i]))
		i++;
	return i;
}

static bool is_comment(struct physical line)
{
	size_t start = blanks(line);

	return start < line.length && line.text[start] == '#';
}

static bool is_empty(struct physical line)
{
	return blanks(line) == line.length;
}

/* The length without the escape character at the end. Two of them are text. */
static bool continues(struct physical line, char escape, size_t *ret_length)
{
	size_t end = line.length;

	while (end > 0 && strchr(" \t", line.text[end - 1]))
		end--;
	if (end == 0 || line.text[end - 1] != escape)
		return false;
	if (end > 1 && line.text[end - 2] == escape)
		return false;
	*ret_length = end - 1;
	return true;
}

static void add_part(struct line *line, struct str *text, struct physical from,
	uint32_t number, uint32_t column)
{
	line->parts = str_grow(line->parts, line->part_count, sizeof(*line->parts));
	line->parts[line->part_count++] = (struct line_part){
		.offset = text->length, .line = number, .column = column
	};
	str_append_n(text, from.text, from.length);
}

static void remember_comment(struct physical line, struct strings *comments)
{
	size_t start = blanks(line) + 1;
	size_t end = line.length;

	while (start < end && is_blank(line.text[start]))
		start++;
	while (end > start && is_blank(line.text[end - 1]))
		end--;
	if (start == end)
		strings_free(comments);
	else
		strings_add_take(comments, str_dup_n(line.text + start, end - start));
}

/* Joins what follows while lines continue; `more` says whether the first one does. */
static void join(struct lexer *lexer, struct line *line, struct str *text, bool more)
{
	struct physical physical;

	while (more && physical_line(lexer->source, lexer->next, &physical)) {
		uint32_t number = lexer->next++;

		if (is_comment(physical))
			continue;
		if (is_empty(physical)) {
			line->has_empty_continuation = true;
			continue;
		}
		more = continues(physical, lexer->escape, &physical.length);
		add_part(line, text, physical, number, 0);
		line->last = number;
	}
}

/* Blanks at the end belong to no argument. */
static void finish(struct line *line, struct str *text)
{
	while (text->length > 0 && is_blank(text->data[text->length - 1]))
		text->data[--text->length] = '\0';
	line->length = text->length;
	line->text = str_take(text);
}

bool lexer_next(struct lexer *lexer, struct line *ret, struct strings *comments)
{
	struct physical physical;

	while (physical_line(lexer->source, lexer->next, &physical)) {
		auto_str text = { 0 };
		struct line line = { .source = lexer->source, .escape = lexer->escape };
		size_t start = blanks(physical);
		uint32_t number = lexer->next++;
		bool more;

		if (is_comment(physical)) {
			remember_comment(physical, comments);
			continue;
		}
		if (start == physical.length) {
			strings_free(comments);
			continue;
		}
		more = continues(physical, lexer->escape, &physical.length);
		line.first = line.last = number;
		physical.text += start;
		physical.length -= MIN(start, physical.length);
		add_part(&line, &text, physical, number, (uint32_t)start);
		join(lexer, &line, &text, more);
		finish(&line, &text);
		if (line.length > 0) {
			*ret = line;
			return true;
		}
		line_free(&line);
	}
	return false;
}

char *lexer_read_heredoc(
	struct lexer *lexer, const char *terminator, bool chomp, bool *ret_terminated)
{
	auto_str content = { 0 };
	const char *text;
	size_t length;

	*ret_terminated = false;
	while ((text = source_line(lexer->source, lexer->next, &length))) {
		size_t end = length;

		lexer->next++;
		if (chomp)
			for (; length > 0 && *text == '\t'; text++, length--, end--)
				;
		while (end > 0 && text[end - 1] == '\r')
			end--;
		if (end == strlen(terminator) && memcmp(text, terminator, end) == 0) {
			*ret_terminated = true;
			break;
		}
		str_append_n(&content, text, length);
		str_append_char(&content, '\n');
	}
	return str_take(&content);
}

/* "# name = value": its two halves. */
static bool split_directive(
	struct physical line, struct physical *name, struct physical *value)
{
	size_t i = 1, end = line.length;

	if (line.length == 0 || line.text[0] != '#')
		return false;
	while (i < end && is_blank(line.text[i]))
		i++;
	name->text = line.text + i;
	while (i < end && isalnum((unsigned char)line.text[i]))
		i++;
	name->length = (size_t)(line.text + i - name->text);
	while (i < end && is_blank(line.text[i]))
		i++;
	if (name->length == 0 || i == end || line.text[i++] != '=')
		return false;
	while (i < end && is_blank(line.text[i]))
		i++;
	while (end > i && is_blank(line.text[end - 1]))
		end--;
	*value = (struct physical){ line.text + i, end - i };
	return end > i;
}

static bool is_name(struct physical name, const char *wanted)
{
	return name.length == strlen(wanted) &&
	       strncasecmp(name.text, wanted, name.length) == 0;
}

static int set_once(char **slot, struct physical value, struct span span,
	const char *name, struct error *err)
{
	if (*slot)
		return span_fail(
			span, err, "the directive \"%s\" stands here twice", name);
	*slot = str_dup_n(value.text, value.length);
	return 0;
}

static int set_check(
	struct lexer *lexer, struct physical value, struct span span, struct error *err)
{
	auto_free char *text = NULL;

	if (lexer->has_check)
		return span_fail(span, err, "the directive \"check\" stands here twice");
	text = str_dup_n(value.text, value.length);
	lexer->has_check = true;
	return check_parse(text, span, &lexer->check, err);
}

/* Directives stand before everything else; the first other line ends them. */
static int read_directives(struct lexer *lexer, uint32_t number, struct error *err)
{
	struct physical line, name, value;
	auto_free char *escape = NULL;

	for (; physical_line(lexer->source, number, &line); number++) {
		struct span span = { .source = lexer->source, .line = number };
		int set;

		if (!split_directive(line, &name, &value))
			return 0;
		if (is_name(name, "syntax"))
			set = set_once(&lexer->syntax, value, span, "syntax", err);
		else if (is_name(name, "check"))
			set = set_check(lexer, value, span, err);
		else if (is_name(name, "escape"))
			set = set_once(&escape, value, span, "escape", err);
		else
			return 0;
		if (set < 0)
			return -1;
		if (!escape || !is_name(name, "escape"))
			continue;
		if (!str_equal(escape, "\\") && !str_equal(escape, "`"))
			return span_fail(span, err,
				"the escape character is \\ or `, not \"%s\"", escape);
		lexer->escape = *escape;
	}
	return 0;
}

int lexer_init(struct lexer *lexer, const struct source *source, struct error *err)
{
	const char *zero = memchr(source->text, '\0', source->length);
	struct physical first;
	uint32_t number = 1;

	*lexer = (struct lexer){ .source = source, .next = 1, .escape = '\\' };
	if (zero) {
		for (const char *c = source->text; c < zero; c++)
			number += *c == '\n';
		return span_fail((struct span){ .source = source }, err,
			"line %u holds a zero byte; is this a text file?", number);
	}
	/* An executable Mockerfile's "#!" line is nobody's directive. */
	if (physical_line(source, 1, &first) && first.length >= 2 &&
		memcmp(first.text, "#!", 2) == 0)
		number = 2;
	if (read_directives(lexer, number, err) < 0) {
		lexer_free(lexer);
		return -1;
	}
	return 0;
}

void lexer_free(struct lexer *lexer)
{
	free(lexer->syntax);
	check_free(&lexer->check);
	lexer->syntax = NULL;
}
