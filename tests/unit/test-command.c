/* base/command: a small program's table, driven as a person would drive it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/command.h"
#include "base/fd.h"
#include "tests/unit/test.h"

struct global {
	bool debug;
	const char *root;
};

struct greet {
	bool loud;
	bool tty;
	const char *name;
	struct strings envs;
	uint32_t times;
	int64_t memory;
	bool has_memory;
	const char *format;
	const char *title;
};

static char seen[1024]; /* what the last command run was given */

static int run_greet(const struct command_call *call, struct error *err)
{
	const struct greet *greet = call->options;
	const struct global *global = call->global;
	auto_free char *envs = strings_join(&greet->envs, "+");

	snprintf(seen, sizeof(seen),
		"loud=%d tty=%d name=%s envs=%s times=%u memory=%lld/%d format=%s "
		"root=%s argc=%d first=%s title=%s",
		greet->loud, greet->tty, greet->name ? greet->name : "-", envs,
		greet->times, (long long)greet->memory, greet->has_memory, greet->format,
		global->root, call->argc, call->argc ? call->argv[0] : "-",
		greet->title ? greet->title : "-");
	if (greet->times == 13)
		return fail(err, "unlucky");
	*call->ret_status = greet->loud ? 42 : 0;
	return 0;
}

/* clang-format off */
static const struct option_spec global_options[] = {
	OPTION_FLAG(struct global, debug, "debug", 0, "say more"),
	OPTION_STRING(struct global, root, "root", 'r', "DIR", "state", .initial = "/run/x"),
	OPTION_END,
};

static const struct option_spec greet_options[] = {
	OPTION_FLAG(struct greet, loud, "loud", 'l', "shout"),
	OPTION_FLAG(struct greet, tty, "tty", 't', "on a terminal"),
	OPTION_STRING(struct greet, name, "name", 'n', "NAME", "whom"),
	OPTION_STRINGS(struct greet, envs, "env", 'e', "N=V", "environment"),
	OPTION_U32(struct greet, times, "times", 0, "N", "how often", .initial = "1"),
	OPTION_BYTES(struct greet, memory, "memory", 'm', "SIZE", "limit",
		OPTION_HAS(struct greet, memory)),
	OPTION_STRING(struct greet, format, "format", 'f', "FORMAT", "as",
		.values = "text|json", .initial = "text"),
	OPTION_STRING(struct greet, title, "title", 0, "WORD", "with one", .bare = "Dear"),
	OPTION_END,
};

static const struct command below[] = {
	{ .name = "make", .summary = "make one", .run = run_greet,
	  .options = greet_options, .options_size = sizeof(struct greet) },
	{ 0 },
};

static const struct command commands[] = {
	{ .name = "greet", .operands = "WHO [WORD...]", .summary = "greet somebody",
	  .details = "A paragraph.\n\n  an example",
	  .options = greet_options, .options_size = sizeof(struct greet),
	  .operands_min = 1, .operands_max = -1, .failure_status = 255, .run = run_greet },
	{ .name = "loose", .operands = "WHO", .summary = "options anywhere",
	  .options = greet_options, .options_size = sizeof(struct greet),
	  .operands_min = 1, .operands_max = 1, .permute = true, .run = run_greet },
	{ .name = "group", .summary = "a group", .commands = below },
	{ 0 },
};
/* clang-format on */

static const struct program program = {
	.name = "prog",
	.summary = "A program for a test",
	.version = "1.0",
	.options = global_options,
	.options_size = sizeof(struct global),
	.commands = commands,
};

/* Runs the line's words; what it printed, both streams, is in the returned text. */
static char *drive(const char *line, int *ret_status)
{
	auto_strings words = { 0 };
	char name[] = "/tmp/mocker-test-command.XXXXXX";
	auto_fd fd = mkostemp(name, O_CLOEXEC);
	int saved_out = dup(STDOUT_FILENO);
	int saved_err = dup(STDERR_FILENO);
	char *text = NULL;
	struct error err;

	seen[0] = '\0';
	strings_split(&words, line, ' ');
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	*ret_status = command_main(&program, (int)words.count, words.items);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	CHECK_OK(file_read_at(AT_FDCWD, name, 1 << 20, &text, NULL, &err), &err);
	unlink(name);
	return text;
}

static void options_are_read(void)
{
	static const struct {
		const char *line;
		int status;
		const char *expected; /* of `seen`; or of the output where none was run */
	} cases[] = {
		{ "prog greet you", 0,
			"loud=0 tty=0 name=- envs= times=1 memory=0/0 format=text "
			"root=/run/x argc=1 first=you" },
		{ "prog -r /a greet -lt -n me -e A=1 --env=B=2 --times 7 you -l", 42,
			"loud=1 tty=1 name=me envs=A=1+B=2 times=7 memory=0/0 "
			"format=text root=/a argc=2 first=you" },
		{ "prog --root=/b greet --memory=1m --format json -- -x", 0,
			"name=- envs= times=1 memory=1048576/1 format=json root=/b "
			"argc=1 first=-x" },
		{ "prog greet -nme -m -1 --loud=false you", 0,
			"name=me envs= times=1 memory=-1/1" },
		{ "prog loose who --loud", 42, "argc=1 first=who" },
		{ "prog greet --title you", 0, "argc=1 first=you title=Dear" },
		{ "prog greet --title=My you", 0, "argc=1 first=you title=My" },
		{ "prog group make", 0, "argc=0" },
		{ "prog greet --times 13 you", 255, "times=13" },
		{ "prog greet --naem x you", 1,
			"prog: greet: unknown option --naem; did you mean --name?" },
		{ "prog greet -z you", 1,
			"prog: greet: unknown option -z; see prog --help" },
		{ "prog greet --name", 1, "prog: greet: --name needs a value: NAME" },
		{ "prog greet --format xml you", 1,
			"prog: greet: --format: expected text|json, found \"xml\"" },
		{ "prog greet --times x you", 1,
			"prog: greet: --times: expected an unsigned integer, found \"x\"" },
		{ "prog greet", 1,
			"prog: greet: missing operand; usage: prog greet WHO [WORD...]" },
		{ "prog loose a b", 1, "prog: loose: too many operands" },
		{ "prog gret", 1,
			"prog: unknown command \"gret\"; did you mean \"greet\"?" },
		{ "prog group", 1,
			"prog: group: missing command; see prog group --help" },
		{ "prog group mkae", 1, "did you mean \"make\"?" },
		{ "prog", 1, "prog: missing command; see prog --help" },
		{ "prog --version", 0, "prog version 1.0\n" },
		{ "prog --root /x -v", 0, "prog version 1.0\n" },
		{ "prog -v", 0, "prog version 1.0\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status;
		auto_free char *text = drive(cases[i].line, &status);

		if (!CHECK_INT(status, cases[i].status) ||
			!CHECK_HAS(seen[0] ? seen : text, cases[i].expected))
			printf("# command line: %s\n", cases[i].line);
	}
}

static void help_is_written_from_the_table(void)
{
	static const char *const cases[][2] = {
		{ "prog --help", "  greet                       greet somebody\n" },
		{ "prog help", "Usage: prog [OPTION...] COMMAND" },
		{ "prog greet --help", "Usage: prog greet [OPTION...] WHO [WORD...]\n" },
		{ "prog help greet",
			"  -f, --format FORMAT         as: text|json (default text)" },
		{ "prog greet -h",
			"  -e, --env N=V               environment (may be repeated)" },
		{ "prog greet -h", "      --title[=WORD]          with one\n" },
		{ "prog help group", "Usage: prog group COMMAND\n" },
		{ "prog help group make", "Usage: prog group make [OPTION...]" },
		{ "prog group --help", "Usage: prog group COMMAND\n" },
		{ "prog help --format=mdoc",
			".It Cm greet Oo Ar option ... Oc Ar WHO [WORD...]" },
		{ "prog --help", "  -h, --help                  show the help\n" },
		{ "prog --help", "  -v, --version               show the version\n" },
		{ "prog help --format=mdoc", ".It Fl h , Fl \\-help\n" },
		{ "prog help --format=mdoc", ".It Fl v , Fl \\-version\n" },
		{ "prog help --format=bash", "complete -o default -F _prog prog" },
		{ "prog help --format=bash", " --help --version\"" },
		{ "prog help --format=zsh", "'(- *)--version[show the version]'" },
		{ "prog help --format=fish", "-l version -s v" },
		{ "prog help --format=zsh", "#compdef prog" },
		{ "prog help --format=fish",
			"complete -c prog -n '__fish_use_subcommand'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status;
		auto_free char *text = drive(cases[i][0], &status);

		if (!CHECK_INT(status, 0) || !CHECK_HAS(text, cases[i][1]))
			printf("# command line: %s\n", cases[i][0]);
	}
}

static const struct test tests[] = {
	{ "options, operands and their errors follow the table", options_are_read },
	{ "help, manual and completions follow the table",
		help_is_written_from_the_table },
};

TEST_MAIN(tests)
