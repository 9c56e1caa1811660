/*
 * .dockerignore: which paths of a build context do not exist for COPY and ADD.
 * Rules: the Dockerfile reference, "dockerignore file"; Go's filepath.Match and `**`;
 * the last matching line decides; "!" makes an exception; a file below an ignored
 * directory is ignored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/copy/glob.h"

struct ignore_rule {
	struct glob glob;
	bool exception; /* "!" */
};

struct ignore {
	struct ignore_rule *rules;
	size_t count;
};

void ignore_free(struct ignore *ignore);

#define auto_ignore __attribute__((cleanup(ignore_free))) struct ignore

/* Appends the rules of a file's text; `name` is for errors. */
int ignore_parse(struct ignore *ignore, const char *name, const char *text, size_t length,
	struct error *err) must_check;
/* One more rule, as --exclude has it. */
int ignore_add(struct ignore *ignore, const char *pattern, struct error *err) must_check;

/* MOCKERFILE.dockerignore or .mockerignore beside the Mockerfile, else the context's
 * .dockerignore or .mockerignore; none of them is an empty list. mockerfile: its path
 * beneath the context, or NULL if it lies elsewhere. */
int ignore_read(struct ignore *ret, int context_fd, const char *mockerfile,
	struct error *err) must_check;

/* Whether "a/b/c" (no leading "/") is ignored, its parents considered. */
bool ignore_matches(const struct ignore *ignore, const char *path);

/* The same in a walk, where every path needs one look only: what each rule said of the
 * directory that holds the path goes in. */
struct ignore_level {
	bool *matched; /* per rule; NULL at the top */
	bool ignored;
};

/* `path` is the whole path of an entry of the directory that `parent` (NULL: the top) is
 * of. Freed by ignore_level_free(). */
struct ignore_level ignore_descend(
	const struct ignore *ignore, const struct ignore_level *parent, const char *path);
void ignore_level_free(struct ignore_level *level);

/* Whether an exception could bring back something below this ignored directory. */
bool ignore_may_except_below(const struct ignore *ignore, const char *directory);
