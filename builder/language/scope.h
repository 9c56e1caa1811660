/*
 * The variables of a stage while its instructions are walked: ENV, ARG, and what the
 * command line gives.
 *
 * Of an ENV and an ARG with a value that have the same name the later one counts; a stage
 * begins with the ENVs of its base over the ARGs of a stage that it is built on. ARG takes
 * its value from --build-arg, else from its default, else (named without default) from the
 * ARGs before the first FROM.
 */
#pragma once

#include <stdbool.h>

#include "base/macros.h"
#include "base/str.h"

struct scope {
	struct pairs env;           /* of the image: the base's, then ENV */
	struct pairs args;          /* declared in this stage and with a value */
	struct pairs values;        /* of both, the later over the earlier */
	struct strings declared;    /* all ARG names of this stage */
	const struct pairs *given;  /* --build-arg */
	const struct pairs *global; /* ARGs before the first FROM, platform arguments */
	struct strings unset;       /* names that were used without a value, for lint */
	char *workdir;              /* "/" at first */
};

/* Borrows both; they may be NULL. */
void scope_init(
	struct scope *scope, const struct pairs *given, const struct pairs *global);
void scope_free(struct scope *scope);

#define auto_scope __attribute__((cleanup(scope_free))) struct scope

/* NULL if unset; borrowed. */
const char *scope_get(const struct scope *scope, const char *name);

/* What an image's config says where a stage begins: "NAME=VALUE", and NULL or a path. */
void scope_add_image(struct scope *scope, const struct strings *env, const char *workdir);
/* What an image that is not there yet may set: no variable has a value, and the working
 * directory is like no other. */
void scope_forget(struct scope *scope);

/* ENV, and the other way round UNSET ENV, which leaves the ARG of that name. */
void scope_set_env(struct scope *scope, const char *name, const char *value);
void scope_unset_env(struct scope *scope, const char *name);

/* ARG NAME[=DEFAULT]; initial NULL: none was written, and the name keeps the value that it
 * may have. */
void scope_declare(struct scope *scope, const char *name, const char *initial);

/* The ARGs of the stage that this one's FROM names. */
void scope_inherit(struct scope *scope, const struct scope *base);

/* All that the other one has in the end: what FROM a stage begins with. */
void scope_continue(struct scope *scope, const struct scope *base);

/* What a RUN's process gets as NAME=VALUE: the values, and the proxy arguments that were
 * given. Appends. */
void scope_environment(const struct scope *scope, struct strings *ret);

/* The part of it that belongs into the cache key: without predefined proxy arguments
 * that were not declared. Appends. */
void scope_cache_environment(const struct scope *scope, struct strings *ret);

/* HTTP_PROXY and the like, either case. */
bool scope_is_proxy(const char *name);
/* TARGETPLATFORM, BUILDARCH and the like. */
bool scope_is_platform(const char *name);
/* SOURCE_DATE_EPOCH and BUILDKIT_...: --build-arg gives them to the builder itself. */
bool scope_is_builders(const char *name);
