/* manifest.json, which is an array: the table reads objects, so it is given one around. */
#include "builder/exchange/docker.h"

#include "base/cleanup.h"
#include "builder/layout.h"

#define MANIFEST_MAX (4u << 20)

static const struct json_field manifest_fields[] = {
	JSON_STRING(struct docker_manifest, config, "Config", .required = true),
	JSON_STRINGS(struct docker_manifest, repo_tags, "RepoTags"),
	JSON_STRINGS(struct docker_manifest, layers, "Layers"),
	JSON_END,
};
static const struct json_type manifest_type =
	JSON_TYPE(struct docker_manifest, manifest_fields);

struct manifests {
	struct docker_manifest *items;
	size_t items_count;
};

static const struct json_field manifests_fields[] = {
	JSON_ARRAY(struct manifests, items, "manifest.json", &manifest_type),
	JSON_END,
};
static const struct json_type manifests_type =
	JSON_TYPE(struct manifests, manifests_fields);

void docker_manifest_free(struct docker_manifest *manifest)
{
	json_free(&manifest_type, manifest);
}

void docker_manifest_write(struct str *str, const struct docker_manifest *manifest)
{
	struct json_write_options options = { 0 };

	str_append_char(str, '[');
	json_write(str, &manifest_type, manifest, options);
	str_append(str, "]\n");
}

int docker_manifest_read(int directory_fd, struct docker_manifest *ret, struct error *err)
{
	struct json_options options = { .name = "manifest.json" };
	struct manifests manifests = { 0 };
	auto_free char *text = NULL;
	auto_str wrapped = { 0 };
	size_t length = 0;

	if (layout_read_file(
		    directory_fd, "manifest.json", MANIFEST_MAX, &text, &length, err) < 0)
		return -1;
	str_appendf(&wrapped, "{\"manifest.json\":%s}", text);
	if (json_read(&manifests_type, &manifests, wrapped.data, wrapped.length, &options,
		    err) < 0)
		return -1;
	if (manifests.items_count != 1) {
		(void)!fail(err, "manifest.json: expected one image, found %zu",
			manifests.items_count);
		json_free(&manifests_type, &manifests);
		return -1;
	}
	*ret = manifests.items[0];
	manifests.items[0] = (struct docker_manifest){ 0 };
	json_free(&manifests_type, &manifests);
	return 0;
}
