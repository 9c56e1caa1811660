/* config.json: reading, the rules between its members, writing. */
#include "spec/validate.h"
#include "tests/fuzz/fuzz.h"

static void validate(const void *object)
{
	struct error err;

	(void)!config_validate(object, NULL, &err); /* either is fine, a crash is not */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_document(&oci_config_type, data, size, validate);
	return 0;
}
