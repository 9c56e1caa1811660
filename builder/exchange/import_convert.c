/* Two forms, one function each. */
#include "builder/exchange/import_convert.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "builder/exchange/docker.h"
#include "builder/layout.h"
#include "spec/image_manifest.h"

/* ---- dir: ---------------------------------------------------------------------------- */

static int copy_blob(
	int from_fd, int to_fd, const struct image_descriptor *blob, struct error *err)
{
	auto_free char *name = NULL;
	struct digest digest;
	auto_fd from = -1;
	auto_fd to = -1;

	if (layout_digest(blob, &digest, err) < 0)
		return -1;
	name = layout_blob_name(&digest);
	if (layout_open(from_fd, digest.hex, &from, err) < 0)
		return -1;
	to = openat(to_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	return to < 0 ? fail_errno(err, "making %s", name)
		      : fd_copy(from, to, digest.hex, err);
}

int convert_directory(int from_fd, int to_fd, struct error *err)
{
	struct json_options options = { .name = "manifest.json" };
	struct image_descriptor entry = { 0 };
	auto_image_manifest manifest = { 0 };
	enum image_document kind;
	auto_free char *text = NULL;
	struct digest digest;
	size_t length = 0;
	int result;

	if (layout_read_file(from_fd, "manifest.json", LAYOUT_DOCUMENT_MAX, &text,
		    &length, err) < 0 ||
		image_document_kind(text, length, "manifest.json", NULL, &kind, err) < 0)
		return -1;
	if (kind == IMAGE_DOCUMENT_INDEX)
		return fail(err, "manifest.json is an index; copy one of its images");
	if (json_read(&image_manifest_type, &manifest, text, length, &options, err) < 0 ||
		layout_make(to_fd, err) < 0 ||
		layout_put(to_fd, text, length, &digest, err) < 0 ||
		copy_blob(from_fd, to_fd, &manifest.config, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.layers_count; i++) {
		if (copy_blob(from_fd, to_fd, &manifest.layers[i], err) < 0)
			return -1;
	}
	layout_describe(&entry,
		str_equal(manifest.media_type, DOCKER_MEDIA_MANIFEST)
			? DOCKER_MEDIA_MANIFEST
			: IMAGE_MEDIA_MANIFEST,
		&digest, length);
	result = layout_add(to_fd, &entry, err);
	json_free(&image_descriptor_type, &entry);
	return result;
}

/* ---- docker-archive ------------------------------------------------------------------ */

/* Docker links a layer that stands twice to the first one. */
static int open_file(int from_fd, const char *name, int *ret_fd, struct error *err)
{
	struct stat stat;
	auto_fd fd = -1;

	if (path_open_in_root(from_fd, name, O_RDONLY | O_NONBLOCK, 0, &fd, err) < 0)
		return -1;
	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "looking at %s", name);
	if (!S_ISREG(stat.st_mode))
		return fail(err, "%s is no regular file", name);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The file as a blob of the layout, and its descriptor without a media type. */
static int link_blob(int from_fd, int to_fd, const char *name,
	struct image_descriptor *ret, int *ret_fd, struct error *err)
{
	auto_free char *blob = NULL;
	struct digest digest;
	auto_fd fd = -1;
	int64_t size;

	if (open_file(from_fd, name, &fd, err) < 0 ||
		digest_of_fd(fd, name, &digest, &size, err) < 0)
		return -1;
	blob = layout_blob_name(&digest);
	if (linkat(AT_FDCWD, fd_path(fd).text, to_fd, blob, AT_SYMLINK_FOLLOW) < 0 &&
		errno != EEXIST)
		return fail_errno(err, "making a blob of %s", name);
	layout_describe(ret, NULL, &digest, (uint64_t)size);
	*ret_fd = take_fd(&fd);
	return 0;
}

static const char *layer_type(int fd)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b };
	static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	unsigned char magic[4] = { 0 };

	if (pread(fd, magic, sizeof(magic), 0) < (ssize_t)sizeof(magic))
		return IMAGE_MEDIA_LAYER;
	if (memcmp(magic, gzip, sizeof(gzip)) == 0)
		return IMAGE_MEDIA_LAYER_GZIP;
	return memcmp(magic, zstd, sizeof(zstd)) == 0 ? IMAGE_MEDIA_LAYER_ZSTD
						      : IMAGE_MEDIA_LAYER;
}

static int link_layers(int from_fd, int to_fd, const struct strings *layers,
	struct image_manifest *manifest, struct error *err)
{
	manifest->layers = str_alloc((layers->count + 1) * sizeof(*manifest->layers));
	strings_each (name, layers) {
		struct image_descriptor *layer =
			&manifest->layers[manifest->layers_count];
		auto_fd fd = -1;

		if (link_blob(from_fd, to_fd, *name, layer, &fd, err) < 0)
			return -1;
		layer->media_type = str_dup(layer_type(fd));
		manifest->layers_count++;
	}
	return 0;
}

int convert_docker(int from_fd, int to_fd, char **ret_name, struct error *err)
{
	struct json_write_options compact = { 0 };
	auto_image_descriptor entry = { 0 };
	auto_image_manifest manifest = { .schema_version = 2 };
	auto_docker_manifest docker = { 0 };
	auto_str text = { 0 };
	struct digest digest;
	auto_fd fd = -1;

	if (docker_manifest_read(from_fd, &docker, err) < 0 ||
		layout_make(to_fd, err) < 0 ||
		link_blob(from_fd, to_fd, docker.config, &manifest.config, &fd, err) <
			0 ||
		link_layers(from_fd, to_fd, &docker.layers, &manifest, err) < 0)
		return -1;
	manifest.config.media_type = str_dup(IMAGE_MEDIA_CONFIG);
	manifest.media_type = str_dup(IMAGE_MEDIA_MANIFEST);
	json_write(&text, &image_manifest_type, &manifest, compact);
	if (layout_put(to_fd, text.data, text.length, &digest, err) < 0)
		return -1;
	layout_describe(&entry, IMAGE_MEDIA_MANIFEST, &digest, text.length);
	if (layout_add(to_fd, &entry, err) < 0)
		return -1;
	if (docker.repo_tags.count > 0)
		*ret_name = str_dup(docker.repo_tags.items[0]);
	return 0;
}
