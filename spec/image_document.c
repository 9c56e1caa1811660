/* Only the members that tell one from the other are looked at. */
#include "spec/image_document.h"

#include <string.h>

struct probe {
	uint32_t schema_version;
	char *media_type;
	char *manifests;
	char *layers;
	char *config;
	char *fs_layers; /* of Docker's first schema */
};

static const struct json_field probe_fields[] = {
	JSON_U32(struct probe, schema_version, "schemaVersion"),
	JSON_STRING(struct probe, media_type, "mediaType"),
	JSON_RAW(struct probe, manifests, "manifests"),
	JSON_RAW(struct probe, layers, "layers"),
	JSON_RAW(struct probe, config, "config"),
	JSON_RAW(struct probe, fs_layers, "fsLayers"),
	JSON_END,
};
static const struct json_type probe_type = JSON_TYPE(struct probe, probe_fields);

bool image_media_is_index(const char *media_type)
{
	return str_equal(media_type, IMAGE_MEDIA_INDEX) ||
	       str_equal(media_type, DOCKER_MEDIA_INDEX);
}

static bool is_known(const char *media_type)
{
	return image_media_is_index(media_type) ||
	       str_equal(media_type, IMAGE_MEDIA_MANIFEST) ||
	       str_equal(media_type, DOCKER_MEDIA_MANIFEST);
}

/* What it is called must be what it is. */
static int check_type(const char *name, const char *said_by, const char *media_type,
	bool is_index, struct error *err)
{
	if (!is_known(media_type) || image_media_is_index(media_type) == is_index)
		return 0;
	return fail(err, "%s: %s calls it %s, but it is %s", name, said_by, media_type,
		is_index ? "an index" : "a manifest");
}

static int decide(const struct probe *probe, const char *name, const char *media_type,
	enum image_document *ret, struct error *err)
{
	bool is_index = probe->manifests != NULL;

	if (is_index && (probe->layers || probe->config || probe->fs_layers))
		return fail(err, "%s is a manifest and an index at once", name);
	if (probe->schema_version == 1 || probe->fs_layers)
		return fail(err,
			"%s is a manifest of Docker's first schema, which carries no "
			"digests of its layers' files; push the image again",
			name);
	if (!is_index && !(probe->layers && probe->config))
		return fail(err, "%s is neither a manifest nor an index", name);
	if (check_type(name, "its own mediaType", probe->media_type, is_index, err) < 0 ||
		check_type(name, "what points at it", media_type, is_index, err) < 0)
		return -1;
	if (probe->media_type && is_known(media_type) &&
		strcmp(probe->media_type, media_type) != 0)
		return fail(err, "%s: what points at it calls it %s, itself %s", name,
			media_type, probe->media_type);
	*ret = is_index ? IMAGE_DOCUMENT_INDEX : IMAGE_DOCUMENT_MANIFEST;
	return 0;
}

int image_document_kind(const char *text, size_t length, const char *name,
	const char *media_type, enum image_document *ret, struct error *err)
{
	struct json_options options = { .name = name };
	struct probe probe = { 0 };
	int result;

	if (json_read(&probe_type, &probe, text, length, &options, err) < 0)
		return -1;
	result = decide(&probe, name, media_type, ret, err);
	json_free(&probe_type, &probe);
	return result;
}
