/*
 * A descriptor: what points at a blob. Source: OCI image-spec, descriptor.md.
 */
#pragma once

#include "base/json.h"

#define IMAGE_MEDIA_INDEX      "application/vnd.oci.image.index.v1+json"
#define IMAGE_MEDIA_MANIFEST   "application/vnd.oci.image.manifest.v1+json"
#define IMAGE_MEDIA_CONFIG     "application/vnd.oci.image.config.v1+json"
#define IMAGE_MEDIA_LAYER      "application/vnd.oci.image.layer.v1.tar"
#define IMAGE_MEDIA_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define IMAGE_MEDIA_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define IMAGE_MEDIA_EMPTY      "application/vnd.oci.empty.v1+json"

/* What registries and Docker still serve under older names. */
#define DOCKER_MEDIA_INDEX      "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MEDIA_MANIFEST   "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_MEDIA_CONFIG     "application/vnd.docker.container.image.v1+json"
#define DOCKER_MEDIA_LAYER      "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_MEDIA_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define DOCKER_MEDIA_LAYER_ZSTD "application/vnd.docker.image.rootfs.diff.tar.zstd"

struct image_platform {
	char *architecture;
	char *os;
	char *os_version;
	struct strings os_features;
	char *variant;
};

struct image_descriptor {
	char *media_type;
	char *digest; /* "sha256:..." */
	uint64_t size;
	struct strings urls;
	struct pairs annotations;
	char *data; /* base64 */
	struct image_platform *platform;
	char *artifact_type;
};

extern const struct json_type image_platform_type;
extern const struct json_type image_descriptor_type;

#define auto_image_descriptor \
	__attribute__((cleanup(image_descriptor_free))) struct image_descriptor
void image_descriptor_free(struct image_descriptor *descriptor);

/* A digest as "sha256:" or "sha512:" and as many lower-case hexadecimal digits as it
 * must have: nothing else may become a file's name. */
bool image_digest_valid(const char *digest);
