/* --help, and the COMMANDS and OPTIONS sections of the manual in mdoc(7). */
#include "base/command_help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 30 /* where the explanation of an option or command begins */
#define HELP_WIDTH  90

/* Of every program, in no table. */
static const struct option_spec help_option = {
	.name = "help",
	.letter = 'h',
	.help = "show the help",
};
static const struct option_spec version_option = {
	.name = "version",
	.letter = 'v',
	.help = "show the version",
};

/* Words wrapped at HELP_WIDTH, each further line indented; the cursor stands there. */
static void append_words(struct str *out, size_t indent, const char *text)
{
	size_t column = indent;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > indent && column + 1 + word > HELP_WIDTH) {
			str_appendf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			str_append(out, " ");
			column++;
		}
		str_append_n(out, text, word);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	str_append(out, "\n");
}

/* The explanation of what stands on the line up to `column`. */
static void append_wrapped(struct str *out, size_t column, const char *text)
{
	if (column + 2 > HELP_COLUMN) {
		str_append(out, "\n");
		column = 0;
	}
	str_appendf(out, "%*s", (int)(HELP_COLUMN - column), "");
	append_words(out, HELP_COLUMN, text);
}

/* Paragraphs are wrapped; lines that begin with a blank are examples and stay. */
static void append_details(struct str *out, const char *details)
{
	auto_strings lines = { 0 };

	strings_split(&lines, details, '\n');
	str_append(out, "\n");
	strings_each (line, &lines) {
		if (**line == ' ' || **line == '\t' || !**line)
			str_appendf(out, "%s\n", *line);
		else
			append_words(out, 0, *line);
	}
}

/* A summary is a clause; in front of a text it is a sentence. */
static void append_sentence(struct str *out, const char *summary)
{
	str_append_char(out, (char)toupper((unsigned char)*summary));
	str_appendf(out, "%s.\n", summary + 1);
}

static char *option_explanation(const struct option_spec *option)
{
	auto_str text = { 0 };

	str_append(&text, option->help);
	if (option->values && !str_equal(option->values, option->argument))
		str_appendf(&text, ": %s", option->values);
	if (option->kind == OPTION_KIND_STRINGS)
		str_append(&text, " (may be repeated)");
	if (option->initial && *option->initial)
		str_appendf(&text, " (default %s)", option->initial);
	return str_take(&text);
}

static void append_option(struct str *out, const struct option_spec *option)
{
	auto_str left = { 0 };
	auto_free char *explanation = option_explanation(option);

	if (option->letter)
		str_appendf(&left, "  -%c, ", option->letter);
	else
		str_append(&left, "      ");
	str_appendf(&left, "--%s", option->name);
	if (option->argument)
		str_appendf(&left, option->bare ? "[=%s]" : " %s", option->argument);
	str_append(out, left.data);
	append_wrapped(out, left.length, explanation);
}

static void append_options(struct str *out, const struct option_spec *options)
{
	str_append(out, "\nOptions:\n");
	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (!options->hidden)
			append_option(out, options);
	}
	append_option(out, &help_option);
}

static void append_commands(struct str *out, const struct command *commands)
{
	str_append(out, "\nCommands:\n");
	for (; commands->name; commands++) {
		if (commands->hidden)
			continue;
		str_appendf(out, "  %s", commands->name);
		append_wrapped(out, 2 + strlen(commands->name), commands->summary);
	}
}

void command_help_program(struct str *out, const struct program *program)
{
	str_appendf(
		out, "Usage: %s [OPTION...] COMMAND [ARGUMENT...]\n\n", program->name);
	append_sentence(out, program->summary);
	append_commands(out, program->commands);
	append_options(out, program->options);
	append_option(out, &version_option);
	str_appendf(out, "\n%s COMMAND --help tells of one command.\n", program->name);
}

void command_help_command(
	struct str *out, const char *path, const struct command *command)
{
	str_appendf(out, "Usage: %s %s", path, command->name);
	if (command->commands)
		str_append(out, " COMMAND");
	else
		str_append(out, " [OPTION...]");
	if (command->operands)
		str_appendf(out, " %s", command->operands);
	str_append(out, "\n\n");
	append_sentence(out, command->summary);
	if (command->details)
		append_details(out, command->details);
	if (command->commands)
		append_commands(out, command->commands);
	append_options(out, command->options);
}

/* Text where roff would see requests and escapes. */
static void append_roff(struct str *out, const char *text)
{
	bool line_start = out->length && out->data[out->length - 1] == '\n';

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			str_append(out, "\\&");
		if (*text == '\\')
			str_append(out, "\\e");
		else if (*text == '-')
			str_append(out, "\\-");
		else
			str_append_char(out, *text);
		line_start = *text == '\n';
	}
}

static void append_roff_text(struct str *out, const char *text)
{
	append_roff(out, text);
	str_append(out, "\n");
}

static void append_roff_option(struct str *out, const struct option_spec *option)
{
	auto_free char *explanation = option_explanation(option);

	str_append(out, ".It ");
	if (option->letter)
		str_appendf(out, "Fl %c , ", option->letter);
	str_append(out, "Fl \\-");
	append_roff(out, option->name);
	if (option->argument) {
		str_append(out, option->bare ? " Ns Op = Ns Ar " : " Ar ");
		append_roff(out, option->argument);
	}
	str_append(out, "\n");
	append_roff(out, explanation);
	str_append(out, ".\n");
}

static void append_roff_options(struct str *out, const struct option_spec *options)
{
	bool any = false;

	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (options->hidden)
			continue;
		if (!any)
			str_append(out, ".Bl -tag -width Ds\n");
		any = true;
		append_roff_option(out, options);
	}
	if (any)
		str_append(out, ".El\n");
}

/* Paragraphs of --help are parted by empty lines; indented lines are examples. */
static void append_roff_details(struct str *out, const char *details)
{
	auto_strings lines = { 0 };
	bool literal = false;

	strings_split(&lines, details, '\n');
	str_append(out, ".Pp\n");
	strings_each (line, &lines) {
		bool indented = **line == ' ' || **line == '\t';

		if (indented != literal) {
			str_append(out,
				indented ? ".Bd -literal -offset indent\n" : ".Ed\n");
			literal = indented;
		}
		if (**line)
			append_roff_text(out, *line + strspn(*line, " \t"));
		else if (line + 1 < lines.items + lines.count && line[1][0] != ' ')
			str_append(out, ".Pp\n");
	}
	if (literal)
		str_append(out, ".Ed\n");
}

static void append_roff_commands(
	struct str *out, const char *path, const struct command *commands)
{
	for (; commands->name; commands++) {
		auto_free char *words = str_format("%s%s", path, commands->name);

		if (commands->hidden)
			continue;
		if (commands->commands) {
			auto_free char *below = str_format("%s ", words);

			append_roff_commands(out, below, commands->commands);
			continue;
		}
		str_append(out, ".It Cm ");
		append_roff(out, words);
		if (commands->options)
			str_append(out, " Oo Ar option ... Oc");
		if (commands->operands) {
			str_append(out, " Ar ");
			append_roff(out, commands->operands);
		}
		str_append(out, "\n");
		append_roff(out, commands->summary);
		str_append(out, ".\n");
		if (commands->details)
			append_roff_details(out, commands->details);
		append_roff_options(out, commands->options);
	}
}

static void append_mdoc(struct str *out, const struct program *program)
{
	str_append(out, ".Sh OPTIONS\nThese come before the command; ");
	str_append(out, "behind one,\n.Fl \\-help\ntells of it.\n");
	str_append(out, ".Bl -tag -width Ds\n");
	append_roff_option(out, &help_option);
	append_roff_option(out, &version_option);
	str_append(out, ".El\n");
	append_roff_options(out, program->options);
	str_append(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
	append_roff_commands(out, "", program->commands);
	str_append(out, ".El\n");
}

int command_help_format(struct str *out, const struct program *program,
	const char *format, struct error *err)
{
	static const struct {
		const char *name;
		void (*print)(struct str *out, const struct program *program);
	} formats[] = {
		{ "bash", command_complete_bash },
		{ "zsh", command_complete_zsh },
		{ "fish", command_complete_fish },
		{ "mdoc", append_mdoc },
	};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(formats[i].name, format) == 0) {
			formats[i].print(out, program);
			return 0;
		}
	}
	return fail_code(err, EINVAL,
		"help: expected --format=bash, zsh, fish or mdoc, found \"%s\"", format);
}
