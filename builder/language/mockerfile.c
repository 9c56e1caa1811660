/*
 * The parser: lexer_next() gives a logical line, parse_line() makes an instruction of it,
 * heredocs take the lines that follow, INCLUDE descends into another file.
 */
#include "builder/language/mockerfile.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "builder/language/arguments.h"
#include "builder/language/heredoc.h"
#include "builder/language/internal.h"
#include "builder/language/lexer.h"

struct parser {
	struct mockerfile *file;
	const struct mockerfile_loader *loader;
	unsigned depth;
};

static int parse_source(
	struct parser *parser, const struct source *source, struct error *err);

static const struct source *add_source(
	struct mockerfile *file, const char *name, const char *text, size_t length)
{
	struct source *source = str_alloc(sizeof(*source));

	source_init(source, name, text, length);
	file->sources = str_realloc(
		file->sources, file->source_count + 1, sizeof(struct source *));
	file->sources[file->source_count++] = source;
	return source;
}

/* ---- one line ---- */

static const char *next_name(void *state)
{
	size_t *i = state;

	return *i < INSTRUCTION_KINDS ? instruction_rules[(*i)++].name : NULL;
}

static int unknown_instruction(
	const struct instruction *instruction, struct token token, struct error *err)
{
	size_t state = 0;
	const char *near = str_nearest(instruction->name, next_name, &state);

	if (near)
		return instruction_fail(instruction, &token, err,
			"there is no instruction %s; did you mean %s?", instruction->name,
			near);
	return instruction_fail(instruction, &token, err, "there is no instruction %s",
		instruction->name);
}

/* ONBUILD's own: the rest of the line is an instruction, in a line of its own that knows
 * where it stood. */
static struct line line_from(const struct line *line, size_t at)
{
	struct line rest = *line;
	struct span span = line_span(line, at, 1);

	rest.text = str_dup(line->text + at);
	rest.length = line->length - at;
	rest.parts = str_alloc((line->part_count + 1) * sizeof(*rest.parts));
	rest.parts[0] = (struct line_part){ 0, span.line, span.column };
	rest.part_count = 1;
	for (size_t i = 0; i < line->part_count; i++)
		if (line->parts[i].offset > at) {
			rest.parts[rest.part_count] = line->parts[i];
			rest.parts[rest.part_count++].offset -= at;
		}
	return rest;
}

static int parse_line(struct instruction *instruction, struct error *err);

static int parse_trigger(struct instruction *instruction, size_t at, struct error *err)
{
	const struct line *line = &instruction->line;
	struct instruction *trigger;

	if (at == line->length)
		return instruction_fail(
			instruction, NULL, err, "ONBUILD needs an instruction");
	trigger = str_alloc(sizeof(*trigger));
	trigger->line = line_from(line, at);
	instruction->trigger = trigger;
	if (parse_line(trigger, err) < 0)
		return -1;
	if (trigger->rule->no_trigger)
		return instruction_fail(trigger, NULL, err, "ONBUILD cannot hold %s",
			trigger->rule->name);
	return 0;
}

/* Fills an instruction of which the line is known. */
static int parse_line(struct instruction *instruction, struct error *err)
{
	const struct line *line = &instruction->line;
	size_t length = 0, at;

	while (length < line->length && !is_blank(line->text[length]))
		length++;
	instruction->name = str_dup_n(line->text, length);
	instruction->rule = instruction_find(line->text, length);
	if (!instruction->rule)
		return unknown_instruction(
			instruction, (struct token){ .offset = 0, .width = length }, err);
	instruction->kind =
		(enum instruction_kind)(instruction->rule - instruction_rules);
	if (arguments_read_flags(instruction, length, &at, err) < 0)
		return -1;
	if (instruction->kind == INSTRUCTION_ONBUILD)
		return parse_trigger(instruction, at, err);
	return arguments_read(instruction, at, err);
}

/* ---- INCLUDE ---- */

static int check_include(const struct parser *parser,
	const struct instruction *instruction, const char *path, struct error *err)
{
	const struct token *token = &instruction->arguments.items[0];

	if (!parser->loader)
		return instruction_fail(instruction, token, err,
			"there is no build context that INCLUDE could read \"%s\" from",
			path);
	if (parser->depth >= MOCKERFILE_INCLUDE_DEPTH_MAX)
		return instruction_fail(instruction, token, err,
			"INCLUDE is nested more than %d deep; does \"%s\" include itself?",
			MOCKERFILE_INCLUDE_DEPTH_MAX, path);
	return 0;
}

static int include(
	struct parser *parser, const struct instruction *instruction, struct error *err)
{
	const struct token *token = &instruction->arguments.items[0];
	auto_free char *path = str_dup(token->text);
	auto_free char *text = NULL;
	const struct source *source;
	size_t length;
	int result;

	if (check_include(parser, instruction, path, err) < 0)
		return -1;
	if (parser->loader->load(parser->loader->argument, path, &text, &length, err) < 0)
		return span_fail_while(instruction_span(instruction, token), err);
	source = add_source(parser->file, path, text, length);
	parser->depth++;
	result = parse_source(parser, source, err);
	parser->depth--;
	return result;
}

/* ---- files ---- */

static void add_instruction(
	struct mockerfile *file, const struct instruction *instruction)
{
	file->instructions = str_grow(
		file->instructions, file->instruction_count, sizeof(*file->instructions));
	file->instructions[file->instruction_count++] = *instruction;
}

/* Takes the instruction in every case. */
static int parse_instruction(struct parser *parser, struct lexer *lexer,
	struct instruction *instruction, struct error *err)
{
	int result = parse_line(instruction, err);

	if (result == 0 && parser->file->instruction_count >= MOCKERFILE_INSTRUCTIONS_MAX)
		result = instruction_fail(instruction, NULL, err,
			"there are more than %d instructions",
			MOCKERFILE_INSTRUCTIONS_MAX);
	if (result == 0)
		result = heredoc_read_all(lexer, instruction, err);
	if (result == 0 && instruction->kind == INSTRUCTION_INCLUDE) {
		result = include(parser, instruction, err);
	} else if (result == 0) {
		add_instruction(parser->file, instruction);
		return 0;
	}
	instruction_free(instruction);
	return result;
}

static int parse_source(
	struct parser *parser, const struct source *source, struct error *err)
{
	struct lexer lexer;
	struct line line;
	auto_strings comments = { 0 };
	int result = 0;

	if (lexer_init(&lexer, source, err) < 0)
		return -1;
	if (parser->depth == 0) {
		parser->file->escape = lexer.escape;
		parser->file->syntax = take_ptr(&lexer.syntax);
		parser->file->check = lexer.check;
		lexer.check = (struct check){ 0 };
	}
	while (result == 0 && lexer_next(&lexer, &line, &comments)) {
		struct instruction instruction = { .line = line, .comments = comments };

		comments = (struct strings){ 0 };
		result = parse_instruction(parser, &lexer, &instruction, err);
	}
	lexer_free(&lexer);
	return result;
}

int mockerfile_parse(const char *name, const char *text, size_t length,
	const struct mockerfile_loader *loader, struct mockerfile *ret, struct error *err)
{
	auto_mockerfile file = { 0 };
	struct parser parser = { .file = &file, .loader = loader };
	const struct source *source = add_source(&file, name, text, length);

	if (parse_source(&parser, source, err) < 0)
		return -1;
	if (file.instruction_count == 0)
		return fail(err, "%s holds no instructions", name);
	*ret = file;
	file = (struct mockerfile){ 0 };
	return 0;
}

static int load_from_context(void *argument, const char *path, char **ret,
	size_t *ret_length, struct error *err)
{
	struct fd_read_options options = { MOCKERFILE_SIZE_MAX, .regular_only = true };
	const int *context_fd = argument;
	auto_fd fd = -1;

	/* Without O_NONBLOCK a FIFO of the context would hold the build up. */
	if (path_open_in_root(*context_fd, path, O_RDONLY | O_NONBLOCK, 0, &fd, err) < 0)
		return -1;
	return fd_read_all(fd, path, options, ret, ret_length, err);
}

static int read_text(
	int dir_fd, const char *path, char **ret, size_t *ret_length, struct error *err)
{
	struct fd_read_options options = { .limit = MOCKERFILE_SIZE_MAX };

	if (strcmp(path, "-") != 0)
		return file_read_at(
			dir_fd, path, MOCKERFILE_SIZE_MAX, ret, ret_length, err);
	return fd_read_all(
		0, "the Mockerfile on standard input", options, ret, ret_length, err);
}

int mockerfile_read(int dir_fd, const char *path, int context_fd, struct mockerfile *ret,
	struct error *err)
{
	struct mockerfile_loader loader = { load_from_context, &context_fd };
	auto_free char *text = NULL;
	size_t length;

	if (read_text(dir_fd, path, &text, &length, err) < 0)
		return -1;
	return mockerfile_parse(
		path, text, length, context_fd >= 0 ? &loader : NULL, ret, err);
}

int mockerfile_read_beneath(
	int context_fd, const char *path, struct mockerfile *ret, struct error *err)
{
	struct mockerfile_loader loader = { load_from_context, &context_fd };
	auto_free char *text = NULL;
	size_t length;

	if (load_from_context(&context_fd, path, &text, &length, err) < 0)
		return err->errnum == ENOENT
			       ? fail_code(
					 err, ENOENT, "the build context has no %s", path)
			       : -1;
	return mockerfile_parse(path, text, length, &loader, ret, err);
}

void mockerfile_free(struct mockerfile *file)
{
	for (size_t i = 0; i < file->instruction_count; i++)
		instruction_free(&file->instructions[i]);
	free(file->instructions);
	for (size_t i = 0; i < file->source_count; i++) {
		source_free(file->sources[i]);
		free(file->sources[i]);
	}
	free(file->sources);
	free(file->syntax);
	check_free(&file->check);
	*file = (struct mockerfile){ 0 };
}
