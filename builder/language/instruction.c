/* The table of instructions, and what can be asked of a parsed one. */
#include "builder/language/instruction.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "builder/language/internal.h"

/* clang-format off */
const struct instruction_rule instruction_rules[INSTRUCTION_KINDS] = {
	[INSTRUCTION_ADD] = { "ADD", FORM_JSON_OR_WORDS,
		"checksum= chmod= chown= exclude=+ keep-git-dir link parents unpack",
		2, -1, "at least one source and a destination", .heredocs = true },
	[INSTRUCTION_ARG] = { "ARG", FORM_NAMES, NULL,
		1, -1, "a name, as in ARG NAME or ARG NAME=DEFAULT" },
	[INSTRUCTION_CMD] = { "CMD", FORM_JSON_OR_TEXT, NULL,
		0, -1, "a command", .may_be_bare = true },
	[INSTRUCTION_COPY] = { "COPY", FORM_JSON_OR_WORDS,
		"chmod= chown= exclude=+ from= link parents",
		2, -1, "at least one source and a destination", .heredocs = true },
	[INSTRUCTION_ENTRYPOINT] = { "ENTRYPOINT", FORM_JSON_OR_TEXT, NULL,
		0, -1, "a command", .may_be_bare = true },
	[INSTRUCTION_ENV] = { "ENV", FORM_PAIRS, NULL,
		2, -1, "a variable, as in ENV NAME=VALUE" },
	[INSTRUCTION_EXPOSE] = { "EXPOSE", FORM_WORDS, NULL,
		1, -1, "a port, as in EXPOSE 80 or EXPOSE 53/udp" },
	[INSTRUCTION_FROM] = { "FROM", FORM_WORDS, "platform=",
		1, 3, "an image, as in FROM IMAGE or FROM IMAGE AS STAGE", .no_trigger = true },
	[INSTRUCTION_HEALTHCHECK] = { "HEALTHCHECK", FORM_HEALTHCHECK,
		"interval= retries= start-interval= start-period= timeout=",
		1, -1, "CMD and a command, or NONE" },
	[INSTRUCTION_INCLUDE] = { "INCLUDE", FORM_TEXT, NULL,
		1, 1, "a file", .ours = true, .no_trigger = true },
	[INSTRUCTION_LABEL] = { "LABEL", FORM_PAIRS, NULL,
		2, -1, "a label, as in LABEL NAME=VALUE" },
	[INSTRUCTION_MAINTAINER] = { "MAINTAINER", FORM_TEXT, NULL,
		1, 1, "a name", .no_trigger = true },
	[INSTRUCTION_ONBUILD] = { "ONBUILD", FORM_TRIGGER, NULL,
		1, 1, "an instruction", .heredocs = true, .no_trigger = true },
	[INSTRUCTION_RUN] = { "RUN", FORM_JSON_OR_TEXT,
		"device=+ mount=+ network= security=",
		1, -1, "a command", .heredocs = true, .may_be_bare = true },
	[INSTRUCTION_SHELL] = { "SHELL", FORM_JSON_OR_TEXT, NULL,
		1, -1, "a JSON array, as in SHELL [\"/bin/bash\", \"-c\"]" },
	[INSTRUCTION_STOPSIGNAL] = { "STOPSIGNAL", FORM_TEXT, NULL,
		1, 1, "a signal, as in STOPSIGNAL SIGTERM" },
	[INSTRUCTION_UNSET] = { "UNSET", FORM_UNSET, NULL,
		2, -1, "ENV, EXPOSE, LABEL or VOLUME and a name", .ours = true },
	[INSTRUCTION_USER] = { "USER", FORM_TEXT, NULL,
		1, 1, "a user, as in USER NAME or USER UID:GID" },
	[INSTRUCTION_VOLUME] = { "VOLUME", FORM_JSON_OR_WORDS, NULL,
		1, -1, "a directory" },
	[INSTRUCTION_WORKDIR] = { "WORKDIR", FORM_TEXT, NULL,
		1, 1, "a directory" },
};
/* clang-format on */

const struct instruction_rule *instruction_find(const char *name, size_t length)
{
	for (size_t i = 0; i < INSTRUCTION_KINDS; i++)
		if (strlen(instruction_rules[i].name) == length &&
			strncasecmp(instruction_rules[i].name, name, length) == 0)
			return &instruction_rules[i];
	return NULL;
}

void line_free(struct line *line)
{
	free(line->text);
	free(line->parts);
	*line = (struct line){ 0 };
}

void tokens_add(struct tokens *tokens, char *text, size_t offset, size_t width)
{
	tokens->items = str_grow(tokens->items, tokens->count, sizeof(*tokens->items));
	tokens->items[tokens->count++] =
		(struct token){ .text = text, .offset = offset, .width = width };
}

static void tokens_free(struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++)
		free(tokens->items[i].text);
	free(tokens->items);
	*tokens = (struct tokens){ 0 };
}

void instruction_free(struct instruction *instruction)
{
	line_free(&instruction->line);
	free(instruction->name);
	tokens_free(&instruction->flags);
	tokens_free(&instruction->arguments);
	for (size_t i = 0; i < instruction->heredoc_count; i++) {
		free(instruction->heredocs[i].name);
		free(instruction->heredocs[i].content);
	}
	free(instruction->heredocs);
	strings_free(&instruction->comments);
	if (instruction->trigger)
		instruction_free(instruction->trigger);
	free(instruction->trigger);
	*instruction = (struct instruction){ 0 };
}

const char *instruction_flag(const struct instruction *instruction, const char *name)
{
	for (size_t i = 0; i < instruction->flags.count; i++) {
		const char *rest = str_after(instruction->flags.items[i].text, name);

		if (rest && (*rest == '=' || !*rest))
			return *rest ? rest + 1 : rest;
	}
	return NULL;
}

struct span line_span(const struct line *line, size_t offset, size_t width)
{
	const struct line_part *part = NULL;

	for (size_t i = 0; i < line->part_count && line->parts[i].offset <= offset; i++)
		part = &line->parts[i];
	if (!part)
		return (struct span){ .source = line->source, .line = line->first };
	return (struct span){
		.source = line->source,
		.line = part->line,
		.column = (uint32_t)(part->column + (offset - part->offset)),
		.width = (uint32_t)MAX(width, 1u),
	};
}

struct span instruction_span(
	const struct instruction *instruction, const struct token *token)
{
	const char *name = instruction->name ? instruction->name : "";

	if (token)
		return line_span(&instruction->line, token->offset, token->width);
	return line_span(&instruction->line, 0, strlen(name));
}

int instruction_fail(const struct instruction *instruction, const struct token *token,
	struct error *err, const char *format, ...)
{
	struct error message;
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message.text, sizeof(message.text), format, arguments);
	va_end(arguments);
	return span_fail(instruction_span(instruction, token), err, "%s", message.text);
}

char *instruction_display(const struct instruction *instruction)
{
	auto_str str = { 0 };
	const char *text = instruction->line.text;

	/* Runs of blanks, which continuation lines leave behind, become one. */
	for (size_t i = 0; i < instruction->line.length; i++) {
		bool blank = strchr(" \t", text[i]) != NULL;

		if (!blank)
			str_append_char(&str, text[i]);
		else if (str.length && str.data[str.length - 1] != ' ')
			str_append_char(&str, ' ');
	}
	return str_take(&str);
}
