/*
 * The cache of steps. A step that changes files has a key: the hash of the layer it
 * stands on, its instruction as expanded, the part of the environment that it sees and
 * the bytes that it reads. layers/KEY is its result.
 *
 * Steps that only change the image's config are remembered too (memo/KEY), so that a
 * second build can say that it does nothing new and gives the same image, to the byte.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/digest.h"
#include "builder/store/store.h"

/* Put into every key: a change of what the executor makes of a step makes it another. */
#define CACHE_VERSION "3"

/* Begins a key of this kind on that parent. */
void cache_key_begin(struct digest_state *state, const char *kind, const char *parent);

/* A small text kept under a key; NULL in *ret where there is none. */
int cache_recall(const struct store *store, const char *key, char **ret,
	struct error *err) must_check;
int cache_remember(const struct store *store, const char *key, const char *text,
	struct error *err) must_check;
