/* The packages as an SPDX document. Source: SPDX 2.3; purl-spec for what names them. */
#pragma once

#include "base/str.h"
#include "builder/sbom/packages.h"

struct spdx_about {
	const char *name;    /* of the image */
	const char *digest;  /* 64 digits: of what is described */
	const char *created; /* RFC 3339 */
};

void spdx_write(
	struct str *ret, const struct packages *packages, const struct spdx_about *about);
