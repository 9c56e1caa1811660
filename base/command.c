/*
 * From argv to a command: parse_options() fills a struct from the table, find_command()
 * descends into groups, dispatch() runs, command_main() prints what went wrong.
 */
#include "base/command.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/command_help.h"
#include "base/fd.h"
#include "base/log.h"

/* Where the parser stands in argv. */
struct words {
	int argc;
	char **argv;
	int next;
	const char *who; /* the command's path, for errors */
	bool permute;
	bool single_dash;
	bool empty_absent;
	bool before_command;
	bool help;    /* --help was seen */
	bool version; /* --version was, before the command */
	struct strings operands;
};

static const struct option_spec *find_long(
	const struct option_spec *options, const char *name, size_t length)
{
	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (strncmp(options->name, name, length) == 0 && !options->name[length])
			return options;
	}
	return NULL;
}

static const struct option_spec *find_letter(
	const struct option_spec *options, char letter)
{
	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (options->letter == letter)
			return options;
	}
	return NULL;
}

static bool allowed(const char *values, const char *value)
{
	auto_strings list = { 0 };

	if (!values)
		return true;
	strings_split(&list, values, '|');
	return strings_contain(&list, value);
}

static int set_flag(const char *what, bool *member, const char *value, struct error *err)
{
	if (str_equal(value, "true") || str_equal(value, "1"))
		*member = true;
	else if (str_equal(value, "false") || str_equal(value, "0"))
		*member = false;
	else
		return fail_code(err, EINVAL, "%s: expected true or false, found \"%s\"",
			what, value);
	return 0;
}

static int set_option(void *object, const struct option_spec *option, const char *value,
	struct error *err)
{
	void *member = (char *)object + option->offset;
	auto_free char *what = str_format("--%s", option->name);

	if (!allowed(option->values, value))
		return fail_code(err, EINVAL, "%s: expected %s, found \"%s\"", what,
			option->values, value);
	if (option->has)
		*(bool *)((char *)object + option->has) = true;
	switch (option->kind) {
	case OPTION_KIND_FLAG:
		return set_flag(what, member, value, err);
	case OPTION_KIND_STRING:
		*(const char **)member = value;
		return 0;
	case OPTION_KIND_STRINGS:
		strings_add(member, value);
		return 0;
	case OPTION_KIND_U32:
		return str_to_u32(value, what, member, err);
	case OPTION_KIND_I64:
		return str_to_i64(value, what, member, err);
	case OPTION_KIND_BYTES:
		return str_to_bytes(value, what, member, err);
	case OPTION_KIND_END:
		break;
	}
	return fail(err, "%s: of no known kind", what);
}

/* The value of one that was given. */
static int take_option(const struct words *words, void *object,
	const struct option_spec *option, const char *value, struct error *err)
{
	if (!words->empty_absent || *value || option->kind != OPTION_KIND_STRING)
		return set_option(object, option, value, err);
	*(const char **)((char *)object + option->offset) = option->initial;
	if (option->has)
		*(bool *)((char *)object + option->has) = false;
	return 0;
}

static int set_initials(
	void *object, const struct option_spec *options, struct error *err)
{
	for (; options && options->kind != OPTION_KIND_END; options++) {
		if (!options->initial)
			continue;
		if (set_option(object, options, options->initial, err) < 0)
			return -1;
		if (options->has)
			*(bool *)((char *)object + options->has) = false;
	}
	return 0;
}

static const char *next_option_name(void *state)
{
	const struct option_spec **options = state;

	while (*options && (*options)->kind != OPTION_KIND_END && (*options)->hidden)
		(*options)++;
	if (!*options || (*options)->kind == OPTION_KIND_END)
		return NULL;
	return (*options)++->name;
}

static int fail_unknown_option(const struct words *words,
	const struct option_spec *options, const char *name, struct error *err)
{
	const struct option_spec *candidates = options;
	const char *nearest = str_nearest(name, next_option_name, &candidates);

	if (nearest)
		return fail_code(err, EINVAL, "unknown option --%s; did you mean --%s?",
			name, nearest);
	return fail_code(
		err, EINVAL, "unknown option --%s; see %s --help", name, words->who);
}

/* The value of an option that stands in the next word. */
static int take_value(struct words *words, const struct option_spec *option,
	const char **ret, struct error *err)
{
	if (words->next == words->argc)
		return fail_code(err, EINVAL, "--%s needs a value: %s", option->name,
			option->argument ? option->argument : "true or false");
	*ret = words->argv[words->next++];
	return 0;
}

/* What every program and command knows, unless it has an option of that name itself. */
static bool is_question(struct words *words, const char *name)
{
	if (strcmp(name, "help") == 0 || strcmp(name, "h") == 0)
		return words->help = true;
	if (words->before_command &&
		(strcmp(name, "version") == 0 || strcmp(name, "v") == 0))
		return words->version = true;
	return false;
}

static int parse_long(struct words *words, const struct option_spec *options,
	void *object, const char *word, struct error *err)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_spec *option = find_long(options, word, length);
	auto_free char *name = str_dup_n(word, length);
	const char *value = equals ? equals + 1 : "true";

	if (!option && length > 1 && is_question(words, name))
		return 0;
	if (!option)
		return fail_unknown_option(words, options, name, err);
	if (!equals && option->bare)
		value = option->bare;
	else if (!equals && option->kind != OPTION_KIND_FLAG &&
		 take_value(words, option, &value, err) < 0)
		return -1;
	return take_option(words, object, option, value, err);
}

/* -it, -n VALUE, -nVALUE, -n=VALUE */
static int parse_letters(struct words *words, const struct option_spec *options,
	void *object, const char *letters, struct error *err)
{
	for (; *letters; letters++) {
		const struct option_spec *option = find_letter(options, *letters);
		const char *value = letters + 1;

		if (!option && is_question(words, (char[]){ *letters, '\0' }))
			continue;
		if (!option)
			return fail_code(err, EINVAL, "unknown option -%c; see %s --help",
				*letters, words->who);
		if (option->kind == OPTION_KIND_FLAG && *value != '=') {
			if (set_option(object, option, "true", err) < 0)
				return -1;
			continue;
		}
		if (*value == '=')
			value++;
		else if (!*value && take_value(words, option, &value, err) < 0)
			return -1;
		return take_option(words, object, option, value, err);
	}
	return 0;
}

static int parse_word(struct words *words, const struct option_spec *options,
	void *object, const char *word, struct error *err)
{
	bool is_long = word[1] == '-';

	if (words->single_dash && !is_long && word[2])
		is_long = find_long(options, word + 1, strcspn(word + 1, "=")) != NULL;
	if (is_long)
		return parse_long(
			words, options, object, word + 1 + (word[1] == '-'), err);
	return parse_letters(words, options, object, word + 1, err);
}

static int parse_options(struct words *words, const struct option_spec *options,
	void *object, struct error *err)
{
	if (set_initials(object, options, err) < 0)
		return -1;
	while (words->next < words->argc && !words->help && !words->version) {
		char *word = words->argv[words->next];

		if (word[0] != '-' || !word[1]) {
			if (!words->permute)
				break;
			strings_add(&words->operands, word);
			words->next++;
			continue;
		}
		words->next++;
		if (strcmp(word, "--") == 0)
			break;
		if (parse_word(words, options, object, word, err) < 0)
			return -1;
	}
	for (; words->permute && words->next < words->argc; words->next++)
		strings_add(&words->operands, words->argv[words->next]);
	return 0;
}

static void free_options(const struct option_spec *options, void *object)
{
	for (; object && options && options->kind != OPTION_KIND_END; options++) {
		if (options->kind == OPTION_KIND_STRINGS)
			strings_free(
				(struct strings *)((char *)object + options->offset));
	}
	free(object);
}

static const char *next_command_name(void *state)
{
	const struct command **commands = state;

	while ((*commands)->name && (*commands)->hidden)
		(*commands)++;
	return (*commands)->name ? (*commands)++->name : NULL;
}

static const struct command *find_in(const struct command *commands, const char *name)
{
	for (; commands->name; commands++) {
		if (strcmp(commands->name, name) == 0)
			return commands;
	}
	return NULL;
}

static int fail_unknown_command(const char *who, const struct command *commands,
	const char *name, struct error *err)
{
	const char *nearest = str_nearest(name, next_command_name, &commands);

	if (nearest)
		return fail_code(err, EINVAL,
			"unknown command \"%s\"; did you mean \"%s\"?", name, nearest);
	return fail_code(err, EINVAL, "unknown command \"%s\"; see %s --help", name, who);
}

/* Descends from commands[] by the words; ret_command NULL: the words ended in a group. */
static int find_command(const struct command *commands, struct words *words,
	struct str *path, const struct command **ret_command, struct error *err)
{
	const struct command *command = NULL;

	while (words->next < words->argc && (!command || command->commands)) {
		const char *name = words->argv[words->next];

		if (command && name[0] == '-')
			break;
		command = find_in(commands, name);
		if (!command)
			return fail_unknown_command(path->data, commands, name, err);
		words->next++;
		if (command->commands)
			str_appendf(path, " %s", name);
		commands = command->commands;
	}
	*ret_command = command;
	return 0;
}

static int check_operands(
	const struct command *command, const char *path, int count, struct error *err)
{
	const char *operands = command->operands ? command->operands : "";
	const char *blank = command->operands ? " " : "";

	if (count < command->operands_min)
		return fail_code(err, EINVAL, "%s: missing operand; usage: %s %s%s%s",
			command->name, path, command->name, blank, operands);
	if (command->operands_max >= 0 && count > command->operands_max)
		return fail_code(err, EINVAL, "%s: too many operands; usage: %s %s%s%s",
			command->name, path, command->name, blank, operands);
	return 0;
}

/* A reader that went away (| head) is not our failure. */
static bool reader_is_gone(void)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&output, 1, 0) == 1 && output.revents & POLLERR;
}

static int print_out(const struct str *text, struct error *err)
{
	if (fd_write_all(STDOUT_FILENO, text->data ? text->data : "", text->length) < 0 &&
		errno != EPIPE)
		return fail_errno(err, "writing to standard output");
	return 0;
}

/* What a command printed through stdio and could not be written. Of an earlier write, which
 * a full buffer or a flush began, stdio keeps that it failed, and not why. */
static int end_output(struct error *err)
{
	bool lost = ferror(stdout);

	if (fflush(stdout) == 0 && !lost)
		return 0;
	if (reader_is_gone())
		return 0;
	return lost ? fail(err, "writing to standard output failed; is its disk full?")
		    : fail_errno(err, "writing to standard output");
}

static int run_command(struct command_call *call, struct words *words, const char *path,
	int *ret_failure, struct error *err)
{
	const struct command *command = call->command;
	void *options = str_alloc(command->options_size);
	auto_str help = { 0 };
	int result = parse_options(words, command->options, options, err);

	if (result == 0 && (words->help || !command->run)) {
		command_help_command(&help, path, command);
		free_options(command->options, options);
		return print_out(&help, err);
	}
	call->options = options;
	call->argc =
		words->permute ? (int)words->operands.count : words->argc - words->next;
	call->argv =
		words->operands.items ? words->operands.items : words->argv + words->next;
	if (result < 0)
		fail_while(err, "%s", command->name);
	else
		result = check_operands(command, path, call->argc, err);
	if (result == 0) {
		*ret_failure = command->failure_status ? command->failure_status : 1;
		result = command->run(call, err);
	}
	free_options(command->options, options);
	return result;
}

/* help, help COMMAND..., help --format=FORMAT */
static int run_help(const struct program *program, struct words *words, struct error *err)
{
	const struct command *command = NULL;
	auto_str path = { 0 };
	auto_str out = { 0 };

	if (words->next < words->argc) {
		const char *format = str_after(words->argv[words->next], "--format=");

		if (format && command_help_format(&out, program, format, err) < 0)
			return -1;
		if (format)
			return print_out(&out, err);
	}
	str_append(&path, program->name);
	if (find_command(program->commands, words, &path, &command, err) < 0)
		return -1;
	if (command) {
		char *end = command->commands ? strrchr(path.data, ' ') : NULL;

		if (end)
			*end = '\0';
		command_help_command(&out, path.data, command);
	} else {
		command_help_program(&out, program);
	}
	return print_out(&out, err);
}

static bool asks_for_help(const struct program *program, const char *name)
{
	return (strcmp(name, "help") == 0 || strcmp(name, "h") == 0) &&
	       !find_in(program->commands, name);
}

static int dispatch(struct command_call *call, struct words *words, int *ret_failure,
	struct error *err)
{
	const struct program *program = call->program;
	const char *name = words->argv[words->next];
	int unknown = program->unknown_status ? program->unknown_status : 1;
	auto_str path = { 0 };
	int result;

	if (asks_for_help(program, name)) {
		words->next++;
		*ret_failure = unknown;
		return run_help(program, words, err);
	}
	if (program->prepare && program->prepare(call->global, err) < 0)
		return -1;
	str_append(&path, program->name);
	*ret_failure = unknown;
	if (find_command(program->commands, words, &path, &call->command, err) < 0)
		return -1;
	*ret_failure = 1;
	words->permute = call->command->permute;
	words->who = path.data;
	if (call->command->commands) { /* the words ended in a group */
		char *end = strrchr(path.data, ' ');

		if (end)
			*end = '\0';
		if (words->next == words->argc)
			return fail_code(err, EINVAL,
				"%s: missing command; see %s %s --help",
				call->command->name, path.data, call->command->name);
	}
	result = run_command(call, words, path.data, ret_failure, err);
	strings_free(&words->operands);
	return result;
}

/* Options of the program itself, which come before the command. */
static int parse_global(const struct program *program, struct words *words, void *global,
	bool *ret_done, struct error *err)
{
	auto_str out = { 0 };

	words->before_command = true;
	if (parse_options(words, program->options, global, err) < 0)
		return -1;
	words->before_command = false;
	if (words->version)
		str_appendf(&out, "%s version %s\n", program->name, program->version);
	else if (words->help)
		command_help_program(&out, program);
	if (out.length) {
		*ret_done = true;
		return print_out(&out, err);
	}
	if (words->next == words->argc)
		return fail_code(
			err, EINVAL, "missing command; see %s --help", program->name);
	return 0;
}

/* What a shell says of a program that Ctrl-C ended. */
#define STATUS_INTERRUPTED (128 + SIGINT)

int command_main(const struct program *program, int argc, char **argv)
{
	struct log_options first_log = { .program = program->name };
	struct words words = {
		.argc = argc,
		.argv = argv,
		.next = 1,
		.who = program->name,
		.single_dash = program->single_dash,
		.empty_absent = program->empty_absent,
	};
	void *global = str_alloc(program->options_size);
	bool done = false;
	int status = 0;
	int failure = 1;
	struct error err = { 0 };
	struct command_call call = {
		.program = program,
		.global = global,
		.ret_status = &status,
	};
	int result;

	fd_fill_standard();
	result = log_open(&first_log, &err);
	if (result == 0)
		result = parse_global(program, &words, global, &done, &err);
	if (result == 0 && !done)
		result = dispatch(&call, &words, &failure, &err);
	if (result == 0)
		result = end_output(&err);
	if (result < 0) {
		log_failure(&err);
		status = err.errnum == EINTR ? STATUS_INTERRUPTED : failure;
	}
	free_options(program->options, global);
	return status;
}
