/* The tables of index and layout. */
#include "spec/image_index.h"

static const struct json_field index_fields[] = {
	JSON_U32(struct image_index, schema_version, "schemaVersion", .required = true),
	JSON_STRING(struct image_index, media_type, "mediaType"),
	JSON_STRING(struct image_index, artifact_type, "artifactType"),
	JSON_ARRAY(struct image_index, manifests, "manifests", &image_descriptor_type,
		.required = true),
	JSON_POINTER(struct image_index, subject, "subject", &image_descriptor_type),
	JSON_PAIRS(struct image_index, annotations, "annotations"),
	JSON_END,
};
const struct json_type image_index_type = JSON_TYPE(struct image_index, index_fields);

static const struct json_field layout_fields[] = {
	JSON_STRING(struct image_layout, image_layout_version, "imageLayoutVersion",
		.required = true),
	JSON_END,
};
const struct json_type image_layout_type = JSON_TYPE(struct image_layout, layout_fields);

void image_index_free(struct image_index *index)
{
	json_free(&image_index_type, index);
}
