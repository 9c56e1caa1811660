/*
 * An image of a registry into a layout: its manifest (of an index, the one for the
 * platform), its config, and those of its layers that are not at hand.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/digest.h"
#include "builder/registry/client.h"
#include "spec/image_manifest.h"

struct registry_options {
	struct client_options client;
	struct image_platform platform; /* borrowed strings */
	int output;                     /* lines for people; -1: none */
	bool live;                      /* output is a terminal */
	/* Appends the digests of layers that need not be downloaded; NULL: all are. */
	void (*known)(void *argument, const struct image_manifest *manifest,
		struct strings *ret);
	void *argument;
};

/* The directory is empty and becomes a layout with one image. Places are asked in the
 * order of registries.conf, the next one where one cannot be reached or has no such
 * image. */
int registry_pull(const char *name, int directory_fd,
	const struct registry_options *options, struct error *err) must_check;

/* Uploads what the layout's index.json names, with all that it points at, and names it
 * there. *ret_digest: of the manifest or index that has the name. */
int registry_push(int directory_fd, const char *name,
	const struct registry_options *options, struct digest *ret_digest,
	struct error *err) must_check;

/* Whether the registry takes these credentials. */
int registry_check_login(const char *host, const struct registry_options *options,
	struct error *err) must_check;
