/*
 * The packages of an image, by the databases that its package manager left: dpkg's
 * (/var/lib/dpkg/status, and status.d/ as distroless images have it) and apk's. The files
 * are the image's: nothing in them is trusted, and they are only text.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct package {
	const char *kind; /* purl's type: "deb", "apk" */
	char *name;
	char *version;
	char *architecture; /* or NULL */
	char *license;      /* or NULL */
	char *maintainer;   /* or NULL */
};

struct packages {
	struct package *items; /* sorted by kind, name and version */
	size_t count;
	char *distribution; /* os-release's ID: "debian"; or NULL */
	char *release;      /* and its VERSION_ID */
};

int packages_find(int root_fd, struct packages *ret, struct error *err) must_check;
void packages_free(struct packages *packages);

#define auto_packages __attribute__((cleanup(packages_free))) struct packages
