/* The tables of descriptor and platform; which digests we accept. */
#include "spec/image_descriptor.h"

#include <string.h>

static const struct json_field platform_fields[] = {
	JSON_STRING(
		struct image_platform, architecture, "architecture", .required = true),
	JSON_STRING(struct image_platform, os, "os", .required = true),
	JSON_STRING(struct image_platform, os_version, "os.version"),
	JSON_STRINGS(struct image_platform, os_features, "os.features"),
	JSON_STRING(struct image_platform, variant, "variant"),
	JSON_END,
};
const struct json_type image_platform_type =
	JSON_TYPE(struct image_platform, platform_fields);

static const struct json_field descriptor_fields[] = {
	JSON_STRING(struct image_descriptor, media_type, "mediaType", .required = true),
	JSON_STRING(struct image_descriptor, digest, "digest", .required = true),
	JSON_U64(struct image_descriptor, size, "size", .required = true),
	JSON_STRINGS(struct image_descriptor, urls, "urls"),
	JSON_PAIRS(struct image_descriptor, annotations, "annotations"),
	JSON_STRING(struct image_descriptor, data, "data"),
	JSON_POINTER(struct image_descriptor, platform, "platform", &image_platform_type),
	JSON_STRING(struct image_descriptor, artifact_type, "artifactType"),
	JSON_END,
};
const struct json_type image_descriptor_type =
	JSON_TYPE(struct image_descriptor, descriptor_fields);

void image_descriptor_free(struct image_descriptor *descriptor)
{
	json_free(&image_descriptor_type, descriptor);
}

bool image_digest_valid(const char *digest)
{
	static const struct {
		const char *prefix;
		size_t digits;
	} algorithms[] = { { "sha256:", 64 }, { "sha512:", 128 } };

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		const char *digits = str_after(digest, algorithms[i].prefix);

		if (digits)
			return strlen(digits) == algorithms[i].digits &&
			       strspn(digits, "0123456789abcdef") == algorithms[i].digits;
	}
	return false;
}
