/*
 * Blobs of a registry, several at once, each checked while it comes: its bytes are not
 * more and not other than its descriptor says. A transfer that breaks goes on from where
 * it stood.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/registry/client.h"
#include "spec/image_descriptor.h"

struct blobs {
	const struct image_descriptor **items; /* distinct digests */
	size_t count;
	int directory_fd; /* of a layout */
	int output;       /* lines on what has come; -1: none */
	bool live;        /* output is a terminal: one line that changes */
};

int blobs_download(const struct client *client, const struct blobs *blobs,
	struct error *err) must_check;
