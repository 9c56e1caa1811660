/* Completions for bash, zsh and fish, written from the command table. */
#include <string.h>

#include "base/command_help.h"

/* A shell function's name: "mocker-runtime" is _mocker_runtime. */
static char *function_name(const struct program *program)
{
	char *name = str_format("_%s", program->name);

	for (char *c = name; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return name;
}

static bool is_group(const struct command *command)
{
	return command->commands;
}

static void append_option_words(struct str *out, const struct option_spec *options)
{
	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (!options->hidden)
			str_appendf(out, " --%s", options->name);
	}
	str_append(out, " --help");
}

/* The arms of the case that finds the command: every path of command words. */
static void append_bash_paths(
	struct str *out, const char *path, const struct command *commands)
{
	for (; commands->name; commands++) {
		auto_free char *below = str_format("%s %s", path, commands->name);

		if (commands->hidden)
			continue;
		str_appendf(out, "\t\t\"%s\") path=\"%s\" ;;\n", below, below);
		if (is_group(commands))
			append_bash_paths(out, below, commands->commands);
	}
}

static void append_bash_words(struct str *out, const char *path,
	const struct command *commands, const struct option_spec *options)
{
	str_appendf(out, "\t\"%s\") words=\"", path);
	for (const struct command *command = commands; command && command->name;
		command++) {
		if (!command->hidden)
			str_appendf(out, "%s ", command->name);
	}
	append_option_words(out, options);
	str_append(out, *path ? "\" ;;\n" : " --version\" ;;\n");
	for (; commands && commands->name; commands++) {
		auto_free char *below = str_format("%s %s", path, commands->name);

		if (!commands->hidden)
			append_bash_words(
				out, below, commands->commands, commands->options);
	}
}

void command_complete_bash(struct str *out, const struct program *program)
{
	auto_free char *function = function_name(program);

	str_appendf(out, "# bash completion for %s, written by its own help command\n",
		program->name);
	str_appendf(out, "%s()\n{\n", function);
	str_append(out, "\tlocal cur=${COMP_WORDS[COMP_CWORD]} path= words= i\n"
			"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			"\t\tcase \"$path ${COMP_WORDS[i]}\" in\n");
	append_bash_paths(out, "", program->commands);
	str_append(out, "\t\tesac\n\tdone\n\tcase \"$path\" in\n");
	append_bash_words(out, "", program->commands, program->options);
	str_append(out, "\tesac\n"
			"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
			"}\n");
	str_appendf(out, "complete -o default -F %s %s\n", function, program->name);
}

/* Of the program, not of its commands. */
static const char zsh_version[] = " \\\n\t\t'(- *)--version[show the version]'";

/* Between single quotes, inside a description where zsh gives ] and : a meaning. */
static void append_zsh_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			str_append(out, "'\\''");
		else if (strchr("[]:\\", *text))
			str_appendf(out, "\\%c", *text);
		else
			str_append_char(out, *text);
	}
}

static void append_zsh_options(struct str *out, const struct option_spec *options)
{
	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (options->hidden)
			continue;
		str_appendf(out, " \\\n\t\t'%s--%s%s[",
			options->kind == OPTION_KIND_STRINGS ? "*" : "", options->name,
			!options->argument ? ""
			: options->bare    ? "=-"
					   : "=");
		append_zsh_text(out, options->help);
		str_append(out, "]");
		if (options->argument)
			str_appendf(out, "%s:%s:_files", options->bare ? ":" : "",
				options->argument);
		str_append(out, "'");
	}
}

static void append_zsh_level(struct str *out, const char *function,
	const struct command *commands, const struct option_spec *options,
	const char *version)
{
	for (const struct command *command = commands; command && command->name;
		command++) {
		auto_free char *below = str_format("%s__%s", function, command->name);

		if (!command->hidden)
			append_zsh_level(
				out, below, command->commands, command->options, "");
	}
	str_appendf(out, "%s() {\n\tlocal curcontext=$curcontext state line\n", function);
	if (!commands) {
		str_append(out, "\t_arguments -s");
		append_zsh_options(out, options);
		str_append(out,
			" \\\n\t\t'(- *)--help[show help]' '*:operand:_files'\n}\n\n");
		return;
	}
	str_append(out, "\tlocal -a commands=(\n");
	for (const struct command *command = commands; command->name; command++) {
		if (command->hidden)
			continue;
		str_appendf(out, "\t\t'%s:", command->name);
		append_zsh_text(out, command->summary);
		str_append(out, "'\n");
	}
	str_append(out, "\t)\n\t_arguments -C");
	append_zsh_options(out, options);
	str_append(out, version);
	str_appendf(out,
		" \\\n\t\t'(- *)--help[show help]' '1:command:->command' "
		"'*::operand:->operands'\n"
		"\tcase $state in\n\tcommand) _describe command commands ;;\n"
		"\toperands) (( $+functions[%s__$words[1]] )) && %s__$words[1] ;;\n"
		"\tesac\n}\n\n",
		function, function);
}

void command_complete_zsh(struct str *out, const struct program *program)
{
	auto_free char *function = function_name(program);

	str_appendf(out, "#compdef %s\n\n", program->name);
	append_zsh_level(out, function, program->commands, program->options, zsh_version);
	str_appendf(out, "%s \"$@\"\n", function);
}

static void append_fish_text(struct str *out, const char *text)
{
	str_append_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			str_append_char(out, '\\');
		str_append_char(out, *text);
	}
	str_append_char(out, '\'');
}

static void append_fish_options(struct str *out, const char *program,
	const char *condition, const struct option_spec *options)
{
	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (options->hidden)
			continue;
		str_appendf(out, "complete -c %s -n '%s' -l %s", program, condition,
			options->name);
		if (options->letter)
			str_appendf(out, " -s %c", options->letter);
		str_appendf(
			out, "%s -d ", options->argument && !options->bare ? " -r" : "");
		append_fish_text(out, options->help);
		str_append(out, "\n");
	}
}

static void append_fish_level(struct str *out, const char *program, const char *condition,
	const struct command *commands)
{
	for (; commands->name; commands++) {
		auto_free char *inside = NULL;

		if (commands->hidden)
			continue;
		str_appendf(out, "complete -c %s -n '%s' -f -a %s -d ", program,
			condition, commands->name);
		append_fish_text(out, commands->summary);
		str_append(out, "\n");
		inside = str_format("__fish_seen_subcommand_from %s", commands->name);
		append_fish_options(out, program, inside, commands->options);
		if (is_group(commands))
			append_fish_level(out, program, inside, commands->commands);
	}
}

void command_complete_fish(struct str *out, const struct program *program)
{
	str_appendf(out, "# fish completion for %s, written by its own help command\n",
		program->name);
	str_appendf(
		out, "complete -c %s -l help -s h -d 'show the help'\n", program->name);
	str_appendf(out,
		"complete -c %s -n '__fish_use_subcommand' -l version -s v "
		"-d 'show the version'\n",
		program->name);
	append_fish_options(
		out, program->name, "__fish_use_subcommand", program->options);
	append_fish_level(out, program->name, "__fish_use_subcommand", program->commands);
}
