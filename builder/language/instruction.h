/*
 * The instructions of the language: one table of names, forms, flags and arity, and the
 * struct that the parser fills for each one that stands in a file.
 *
 * Nothing is expanded here: that needs the variables of the moment, see step.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "builder/language/diagnostics.h"

enum instruction_kind {
	INSTRUCTION_ADD,
	INSTRUCTION_ARG,
	INSTRUCTION_CMD,
	INSTRUCTION_COPY,
	INSTRUCTION_ENTRYPOINT,
	INSTRUCTION_ENV,
	INSTRUCTION_EXPOSE,
	INSTRUCTION_FROM,
	INSTRUCTION_HEALTHCHECK,
	INSTRUCTION_INCLUDE, /* ours; the parser replaces it by the file's instructions */
	INSTRUCTION_LABEL,
	INSTRUCTION_MAINTAINER,
	INSTRUCTION_ONBUILD,
	INSTRUCTION_RUN,
	INSTRUCTION_SHELL,
	INSTRUCTION_STOPSIGNAL,
	INSTRUCTION_UNSET, /* ours */
	INSTRUCTION_USER,
	INSTRUCTION_VOLUME,
	INSTRUCTION_WORKDIR,
	INSTRUCTION_KINDS,
};

/* How the text after the name becomes arguments. */
enum instruction_form {
	FORM_WORDS,        /* separated by white space */
	FORM_TEXT,         /* all of it is one argument */
	FORM_JSON_OR_TEXT, /* exec form or shell form */
	FORM_JSON_OR_WORDS,
	FORM_PAIRS,       /* NAME=VALUE ..., or the old NAME VALUE: two arguments each */
	FORM_NAMES,       /* NAME or NAME=VALUE, quoted words */
	FORM_HEALTHCHECK, /* a word, then exec or shell form */
	FORM_UNSET,   /* a setting's instruction, then names, or JSON where that has it */
	FORM_TRIGGER, /* another instruction */
};

struct instruction_rule {
	const char *name;
	enum instruction_form form;
	const char *flags; /* "chown= chmod= link parents": "=" for a value; NULL: none */
	int arguments_min;
	int arguments_max;     /* -1: any number */
	const char *arguments; /* "at least one source and a destination" */
	bool heredocs;
	bool may_be_bare; /* without a command: one that does nothing */
	bool ours;        /* not of the Dockerfile language */
	bool no_trigger;  /* ONBUILD refuses it */
};

extern const struct instruction_rule instruction_rules[INSTRUCTION_KINDS];

/* NULL if there is none; upper and lower case are the same. */
const struct instruction_rule *instruction_find(const char *name, size_t length);

/* A logical line: its physical lines joined, and where each part of it stood. */
struct line_part {
	size_t offset; /* in text */
	uint32_t line;
	uint32_t column;
};

struct line {
	const struct source *source;
	char *text;
	size_t length;
	struct line_part *parts;
	size_t part_count;
	uint32_t first;              /* physical lines */
	uint32_t last;               /* heredocs included */
	bool has_empty_continuation; /* for lint */
	char escape;                 /* '\\' or '`' */
};

/* An argument or flag as written, quotes and all (in exec form: the decoded string). */
struct token {
	char *text;
	size_t offset; /* in line.text */
	size_t width;
};

struct tokens {
	struct token *items;
	size_t count;
};

struct heredoc {
	char *name;
	char *content; /* chomped, if it is to be */
	bool expand;   /* its name stood without quotes */
	bool chomp;    /* <<-: leading tabs were removed */
};

struct instruction {
	enum instruction_kind kind;
	const struct instruction_rule *rule;
	struct line line;
	char *name;              /* as written, for lint */
	bool json;               /* exec form */
	bool old_pair;           /* ENV NAME VALUE without "=", for lint */
	struct tokens flags;     /* "--name=value" as "name=value" or "name" */
	struct tokens arguments; /* FORM_PAIRS: name, value, name, value */
	struct heredoc *heredocs;
	size_t heredoc_count;
	struct strings comments;     /* that stand right above it */
	struct instruction *trigger; /* of ONBUILD */
};

void instruction_free(struct instruction *instruction);

/* The value of a flag; "" for one without value; NULL if absent. Borrowed. */
const char *instruction_flag(const struct instruction *instruction, const char *name);

/* Where a token, or (NULL) the instruction's name, stands. */
struct span instruction_span(
	const struct instruction *instruction, const struct token *token);

/* fail() at a token, or (NULL) at the instruction. */
int instruction_fail(const struct instruction *instruction, const struct token *token,
	struct error *err, const char *format, ...) printf_like(4, 5);

/* As written, on one line: what progress, history and ONBUILD show. Owned by the caller.
 */
char *instruction_display(const struct instruction *instruction);
