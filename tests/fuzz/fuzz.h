/*
 * Fuzz targets of the documents: whatever the bytes, reading ends with a struct or with one
 * line of error; what it read, written, reads as the same again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/* Aborts where a promise is broken. If not NULL, `use` is called with what was read. */
void fuzz_document(const struct json_type *type, const uint8_t *data, size_t size,
	void (*use)(const void *object));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
