/* A registries.conf, and an image's name after its first zero byte: what both lead to
 * must be places, not options or paths of this host. */
#include <stdlib.h>
#include <string.h>

#include "builder/registry/registries.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, '\0', size);
	size_t length = zero ? (size_t)(zero - data) : size;
	auto_free char *text = str_dup_n((const char *)data, length);
	auto_free char *name = zero ? str_dup_n((const char *)zero + 1, size - length - 1)
				    : str_dup("docker.io/library/alpine:3");
	auto_registries registries = { 0 };
	auto_reference reference = { 0 };
	auto_endpoints endpoints = { 0 };
	struct error err;

	if (size > 65536 ||
		registries_parse(&registries, text, "registries.conf", &err) < 0 ||
		reference_parse(name, &reference, &err) < 0 ||
		registries_resolve(&registries, &reference, &endpoints, &err) < 0)
		return 0;
	for (size_t i = 0; i < endpoints.count; i++)
		if (!*endpoints.items[i].host || strchr(endpoints.items[i].host, '/') ||
			*endpoints.items[i].repository == '/')
			abort();
	return 0;
}
