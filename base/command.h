/*
 * The command line: one table of sub-commands and options that feeds dispatch, --help,
 * completions and the manual page.
 *
 * Options are read into a struct that the table describes by offsets. --name value,
 * --name=value, -n value, -nvalue, grouped flags (-it), and for flags --name=false. Options
 * end at "--" and, unless the command permutes, at the first operand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h" /* JSON_OFFSET: the compile-time check of a member's type */
#include "base/str.h"

enum option_kind {
	OPTION_KIND_END,
	OPTION_KIND_FLAG,    /* bool */
	OPTION_KIND_STRING,  /* const char *, borrowed from argv */
	OPTION_KIND_STRINGS, /* struct strings; may be repeated */
	OPTION_KIND_U32,     /* uint32_t */
	OPTION_KIND_I64,     /* int64_t */
	OPTION_KIND_BYTES,   /* int64_t, with suffixes */
};

struct option_spec {
	const char *name; /* without dashes */
	char letter;      /* 0: none */
	enum option_kind kind;
	size_t offset;
	size_t has; /* of a bool has_ member; 0: none, for it never stands first */
	const char *argument; /* its name in help; NULL for flags */
	const char *initial;  /* its value when not given, shown in help; NULL: zero */
	const char *bare;     /* its value when given without one: only "=" gives one */
	const char *help;     /* one clause, no full stop */
	const char *values;   /* "text|json": anything else is refused; NULL: free */
	bool hidden;
};

/* clang-format off */
#define OPTION_ANY(S, m, K, C, n, l, a, h, ...)                                          \
	{ .name = (n), .letter = (l), .kind = (K), .offset = JSON_OFFSET(S, m, C),       \
	  .argument = (a), .help = (h), ##__VA_ARGS__ }
#define OPTION_FLAG(S, m, n, l, h, ...)                                                  \
	OPTION_ANY(S, m, OPTION_KIND_FLAG, bool, n, l, NULL, h, ##__VA_ARGS__)
#define OPTION_STRING(S, m, n, l, a, h, ...)                                             \
	OPTION_ANY(S, m, OPTION_KIND_STRING, const char *, n, l, a, h, ##__VA_ARGS__)
#define OPTION_STRINGS(S, m, n, l, a, h, ...)                                            \
	OPTION_ANY(S, m, OPTION_KIND_STRINGS, struct strings, n, l, a, h, ##__VA_ARGS__)
#define OPTION_U32(S, m, n, l, a, h, ...)                                                \
	OPTION_ANY(S, m, OPTION_KIND_U32, uint32_t, n, l, a, h, ##__VA_ARGS__)
#define OPTION_I64(S, m, n, l, a, h, ...)                                                \
	OPTION_ANY(S, m, OPTION_KIND_I64, int64_t, n, l, a, h, ##__VA_ARGS__)
#define OPTION_BYTES(S, m, n, l, a, h, ...)                                              \
	OPTION_ANY(S, m, OPTION_KIND_BYTES, int64_t, n, l, a, h, ##__VA_ARGS__)
/* The bool has_m member tells "given" from zero. */
#define OPTION_HAS(S, m) .has = JSON_OFFSET(S, has_##m, bool)
#define OPTION_END { .kind = OPTION_KIND_END }
/* clang-format on */

struct command;

struct command_call {
	const struct program *program;
	const struct command *command;
	const void *global;  /* the program's parsed options */
	const void *options; /* the command's parsed options */
	int argc;            /* operands only */
	char *const *argv;   /* NULL-terminated */
	int *ret_status;     /* what the process exits with on success; starts as 0 */
};

struct command {
	const char *name;
	const char *operands; /* "ID [COMMAND...]", for the usage line */
	const char *summary;  /* one clause, no full stop */
	const char *details;  /* paragraphs for --help and the manual; may be NULL */
	const struct option_spec *options; /* may be NULL */
	size_t options_size;               /* of the struct that they fill */
	int operands_min;
	int operands_max;   /* -1: any number */
	int failure_status; /* the exit status of an error; 0 means 1 */
	bool permute;       /* options may follow operands */
	bool hidden;
	const struct command *commands; /* of a group such as "network"; ends with {0} */
	int (*run)(const struct command_call *call, struct error *err);
};

struct program {
	const char *name;
	const char *summary;
	const char *version; /* what --version prints after the name's first line */
	const struct option_spec *options;
	size_t options_size;
	const struct command *commands; /* ends with {0} */
	int unknown_status; /* the exit status of an unknown command; 0 means 1 */
	bool single_dash;   /* -name is --name too, where there is such an option */
	bool empty_absent;  /* an option with the text "" is one that is not given */
	/* Called with the parsed global options before the command runs: opens the log. */
	int (*prepare)(const void *global, struct error *err);
};

/* Parses, dispatches, prints the error; returns what main returns: of an error that is
 * EINTR, an interruption, 130. Also answers --help,
 * -h, help or h [COMMAND], --version, -v, and `help --format=bash|zsh|fish|mdoc`, which print
 * the completions and the COMMANDS section of the manual page. */
int command_main(const struct program *program, int argc, char **argv);
