/* The table of the manifest. */
#include "spec/image_manifest.h"

static const struct json_field manifest_fields[] = {
	JSON_U32(
		struct image_manifest, schema_version, "schemaVersion", .required = true),
	JSON_STRING(struct image_manifest, media_type, "mediaType"),
	JSON_STRING(struct image_manifest, artifact_type, "artifactType"),
	JSON_STRUCT(struct image_manifest, config, "config", &image_descriptor_type,
		.required = true),
	JSON_ARRAY(struct image_manifest, layers, "layers", &image_descriptor_type,
		.required = true),
	JSON_POINTER(struct image_manifest, subject, "subject", &image_descriptor_type),
	JSON_PAIRS(struct image_manifest, annotations, "annotations"),
	JSON_END,
};
const struct json_type image_manifest_type =
	JSON_TYPE(struct image_manifest, manifest_fields);

void image_manifest_free(struct image_manifest *manifest)
{
	json_free(&image_manifest_type, manifest);
}
