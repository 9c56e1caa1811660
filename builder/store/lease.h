/*
 * Leases: which bundles stand on which layers. A bundle whose root is an overlay needs
 * its layers for as long as it exists; prune and rmi leave them. A lease ends with its
 * bundle's config.json.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/store/image.h"
#include "builder/store/store.h"

/* bundle: absolute path. */
int lease_take(const struct store *store, const char *bundle, const struct image *image,
	struct error *err) must_check;
void lease_end(const struct store *store, const char *bundle);

/* Appends the keys of all leased layers; removes leases whose bundle is gone. */
int lease_collect(const struct store *store, struct strings *ret_keys,
	struct error *err) must_check;
