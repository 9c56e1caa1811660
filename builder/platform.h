/*
 * Platforms as images have them: "linux/arm64/v8", and which entry of an index is the one
 * for a platform.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "spec/image_index.h"

/* "OS/ARCHITECTURE[/VARIANT]"; NULL: linux and this machine's. Freed by
 * platform_free(). */
int platform_parse(
	const char *text, struct image_platform *ret, struct error *err) must_check;
void platform_free(struct image_platform *platform);

/* The same words back, owned by the caller. */
char *platform_text(const struct image_platform *platform);

#define auto_platform __attribute__((cleanup(platform_free))) struct image_platform

/* Whether an image of this platform (NULL: not said) is one for the wanted platform. */
bool platform_matches(
	const struct image_platform *wanted, const struct image_platform *platform);

/* The first entry for the platform; the error lists what there is. */
int platform_choose(const struct image_index *index, const char *name,
	const struct image_platform *wanted, const struct image_descriptor **ret,
	struct error *err) must_check;
