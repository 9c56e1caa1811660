/*
 * A layout's images: of what its index.json leads to, the manifests that are meant; their
 * configs, their layers. All of them are kept as they came, so that an image leaves with
 * the digest that it had.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/exchange/import_internal.h"
#include "builder/layout.h"
#include "builder/platform.h"
#include "spec/image_manifest.h"

#define INDEX_DEPTH 2

/* Of an index of platforms, the one that is wanted; depth is bounded. ret_index: where its
 * manifest stands, if it is an index. */
static int resolve(const struct import *import, int directory_fd,
	const struct image_descriptor *entry, int depth, struct image_descriptor *ret,
	struct image_descriptor *ret_index, struct error *err)
{
	const struct image_descriptor *inner = NULL;
	auto_image_index index = { 0 };
	int result;

	if (!image_media_is_index(entry->media_type))
		return json_copy(&image_descriptor_type, ret, entry, err);
	if (depth >= INDEX_DEPTH)
		return fail(err, "%s: an index of indexes of indexes", entry->digest);
	if (layout_read(directory_fd, entry, &image_index_type, &index, err) < 0 ||
		platform_choose(&index, entry->digest, &import->platform, &inner, err) <
			0)
		return -1;
	result = resolve(import, directory_fd, inner, depth + 1, ret, ret_index, err);
	if (result == 0 && !image_media_is_index(inner->media_type))
		result = json_copy(&image_descriptor_type, ret_index, entry, err);
	return result;
}

static int open_layer(struct import *import, int directory_fd,
	const struct image_descriptor *layer, const char *name,
	const struct digest *digest, struct error *err)
{
	struct digest found;
	struct stat stat;
	auto_fd fd = -1;

	if (layout_open(directory_fd, name, &fd, err) < 0) {
		/* It was not downloaded, since it is here. */
		return import->lean && err->errnum == ENOENT &&
				       import_known_layer(import, digest)
			       ? 0
			       : -1;
	}
	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "reading %s", name);
	if ((uint64_t)stat.st_size != layer->size)
		return fail(err, "%s: its size is not the %ju bytes of its descriptor",
			name, (uintmax_t)layer->size);
	if (import_known_layer(import, digest)
			? import_check(fd, name, digest, &found, err)
			: import_add_layer(import, fd, name, digest, NULL, err))
		return -1;
	return import_keep(import, directory_fd, name, digest, err);
}

static bool is_layer(const char *media_type)
{
	static const char *const types[] = {
		IMAGE_MEDIA_LAYER,
		IMAGE_MEDIA_LAYER_GZIP,
		IMAGE_MEDIA_LAYER_ZSTD,
		DOCKER_MEDIA_LAYER,
		DOCKER_MEDIA_LAYER_GZIP,
		DOCKER_MEDIA_LAYER_ZSTD,
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i], media_type) == 0)
			return true;
	}
	return false;
}

static int add_layer(struct import *import, int directory_fd,
	const struct image_descriptor *layer, struct error *err)
{
	struct image *image = import->image;
	auto_free char *name = NULL;
	struct image_descriptor **blob;
	struct digest digest;

	if (!is_layer(layer->media_type))
		return fail(err,
			"%s has the type \"%s\", which is no layer's: it is not a "
			"container image, or one for a newer tool",
			layer->digest, layer->media_type);
	if (layout_digest(layer, &digest, err) < 0)
		return -1;
	name = layout_blob_name(&digest);
	if (open_layer(import, directory_fd, layer, name, &digest, err) < 0)
		return -1;
	blob = &image->layers[image->layers_count - 1].blob;
	*blob = str_alloc(sizeof(**blob));
	return json_copy(&image_descriptor_type, *blob, layer, err);
}

/* Nobody has looked at the bytes of a statement. */
int import_keep_document(struct import *import, int directory_fd,
	const struct image_descriptor *descriptor, struct error *err)
{
	auto_free char *name = NULL;
	struct digest digest, found;
	auto_fd fd = -1;

	if (layout_digest(descriptor, &digest, err) < 0)
		return -1;
	name = layout_blob_name(&digest);
	if (layout_open(directory_fd, name, &fd, err) < 0 ||
		import_check(fd, name, &digest, &found, err) < 0)
		return -1;
	return import_keep(import, directory_fd, name, &digest, err);
}

static int import_manifest(struct import *import, int directory_fd,
	const struct image_descriptor *entry, struct error *err)
{
	struct image *image = import->image;
	auto_image_manifest manifest = { 0 };
	auto_image_config config = { 0 };

	if (layout_read(directory_fd, entry, &image_manifest_type, &manifest, err) < 0 ||
		layout_read(directory_fd, &manifest.config, &image_config_type, &config,
			err) < 0)
		return -1;
	if (manifest.layers_count > IMAGE_LAYERS_MAX)
		return fail(err, "the image has %zu layers, more than %d",
			manifest.layers_count, IMAGE_LAYERS_MAX);
	for (size_t i = 0; i < manifest.layers_count; i++) {
		if (add_layer(import, directory_fd, &manifest.layers[i], err) < 0)
			return -1;
	}
	if (import_adopt(import, &config, err) < 0 ||
		import_keep_document(import, directory_fd, &manifest.config, err) < 0 ||
		import_keep_document(import, directory_fd, entry, err) < 0)
		return -1;
	image->manifest = str_alloc(sizeof(*image->manifest));
	layout_describe(image->manifest, entry->media_type, &(struct digest){ 0 }, 0);
	free(image->manifest->digest);
	image->manifest->digest = str_dup(entry->digest);
	image->manifest->size = entry->size;
	return 0;
}

static int read_index(int directory_fd, struct image_index *ret, struct error *err)
{
	struct json_options options = { .name = "index.json" };
	auto_free char *text = NULL;
	size_t length = 0;

	return layout_read_file(directory_fd, "index.json", LAYOUT_DOCUMENT_MAX, &text,
		       &length, err) < 0
		       ? -1
		       : json_read(&image_index_type, ret, text, length, &options, err);
}

/* The image that has come in with this manifest, or NULL. */
static struct imported *find_imported(const struct import *import, const char *digest)
{
	for (size_t i = 0; i < import->all->count; i++) {
		struct imported *other = &import->all->items[i];

		if (str_equal(other->image.manifest->digest, digest))
			return other;
	}
	return NULL;
}

static int import_new(struct import *import, int directory_fd,
	const struct image_descriptor *manifest, const struct image_descriptor *holder,
	struct error *err)
{
	import_begin(import);
	if (import_manifest(import, directory_fd, manifest, err) < 0)
		return -1;
	return holder->digest ? import_attached(import, directory_fd, holder, err) : 0;
}

/* One image may have several entries, each with a name of it. */
static int import_entry(struct import *import, int directory_fd,
	const struct image_descriptor *entry, struct error *err)
{
	const char *name = import_entry_name(entry);
	auto_image_descriptor manifest = { 0 };
	auto_image_descriptor holder = { 0 };
	struct imported *imported;

	if (resolve(import, directory_fd, entry, 0, &manifest, &holder, err) < 0)
		return -1;
	imported = find_imported(import, manifest.digest);
	if (!imported && import_new(import, directory_fd, &manifest, &holder, err) < 0)
		return -1;
	if (!imported)
		imported = &import->all->items[import->all->count - 1];
	if (name && !strings_contain(&imported->names, name))
		strings_add(&imported->names, name);
	return 0;
}

int import_layout(struct import *import, int directory_fd, struct error *err)
{
	auto_image_index index = { 0 };
	auto_import_chosen chosen = { 0 };

	if (layout_check(directory_fd, err) < 0 ||
		read_index(directory_fd, &index, err) < 0 ||
		import_choose(import, &index, &chosen, err) < 0)
		return -1;
	for (size_t i = 0; i < chosen.count; i++) {
		const char *name = import_entry_name(chosen.items[i]);

		if (import_entry(import, directory_fd, chosen.items[i], err) < 0)
			return chosen.count > 1 && name ? fail_while(err, "%s", name)
							: -1;
	}
	return 0;
}
