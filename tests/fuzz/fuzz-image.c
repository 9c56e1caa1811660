/* The documents of an image, each of which a registry may send in place of another. */
#include "spec/image_config.h"
#include "spec/image_index.h"
#include "spec/image_manifest.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_document(&image_config_type, data, size, NULL);
	fuzz_document(&image_manifest_type, data, size, NULL);
	fuzz_document(&image_index_type, data, size, NULL);
	return 0;
}
