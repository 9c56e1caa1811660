/* A bundle, read and checked before anything is done: its directory, its config.json and
 * the absolute path of its root file system. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "spec/config.h"

struct bundle {
	char *path; /* absolute, without links */
	int fd;
	char *text; /* of config.json, as it stands */
	size_t length;
	char *rootfs; /* absolute */
	struct oci_config config;
};

#define BUNDLE_NONE      \
	{                \
		.fd = -1 \
	}
#define auto_bundle __attribute__((cleanup(bundle_free))) struct bundle
void bundle_free(struct bundle *bundle);

struct bundle_request {
	const char *directory;   /* NULL: where we are */
	const char *config_file; /* instead of DIRECTORY/config.json; NULL */
	bool strict;             /* unknown members are errors */
};

int bundle_load(const struct bundle_request *request, struct bundle *ret,
	struct error *err) must_check;
