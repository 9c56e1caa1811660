/*
 * InvalidBaseImagePlatform, the one rule of BuildKit's that a Mockerfile alone cannot tell:
 * whether the image that FROM found is one for the platform that is built for.
 */
#pragma once

#include "builder/build/build.h"

/* A warning, or an error where the file says check=error=true. platform: that of the stage
 * as text; NULL: this machine's. */
int base_platform_check(const struct build *build, const struct stage *stage,
	const struct image *image, const char *platform, struct error *err) must_check;
