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

static const struct json_field manifests_fields[] = {
	JSON_ARRAY(struct docker_manifests, items, "manifest.json", &manifest_type),
	JSON_END,
};
static const struct json_type manifests_type =
	JSON_TYPE(struct docker_manifests, manifests_fields);

void docker_manifests_free(struct docker_manifests *manifests)
{
	json_free(&manifests_type, manifests);
}

struct docker_manifest *docker_manifests_add(struct docker_manifests *manifests)
{
	size_t count = manifests->items_count++;

	manifests->items = str_grow(manifests->items, count, sizeof(*manifests->items));
	manifests->items[count] = (struct docker_manifest){ 0 };
	return &manifests->items[count];
}

void docker_manifests_write(struct str *str, const struct docker_manifests *manifests)
{
	struct json_write_options options = { 0 };

	for (size_t i = 0; i < manifests->items_count; i++) {
		str_append_char(str, i == 0 ? '[' : ',');
		json_write(str, &manifest_type, &manifests->items[i], options);
	}
	str_append(str, "]\n");
}

int docker_manifests_read(
	int directory_fd, struct docker_manifests *ret, struct error *err)
{
	struct json_options options = { .name = "manifest.json" };
	auto_free char *text = NULL;
	auto_str wrapped = { 0 };
	size_t length = 0;

	if (layout_read_file(
		    directory_fd, "manifest.json", MANIFEST_MAX, &text, &length, err) < 0)
		return -1;
	str_appendf(&wrapped, "{\"manifest.json\":%s}", text);
	if (json_read(&manifests_type, ret, wrapped.data, wrapped.length, &options, err) <
		0)
		return -1;
	return ret->items_count > 0 ? 0 : fail(err, "manifest.json: it names no image");
}
