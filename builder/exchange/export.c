/* Layers to tar files, the record to config, manifest and index. */
#include "builder/exchange/export.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "builder/archive/tar_write.h"
#include "builder/exchange/attached.h"
#include "builder/exchange/attest.h"
#include "builder/exchange/export_internal.h"
#include "builder/layout.h"
#include "builder/registry/reference.h"
#include "builder/store/layer.h"
#include "spec/image_index.h"
#include "spec/image_manifest.h"

void export_free(struct export *export)
{
	for (size_t i = 0; i < export->made_count; i++)
		free(export->made[i].key);
	free(export->made);
}

int export_open_partial(
	int directory_fd, const char *what, int *ret_fd, struct error *err)
{
	*ret_fd = openat(directory_fd, "layer.partial",
		O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return *ret_fd < 0 ? fail_errno(err, "making a file for %s", what) : 0;
}

int export_place_partial(int directory_fd, const char *name, struct error *err)
{
	if (renameat(directory_fd, "layer.partial", directory_fd, name) < 0)
		return fail_errno(err, "naming %s", name);
	return 0;
}

/* The earlier of what the caller wants and what the image was built with. */
static int64_t latest_time(
	const struct image *image, const struct export_options *options)
{
	if (!image->has_epoch || (options->epoch >= 0 && options->epoch < image->epoch))
		return options->epoch;
	return image->epoch;
}

struct tar_write_options export_tar_options(
	const struct export *export, const struct image *image)
{
	return (struct tar_write_options){
		.name = "a layer",
		.layer = true,
		.compression = export->options->compression,
		.epoch = latest_time(image, export->options),
	};
}

static bool find_made(const struct export *export, const char *key, int64_t epoch,
	struct tar_written *ret)
{
	for (size_t i = 0; i < export->made_count; i++) {
		const struct export_made *made = &export->made[i];

		if (made->epoch == epoch && strcmp(made->key, key) == 0) {
			*ret = made->written;
			return true;
		}
	}
	return false;
}

static void add_made(struct export *export, const char *key, int64_t epoch,
	const struct tar_written *written)
{
	export->made = str_grow(export->made, export->made_count, sizeof(*export->made));
	export->made[export->made_count++] = (struct export_made){
		.key = str_dup(key),
		.epoch = epoch,
		.written = *written,
	};
}

int export_write_layer(struct export *export, const struct image_layer *layer,
	const struct tar_write_options *tar, struct tar_written *ret, struct error *err)
{
	auto_free char *path = layer_path(export->session->store, layer->key);
	auto_free char *name = NULL;
	auto_fd from = -1;
	auto_fd to = -1;

	if (find_made(export, layer->key, tar->epoch, ret))
		return 0;
	from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return fail_errno(err, "opening layer %s", layer->key);
	if (export_open_partial(export->directory_fd, layer->key, &to, err) < 0 ||
		tar_write(from, to, tar, ret, err) < 0)
		return -1;
	name = export->layer_name(ret);
	if (export_place_partial(export->directory_fd, name, err) < 0)
		return -1;
	add_made(export, layer->key, tar->epoch, ret);
	return 0;
}

int export_check_image(const struct image *image, struct error *err)
{
	if (!image->on_host)
		return 0;
	return fail(err,
		"the image was made without FROM: it stands on this host's file "
		"system and holds only what changed; begin its Mockerfile with FROM");
}

/* Once, for all images that have it. */
int export_copy_blob(struct session *session, const struct image_descriptor *blob,
	int directory_fd, bool *ret_there, struct error *err)
{
	auto_free char *name = NULL;
	struct digest digest;
	auto_fd from = -1;
	auto_fd to = -1;

	if (layout_digest(blob, &digest, err) < 0)
		return -1;
	name = layout_blob_name(&digest);
	*ret_there = faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (*ret_there)
		return 0;
	from = store_open_blob(session->store, &digest);
	*ret_there = from >= 0;
	if (from < 0)
		return errno == ENOENT ? 0
				       : fail_errno(err, "opening blob %s", blob->digest);
	return export_open_partial(directory_fd, blob->digest, &to, err) < 0 ||
			       fd_copy(from, to, blob->digest, err) < 0
		       ? -1
		       : export_place_partial(directory_fd, name, err);
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

static char *layer_name(const struct tar_written *written)
{
	return layout_blob_name(&written->digest);
}

static int export_made_layer(struct export *export, const struct image_layer *layer,
	const struct tar_write_options *tar, struct image_descriptor *ret,
	struct strings *diff_ids, struct error *err)
{
	struct tar_written written;

	if (export_write_layer(export, layer, tar, &written, err) < 0)
		return -1;
	layout_describe(ret, media_types[tar->compression], &written.digest,
		(uint64_t)written.size);
	strings_addf(diff_ids, DIGEST_PREFIX "%s", written.diff_id.hex);
	return 0;
}

static int export_layer(struct export *export, const struct image_layer *layer,
	const struct tar_write_options *tar, struct image_descriptor *ret,
	struct strings *diff_ids, struct error *err)
{
	bool there = false;

	if (layer->blob && layer->diff_id &&
		export_copy_blob(export->session, layer->blob, export->directory_fd,
			&there, err) < 0)
		return -1;
	if (!there)
		return export_made_layer(export, layer, tar, ret, diff_ids, err);
	*ret = (struct image_descriptor){
		.media_type = str_dup(oci_type(layer->blob->media_type)),
		.digest = str_dup(layer->blob->digest),
		.size = layer->blob->size,
	};
	strings_add(diff_ids, layer->diff_id);
	return 0;
}

static int export_layers(struct export *export, const struct image *image,
	struct image_manifest *manifest, struct strings *diff_ids, struct error *err)
{
	struct tar_write_options tar = export_tar_options(export, image);
	size_t count = image->layers_count;

	manifest->layers = str_alloc((count + 1) * sizeof(*manifest->layers));
	for (size_t i = 0; i < count; i++) {
		if (export_layer(export, &image->layers[i], &tar, &manifest->layers[i],
			    diff_ids, err) < 0)
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
static int make_image(struct export *export, const struct image *image,
	struct image_descriptor *ret, struct error *err)
{
	struct json_write_options compact = { 0 };
	auto_image_manifest manifest = { .schema_version = 2 };
	int directory_fd = export->directory_fd;
	auto_strings diff_ids = { 0 };
	auto_str config = { 0 };
	auto_str text = { 0 };
	struct digest digest;

	if (export_layers(export, image, &manifest, &diff_ids, err) < 0 ||
		export_config(image, &diff_ids, &config, err) < 0 ||
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

static int export_image(struct export *export, const struct image *image,
	struct image_descriptor *ret, struct error *err)
{
	struct session *session = export->session;
	int directory_fd = export->directory_fd;
	bool there = false;

	if (copy_image(session, directory_fd, image, &there, err) < 0)
		return -1;
	if (!there)
		return make_image(export, image, ret, err);
	return json_copy(&image_descriptor_type, ret, image->manifest, err) < 0
		       ? -1
		       : attached_export(session, directory_fd, image, ret, err);
}

/* An old store may have names that are none anywhere else. */
static void add_name(struct image_descriptor *entry, const char *name)
{
	auto_reference reference = { 0 };
	auto_free char *full = NULL;
	struct error ignored;

	pairs_set(&entry->annotations, IMAGE_REF_NAME, name);
	if (reference_parse(name, &reference, &ignored) < 0)
		return;
	full = reference_full(&reference);
	pairs_set(&entry->annotations, IMAGE_FULL_NAME, full);
}

static int add_image(
	struct export *export, const struct export_image *image, struct error *err)
{
	int directory_fd = export->directory_fd;
	auto_image_descriptor entry = { 0 };

	if (export_check_image(image->image, err) < 0 ||
		export_image(export, image->image, &entry, err) < 0 ||
		attest_image(export->session, directory_fd, image->image, image->name,
			&entry, err) < 0)
		return -1;
	if (image->name)
		add_name(&entry, image->name);
	return layout_add(directory_fd, &entry, err);
}

int export_layout(struct session *session, int directory_fd,
	const struct export_image *images, size_t count,
	const struct export_options *options, struct error *err)
{
	auto_export export = {
		.session = session,
		.directory_fd = directory_fd,
		.options = options,
		.layer_name = layer_name,
	};

	if (layout_make(directory_fd, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (add_image(&export, &images[i], err) < 0)
			return -1;
	}
	return 0;
}
