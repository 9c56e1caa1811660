/* Image records: the table that reads and writes them, and small changes to one. */
#include "builder/store/image.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "spec/image_index.h"
#include "spec/platform.h"

static const struct json_field layer_fields[] = {
	JSON_STRING(struct image_layer, key, "key", .required = true),
	JSON_U64(struct image_layer, size, "size"),
	JSON_STRING(struct image_layer, diff_id, "diffID"),
	JSON_POINTER(struct image_layer, blob, "blob", &image_descriptor_type),
	JSON_END,
};
static const struct json_type layer_type = JSON_TYPE(struct image_layer, layer_fields);

static const struct json_field image_fields[] = {
	JSON_BOOL(struct image, on_host, "onHost"),
	JSON_STRUCT(struct image, config, "config", &image_config_type),
	JSON_ARRAY(struct image, layers, "layers", &layer_type),
	JSON_POINTER(struct image, manifest, "manifest", &image_descriptor_type),
	JSON_ARRAY(struct image, attached, "attached", &image_descriptor_type),
	JSON_POINTER(struct image, index, "index", &image_descriptor_type),
	JSON_I64_OPT(struct image, epoch, "epoch"),
	JSON_BOOL(struct image, sbom, "sbom"),
	JSON_RAW(struct image, provenance, "provenance"),
	JSON_STRING(struct image, provenance_type, "provenanceType"),
	JSON_END,
};
const struct json_type image_type = JSON_TYPE(struct image, image_fields);

void image_free(struct image *image)
{
	json_free(&image_type, image);
}

int image_copy(struct image *to, const struct image *from, struct error *err)
{
	return json_copy(&image_type, to, from, err);
}

void image_init(struct image *image)
{
	*image = (struct image){ 0 };
	image->config.os = str_dup("linux");
	image->config.architecture = str_dup(platform_architecture());
	if (*platform_variant())
		image->config.variant = str_dup(platform_variant());
	image->config.rootfs.type = str_dup("layers");
}

void image_add_layer(struct image *image, const char *key, uint64_t size)
{
	image->layers = str_realloc(
		image->layers, image->layers_count + 1, sizeof(*image->layers));
	image->layers[image->layers_count++] = (struct image_layer){
		.key = str_dup(key),
		.size = size,
	};
}

void image_add_history(struct image *image, const char *created, const char *created_by,
	bool empty_layer)
{
	struct image_config *config = &image->config;

	config->history = str_realloc(
		config->history, config->history_count + 1, sizeof(*config->history));
	config->history[config->history_count++] = (struct image_history){
		.created = str_dup(created),
		.created_by = str_dup(created_by),
		.empty_layer = empty_layer,
	};
}

void image_forget_origin(struct image *image)
{
	if (image->manifest)
		json_free(&image_descriptor_type, image->manifest);
	free(take_ptr(&image->manifest));
	if (image->index)
		json_free(&image_descriptor_type, image->index);
	free(take_ptr(&image->index));
	for (size_t i = 0; i < image->attached_count; i++)
		json_free(&image_descriptor_type, &image->attached[i]);
	free(take_ptr(&image->attached));
	image->attached_count = 0;
	free(take_ptr(&image->provenance));
	free(take_ptr(&image->provenance_type));
	image->has_epoch = image->sbom = false;
	image->epoch = 0;
}

/* Both are RFC 3339 in UTC, so that their order is that of their bytes. */
static void clamp(char **time, const char *latest)
{
	if (!*time || strcmp(*time, latest) <= 0)
		return;
	free(*time);
	*time = str_dup(latest);
}

void image_set_epoch(struct image *image, int64_t epoch)
{
	time_t seconds = (time_t)epoch;
	char latest[64] = "";
	struct tm parts;

	if (!gmtime_r(&seconds, &parts) ||
		strftime(latest, sizeof(latest), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return; /* a year that no calendar has: nothing is later */
	image->has_epoch = true;
	image->epoch = epoch;
	clamp(&image->config.created, latest);
	for (size_t i = 0; i < image->config.history_count; i++)
		clamp(&image->config.history[i].created, latest);
}

uint64_t image_size(const struct image *image)
{
	uint64_t size = 0;

	for (size_t i = 0; i < image->layers_count; i++)
		size += image->layers[i].size;
	return size;
}

int image_save(const struct store *store, const struct image *image, struct digest *ret,
	uint64_t *ret_size, struct error *err)
{
	struct json_write_options options = { 0 };
	auto_str text = { 0 };

	json_write(&text, &image_type, image, options);
	*ret_size = text.length;
	return store_put_blob(store, text.data, text.length, ret, err);
}

/* A record that somebody changed by hand must not lead a layer's path elsewhere. */
static int check_layers(const struct image *image, const char *id, struct error *err)
{
	if (image->layers_count > IMAGE_LAYERS_MAX)
		return fail(err, "image %s has %zu layers; %d are possible", id,
			image->layers_count, IMAGE_LAYERS_MAX);
	for (size_t i = 0; i < image->layers_count; i++) {
		if (!digest_is_hex(image->layers[i].key))
			return fail(err, "image %s: layer %zu has the key \"%s\"", id, i,
				image->layers[i].key);
	}
	return 0;
}

int image_load(const struct store *store, const struct digest *id, struct image *ret,
	struct error *err)
{
	struct json_options options = { .name = id->hex };
	auto_free char *text = NULL;
	auto_image image = { 0 };
	size_t length = 0;

	if (store_get_blob(store, id, &text, &length, err) < 0 ||
		json_read(&image_type, &image, text, length, &options, err) < 0 ||
		check_layers(&image, id->hex, err) < 0)
		return -1;
	*ret = image;
	image = (struct image){ 0 };
	return 0;
}

bool image_is_damaged(const struct image_descriptor *entry, const struct error *err)
{
	const char *name = pairs_get(&entry->annotations, IMAGE_REF_NAME);

	if (err->errnum != ENOENT && err->errnum != EBADMSG)
		return false;
	log_warning("the image %s is damaged, `mocker-builder rmi` removes it: %s",
		name ? name : entry->digest, err->text);
	return true;
}

int image_read_manifest(const struct store *store, const struct image *image,
	struct image_manifest *ret, struct error *err)
{
	return image_read_manifest_of(store, image->manifest, ret, err);
}

int image_read_manifest_of(const struct store *store,
	const struct image_descriptor *descriptor, struct image_manifest *ret,
	struct error *err)
{
	struct json_options options = { .name = descriptor->digest, .any_case = true };
	auto_free char *text = NULL;
	struct digest digest;
	size_t length = 0;

	if (!digest_parse(descriptor->digest, &digest))
		return fail(err, "\"%s\" is no digest", descriptor->digest);
	if (store_get_blob(store, &digest, &text, &length, err) < 0)
		return -1;
	return json_read(&image_manifest_type, ret, text, length, &options, err);
}
