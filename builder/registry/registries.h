/*
 * registries.conf: where the images of a name come from. Of the file that podman and
 * buildah read, this much counts:
 *
 *	unqualified-search-registries = ["docker.io"]
 *	[[registry]]
 *	prefix = "docker.io/library"     # or "*.example.com"; otherwise the location
 *	location = "registry.example.com/mirror"
 *	insecure = true                  # certificates unchecked, plain HTTP allowed
 *	blocked = true
 *	mirror-by-digest-only = true     # where a mirror says nothing itself
 *	[[registry.mirror]]              # tried first, in their order
 *	location = "127.0.0.1:5000"
 *	insecure = true
 *	pull-from-mirror = "digest-only" # or "tag-only", "all"
 *	[aliases]                        # before all searching
 *	"debian" = "docker.io/library/debian"
 *
 * Other tables and keys are skipped. Source: containers-registries.conf(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/registry/reference.h"

/* What is asked of a mirror. */
enum mirror_pulls { MIRROR_UNSAID, MIRROR_ALL, MIRROR_DIGESTS, MIRROR_TAGS };

struct registry_place {
	char *location; /* HOST[:PORT][/PATH] */
	bool insecure;
	int64_t pulls; /* enum mirror_pulls */
};

struct registry_rule {
	char *prefix;
	struct registry_place place;
	bool blocked;
	bool mirrors_by_digest; /* where a mirror says nothing itself */
	struct registry_place *mirrors;
	size_t mirrors_count;
};

struct registries {
	struct strings search;
	struct pairs aliases; /* of names without a host: HOST/REPOSITORY */
	struct registry_rule *rules;
	size_t rules_count;
};

/* $CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else
 * /etc/containers/registries.conf; then the *.conf of registries.conf.d beside them. */
int registries_read(struct registries *ret, struct error *err) must_check;
/* Adds what one file says; name is for errors. */
int registries_parse(struct registries *registries, const char *text, const char *name,
	struct error *err) must_check;
void registries_free(struct registries *registries);

#define auto_registries __attribute__((cleanup(registries_free))) struct registries

/* Where to ask. */
struct endpoint {
	char *host; /* HOST[:PORT] as it is contacted */
	char *repository;
	bool insecure;
	bool mirror;
};

struct endpoints {
	struct endpoint *items;
	size_t count;
};

/* The places of an image, in the order in which they are asked. */
int registries_resolve(const struct registries *registries,
	const struct reference *reference, struct endpoints *ret,
	struct error *err) must_check;
void endpoints_free(struct endpoints *endpoints);

#define auto_endpoints __attribute__((cleanup(endpoints_free))) struct endpoints
