/* Which entry of an index is the one for a platform. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "spec/image_index.h"
#include "spec/platform.h"

/* Whether an image of this platform (NULL: not said) is one for the wanted platform. */
bool platform_matches(
	const struct image_platform *wanted, const struct image_platform *platform);

/* The best entry for the platform; the error lists what there is. */
int platform_choose(const struct image_index *index, const char *name,
	const struct image_platform *wanted, const struct image_descriptor **ret,
	struct error *err) must_check;
