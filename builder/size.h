/* Sizes for people: "1.2 MB" (powers of 1000, as disks and registries count). */
#pragma once

#include <stdint.h>

struct size_text {
	char text[24];
};

struct size_text size_text(uint64_t bytes);
