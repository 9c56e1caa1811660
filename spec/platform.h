/*
 * Platforms as images have them, "linux/arm64/v8": this machine's, one from text, and
 * which images run on which platform.
 * Source: OCI image-spec, image-index.md: platform, whose words are Go's; what the variants
 * mean is as containerd's platforms have it.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "spec/image_descriptor.h"

/* Of this machine, by uname(2); a machine that the table does not have keeps its own word.
 * platform_variant(): "v7" of an arm; elsewhere "". */
const char *platform_architecture(void);
const char *platform_variant(void);

/* "OS/ARCHITECTURE[/VARIANT]", or one of the first two; NULL and "local": linux and this
 * machine's. One form of each: in lower case, Go's word for an architecture (x86_64,
 * aarch64, armhf), v7 for an arm that says none, no variant that all of the architecture
 * have (amd64/v1, arm64/v8). Freed by platform_free(). */
int platform_parse(
	const char *text, struct image_platform *ret, struct error *err) must_check;
void platform_free(struct image_platform *platform);

#define auto_platform __attribute__((cleanup(platform_free))) struct image_platform

/* "linux/arm/v7"; owned by the caller. */
char *platform_text(const struct image_platform *platform);

/* How well an image of this platform (NULL: not said) serves the wanted one: 0 is best, -1
 * not at all. An older variant runs on a newer machine, and arm on arm64, 386 on amd64. */
int platform_rank(
	const struct image_platform *wanted, const struct image_platform *platform);
