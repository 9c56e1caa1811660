/*
 * An image manifest: the config and the layers of one image.
 * Source: OCI image-spec, manifest.md.
 */
#pragma once

#include "spec/image_descriptor.h"

struct image_manifest {
	uint32_t schema_version; /* 2 */
	char *media_type;
	char *artifact_type;
	struct image_descriptor config;
	struct image_descriptor *layers;
	size_t layers_count;
	struct image_descriptor *subject;
	struct pairs annotations;
};

extern const struct json_type image_manifest_type;

#define auto_image_manifest \
	__attribute__((cleanup(image_manifest_free))) struct image_manifest
void image_manifest_free(struct image_manifest *manifest);
