/* Layers to tar files, the record to config, manifest and index. */
#include "builder/exchange/export.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "builder/exchange/docker.h"
#include "builder/store/layer.h"
#include "builder/tar_write.h"
#include "spec/image_index.h"
#include "spec/image_manifest.h"

#define BLOBS "blobs/sha256"

static int make_place(int directory_fd, const char *name, struct error *err)
{
	if (mkdirat(directory_fd, name, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, "making %s", name);
	return 0;
}

static int write_document(
	int directory_fd, const char *name, const struct str *text, struct error *err)
{
	struct file_replace_options options = { .mode = 0644 };

	return file_replace_at(
		directory_fd, name, text->data, text->length, options, err);
}

/* A layer's archive at directory/name, under a name of its own until it is whole. */
static int write_layer(struct session *session, const struct image_layer *layer,
	int directory_fd, const struct tar_write_options *options,
	struct tar_written *ret, struct error *err)
{
	auto_free char *path = layer_path(session->store, layer->key);
	auto_fd from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd to = -1;

	if (from < 0)
		return fail_errno(err, "opening layer %s", layer->key);
	to = openat(directory_fd, "layer.partial",
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (to < 0)
		return fail_errno(err, "making a file for layer %s", layer->key);
	return tar_write(from, to, options, ret, err);
}

static int place_layer(int directory_fd, const char *name, struct error *err)
{
	if (renameat(directory_fd, "layer.partial", directory_fd, name) < 0)
		return fail_errno(err, "naming %s", name);
	return 0;
}

static void fill_descriptor(struct image_descriptor *descriptor, const char *media_type,
	const struct digest *digest, uint64_t size)
{
	*descriptor = (struct image_descriptor){
		.media_type = str_dup(media_type),
		.digest = str_format(DIGEST_PREFIX "%s", digest->hex),
		.size = size,
	};
}

static int check_image(const struct image *image, struct error *err)
{
	if (!image->on_host)
		return 0;
	return fail(err,
		"the image was made without FROM: it stands on this host's file "
		"system and holds only what changed; begin its Mockerfile with FROM");
}

static int export_layers(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct image_manifest *manifest, struct strings *diff_ids, struct error *err)
{
	struct tar_write_options tar = {
		.name = "a layer",
		.layer = true,
		.gzip = options->gzip,
		.epoch = options->epoch,
	};
	size_t count = image->image->layers_count;

	manifest->layers = str_alloc((count + 1) * sizeof(*manifest->layers));
	for (size_t i = 0; i < count; i++) {
		struct tar_written written;
		auto_free char *name = NULL;

		if (write_layer(session, &image->image->layers[i], directory_fd, &tar,
			    &written, err) < 0)
			return -1;
		name = str_format(BLOBS "/%s", written.digest.hex);
		if (place_layer(directory_fd, name, err) < 0)
			return -1;
		fill_descriptor(&manifest->layers[manifest->layers_count++],
			options->gzip ? IMAGE_MEDIA_LAYER_GZIP : IMAGE_MEDIA_LAYER,
			&written.digest, (uint64_t)written.size);
		strings_addf(diff_ids, DIGEST_PREFIX "%s", written.diff_id.hex);
	}
	return 0;
}

/* The config with the diff IDs that are known only now. */
static int write_config(const struct image *image, const struct strings *diff_ids,
	struct str *ret, struct error *err)
{
	struct json_write_options options = { 0 };
	auto_image_config config = { 0 };

	if (json_copy(&image_config_type, &config, &image->config, err) < 0)
		return -1;
	strings_free(&config.rootfs.diff_ids);
	strings_copy(&config.rootfs.diff_ids, diff_ids);
	json_write(ret, &image_config_type, &config, options);
	return 0;
}

static int put_blob(
	int directory_fd, const struct str *text, struct digest *ret, struct error *err)
{
	auto_free char *name = NULL;

	*ret = digest_of(text->data, text->length);
	name = str_format(BLOBS "/%s", ret->hex);
	return write_document(directory_fd, name, text, err);
}

static int add_to_index(int directory_fd, const struct export_image *image,
	const struct digest *manifest, uint64_t size, struct error *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	struct json_write_options pretty = { .pretty = true };
	struct json_options options = { .name = "index.json" };
	struct file_replace_options replace = { .mode = 0644 };
	auto_image_index index = { 0 };
	struct image_descriptor *entry;
	struct error first = { 0 };
	auto_str text = { 0 };

	if (json_read_file(&image_index_type, &index, directory_fd, "index.json",
		    &options, &first) < 0) {
		if (first.errnum != ENOENT) {
			*err = first;
			return -1;
		}
		index.schema_version = 2;
	}
	index.manifests = str_realloc(
		index.manifests, index.manifests_count + 1, sizeof(*index.manifests));
	entry = &index.manifests[index.manifests_count++];
	fill_descriptor(entry, IMAGE_MEDIA_MANIFEST, manifest, size);
	if (image->name)
		pairs_set(&entry->annotations, IMAGE_REF_NAME, image->name);
	json_write(&text, &image_index_type, &index, pretty);
	if (write_document(directory_fd, "index.json", &text, err) < 0)
		return -1;
	return file_replace_at(
		directory_fd, "oci-layout", layout, sizeof(layout) - 1, replace, err);
}

int export_layout(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct error *err)
{
	struct json_write_options compact = { 0 };
	auto_image_manifest manifest = { .schema_version = 2 };
	auto_strings diff_ids = { 0 };
	auto_str config = { 0 };
	auto_str text = { 0 };
	struct digest digest;

	if (check_image(image->image, err) < 0 ||
		make_place(directory_fd, "blobs", err) < 0 ||
		make_place(directory_fd, BLOBS, err) < 0 ||
		export_layers(session, directory_fd, image, options, &manifest, &diff_ids,
			err) < 0 ||
		write_config(image->image, &diff_ids, &config, err) < 0 ||
		put_blob(directory_fd, &config, &digest, err) < 0)
		return -1;
	manifest.media_type = str_dup(IMAGE_MEDIA_MANIFEST);
	fill_descriptor(&manifest.config, IMAGE_MEDIA_CONFIG, &digest, config.length);
	json_write(&text, &image_manifest_type, &manifest, compact);
	return put_blob(directory_fd, &text, &digest, err) < 0
		       ? -1
		       : add_to_index(directory_fd, image, &digest, text.length, err);
}

int export_docker(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct error *err)
{
	struct tar_write_options tar = {
		.name = "a layer",
		.layer = true,
		.epoch = options->epoch,
	};
	auto_docker_manifest manifest = { 0 };
	auto_strings diff_ids = { 0 };
	auto_str config = { 0 };
	auto_str text = { 0 };

	if (check_image(image->image, err) < 0)
		return -1;
	for (size_t i = 0; i < image->image->layers_count; i++) {
		struct tar_written written;
		auto_free char *name = NULL;

		if (write_layer(session, &image->image->layers[i], directory_fd, &tar,
			    &written, err) < 0)
			return -1;
		name = str_format("%s.tar", written.diff_id.hex);
		if (place_layer(directory_fd, name, err) < 0)
			return -1;
		strings_add(&manifest.layers, name);
		strings_addf(&diff_ids, DIGEST_PREFIX "%s", written.diff_id.hex);
	}
	if (write_config(image->image, &diff_ids, &config, err) < 0)
		return -1;
	manifest.config =
		str_format("%s.json", digest_of(config.data, config.length).hex);
	if (image->name)
		strings_add(&manifest.repo_tags, image->name);
	docker_manifest_write(&text, &manifest);
	return write_document(directory_fd, manifest.config, &config, err) < 0
		       ? -1
		       : write_document(directory_fd, "manifest.json", &text, err);
}
