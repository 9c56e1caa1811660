/*
 * An image index, also a layout's index.json and Docker's manifest list.
 * Source: OCI image-spec, image-index.md, image-layout.md.
 */
#pragma once

#include "spec/image_descriptor.h"

/* Annotation that names a manifest in a layout's index.json. */
#define IMAGE_REF_NAME "org.opencontainers.image.ref.name"
/* The same in full, docker.io and tag included, as Docker and containerd read it. */
#define IMAGE_FULL_NAME "io.containerd.image.name"

struct image_index {
	uint32_t schema_version; /* 2 */
	char *media_type;
	char *artifact_type;
	struct image_descriptor *manifests;
	size_t manifests_count;
	struct image_descriptor *subject;
	struct pairs annotations;
};

/* The file oci-layout. */
struct image_layout {
	char *image_layout_version; /* "1.0.0" */
};

#define IMAGE_LAYOUT_VERSION "1.0.0"

extern const struct json_type image_index_type;
extern const struct json_type image_layout_type;

#define auto_image_index __attribute__((cleanup(image_index_free))) struct image_index
void image_index_free(struct image_index *index);
