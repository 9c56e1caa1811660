/* Layers to tar files, the record to config, manifest and index. */
#include "builder/exchange/export.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "builder/exchange/attached.h"
#include "builder/exchange/attest.h"
#include "builder/exchange/export_internal.h"
#include "builder/layout.h"
#include "builder/store/layer.h"
#include "builder/tar_write.h"
#include "spec/image_index.h"
#include "spec/image_manifest.h"

/* A layer's archive at directory/name, under a name of its own until it is whole. */
int export_write_layer(struct session *session, const struct image_layer *layer,
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

int export_place_layer(int directory_fd, const char *name, struct error *err)
{
	if (renameat(directory_fd, "layer.partial", directory_fd, name) < 0)
		return fail_errno(err, "naming %s", name);
	return 0;
}

/* The earlier of what the caller wants and what the image was built with. */
int64_t export_latest_time(
	const struct image *image, const struct export_options *options)
{
	if (!image->has_epoch || (options->epoch >= 0 && options->epoch < image->epoch))
		return options->epoch;
	return image->epoch;
}

int export_check_image(const struct image *image, struct error *err)
{
	if (!image->on_host)
		return 0;
	return fail(err,
		"the image was made without FROM: it stands on this host's file "
		"system and holds only what changed; begin its Mockerfile with FROM");
}

/* A blob of the store; false in *ret_there if it has been pruned. */
int export_copy_blob(struct session *session, const struct image_descriptor *blob,
	int directory_fd, bool *ret_there, struct error *err)
{
	auto_free char *name = NULL;
	struct digest digest;
	auto_fd from = -1;
	auto_fd to = -1;

	if (layout_digest(blob, &digest, err) < 0)
		return -1;
	from = store_open_blob(session->store, &digest);
	*ret_there = from >= 0;
	if (from < 0)
		return errno == ENOENT ? 0
				       : fail_errno(err, "opening blob %s", blob->digest);
	to = openat(directory_fd, "layer.partial",
		O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (to < 0)
		return fail_errno(err, "making a file for %s", blob->digest);
	name = layout_blob_name(&digest);
	return fd_copy(from, to, blob->digest, err) < 0
		       ? -1
		       : export_place_layer(directory_fd, name, err);
}

/* Docker's media types go into Docker's manifests; ours has OCI's. */
static const char *oci_type(const char *media_type)
{
	static const char *const types[][2] = {
		{ DOCKER_MEDIA_LAYER, IMAGE_MEDIA_LAYER },
		{ DOCKER_MEDIA_LAYER_GZIP, IMAGE_MEDIA_LAYER_GZIP },
		{ DOCKER_MEDIA_LAYER_ZSTD, IMAGE_MEDIA_LAYER_ZSTD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (str_equal(types[i][0], media_type))
			return types[i][1];
	}
	return media_type;
}

static const char *const media_types[] = {
	[TAR_PLAIN] = IMAGE_MEDIA_LAYER,
	[TAR_GZIP] = IMAGE_MEDIA_LAYER_GZIP,
	[TAR_ZSTD] = IMAGE_MEDIA_LAYER_ZSTD,
};

static int export_made_layer(struct session *session, const struct image_layer *layer,
	int directory_fd, const struct tar_write_options *tar,
	struct image_descriptor *ret, struct strings *diff_ids, struct error *err)
{
	auto_free char *name = NULL;
	struct tar_written written;

	if (export_write_layer(session, layer, directory_fd, tar, &written, err) < 0)
		return -1;
	name = layout_blob_name(&written.digest);
	if (export_place_layer(directory_fd, name, err) < 0)
		return -1;
	layout_describe(ret, media_types[tar->compression], &written.digest,
		(uint64_t)written.size);
	strings_addf(diff_ids, DIGEST_PREFIX "%s", written.diff_id.hex);
	return 0;
}

static int export_layer(struct session *session, const struct image_layer *layer,
	int directory_fd, const struct tar_write_options *tar,
	struct image_descriptor *ret, struct strings *diff_ids, struct error *err)
{
	bool there = false;

	if (layer->blob && layer->diff_id &&
		export_copy_blob(session, layer->blob, directory_fd, &there, err) < 0)
		return -1;
	if (!there)
		return export_made_layer(
			session, layer, directory_fd, tar, ret, diff_ids, err);
	*ret = (struct image_descriptor){
		.media_type = str_dup(oci_type(layer->blob->media_type)),
		.digest = str_dup(layer->blob->digest),
		.size = layer->blob->size,
	};
	strings_add(diff_ids, layer->diff_id);
	return 0;
}

static int export_layers(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct image_manifest *manifest, struct strings *diff_ids, struct error *err)
{
	struct tar_write_options tar = {
		.name = "a layer",
		.layer = true,
		.compression = options->compression,
		.epoch = export_latest_time(image->image, options),
	};
	size_t count = image->image->layers_count;

	manifest->layers = str_alloc((count + 1) * sizeof(*manifest->layers));
	for (size_t i = 0; i < count; i++) {
		if (export_layer(session, &image->image->layers[i], directory_fd, &tar,
			    &manifest->layers[i], diff_ids, err) < 0)
			return -1;
		manifest->layers_count++;
	}
	return 0;
}

/* The config with the diff IDs that are known only now. */
int export_config(const struct image *image, const struct strings *diff_ids,
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

/* A manifest of our making. */
static int make_image(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct image_descriptor *ret, struct error *err)
{
	struct json_write_options compact = { 0 };
	auto_image_manifest manifest = { .schema_version = 2 };
	auto_strings diff_ids = { 0 };
	auto_str config = { 0 };
	auto_str text = { 0 };
	struct digest digest;

	if (export_layers(session, directory_fd, image, options, &manifest, &diff_ids,
		    err) < 0 ||
		export_config(image->image, &diff_ids, &config, err) < 0 ||
		layout_put(directory_fd, config.data, config.length, &digest, err) < 0)
		return -1;
	manifest.media_type = str_dup(IMAGE_MEDIA_MANIFEST);
	layout_describe(&manifest.config, IMAGE_MEDIA_CONFIG, &digest, config.length);
	json_write(&text, &image_manifest_type, &manifest, compact);
	if (layout_put(directory_fd, text.data, text.length, &digest, err) < 0)
		return -1;
	layout_describe(ret, IMAGE_MEDIA_MANIFEST, &digest, text.length);
	return 0;
}

/* The image as it came, if all of it is still there. */
static int copy_image(struct session *session, int directory_fd,
	const struct image *image, bool *ret_there, struct error *err)
{
	auto_image_manifest manifest = { 0 };
	struct error first = { 0 };

	*ret_there = false;
	if (!image->manifest)
		return 0;
	if (image_read_manifest(session->store, image, &manifest, &first) < 0) {
		if (first.errnum == ENOENT)
			return 0;
		*err = first;
		return -1;
	}
	*ret_there = true;
	for (size_t i = 0; *ret_there && i < manifest.layers_count; i++) {
		if (export_copy_blob(session, &manifest.layers[i], directory_fd,
			    ret_there, err) < 0)
			return -1;
	}
	if (*ret_there && export_copy_blob(session, &manifest.config, directory_fd,
				  ret_there, err) < 0)
		return -1;
	return *ret_there ? export_copy_blob(session, image->manifest, directory_fd,
				    ret_there, err)
			  : 0;
}

static int export_image(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct image_descriptor *ret, struct error *err)
{
	bool there = false;

	if (copy_image(session, directory_fd, image->image, &there, err) < 0)
		return -1;
	if (there)
		return json_copy(&image_descriptor_type, ret, image->image->manifest,
			       err) < 0
			       ? -1
			       : attached_export(
					 session, directory_fd, image->image, ret, err);
	return make_image(session, directory_fd, image, options, ret, err);
}

int export_layout(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct digest *ret, struct error *err)
{
	auto_image_descriptor entry = { 0 };
	struct digest digest;

	if (export_check_image(image->image, err) < 0 ||
		layout_make(directory_fd, err) < 0 ||
		export_image(session, directory_fd, image, options, &entry, err) < 0)
		return -1;
	if (attest_image(session, directory_fd, image->image, image->name, &entry, err) <
			0 ||
		layout_digest(&entry, &digest, err) < 0)
		return -1;
	if (image->name)
		pairs_set(&entry.annotations, IMAGE_REF_NAME, image->name);
	if (layout_add(directory_fd, &entry, err) < 0)
		return -1;
	if (ret)
		*ret = digest;
	return 0;
}
