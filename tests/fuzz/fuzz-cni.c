/* A CNI configuration from standard input, on to the network that it describes. */
#include "netsetup/cni/config.h"
#include "tests/fuzz/fuzz.h"

static void convert(const void *object)
{
	const struct cni_config *config = object;
	struct network network = { 0 };
	struct attach attach = { .netns_fd = -1 };
	struct error err;

	if (!config->name) /* cni.c has refused it */
		return;
	if (cni_network(object, &network, &err) == 0)
		network_free(&network);
	(void)!cni_requests(
		object, "IP=10.0.0.1", &attach, &err); /* no crash is enough */
	attach_close(&attach);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_document(&cni_config_type, data, size, convert);
	return 0;
}
