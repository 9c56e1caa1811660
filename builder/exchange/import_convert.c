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
#include "builder/store/image.h"
#include "spec/image_manifest.h"

/* Of one archive: index.json is read and written for each entry. */
#define ENTRIES_MAX 2000
#define FILES_MAX   10000

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

struct docker_files {
	int from_fd;
	int to_fd;
	/* Of those that are blobs already: images share layers. */
	struct linked {
		char *name;
		struct image_descriptor blob; /* its type is a layer's */
	} * linked;
	size_t count;
};

static void docker_files_free(struct docker_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->linked[i].name);
		json_free(&image_descriptor_type, &files->linked[i].blob);
	}
	free(files->linked);
}

#define auto_docker_files __attribute__((cleanup(docker_files_free))) struct docker_files

static int link_new(struct docker_files *files, const char *name, struct error *err)
{
	struct linked *linked;
	auto_free char *blob = NULL;
	struct digest digest;
	auto_fd fd = -1;
	int64_t size;

	if (files->count == FILES_MAX)
		return fail(err, "its images are of more than %d files", FILES_MAX);
	if (open_file(files->from_fd, name, &fd, err) < 0 ||
		digest_of_fd(fd, name, &digest, &size, err) < 0)
		return -1;
	blob = layout_blob_name(&digest);
	if (linkat(AT_FDCWD, fd_path(fd).text, files->to_fd, blob, AT_SYMLINK_FOLLOW) <
			0 &&
		errno != EEXIST)
		return fail_errno(err, "making a blob of %s", name);
	files->linked = str_grow(files->linked, files->count, sizeof(*files->linked));
	linked = &files->linked[files->count++];
	linked->name = str_dup(name);
	layout_describe(&linked->blob, layer_type(fd), &digest, (uint64_t)size);
	return 0;
}

/* The file as a blob of the layout. */
static int link_blob(struct docker_files *files, const char *name,
	struct image_descriptor *ret, struct error *err)
{
	size_t i = 0;

	while (i < files->count && strcmp(files->linked[i].name, name) != 0)
		i++;
	if (i == files->count && link_new(files, name, err) < 0)
		return -1;
	return json_copy(&image_descriptor_type, ret, &files->linked[i].blob, err);
}

static int link_files(struct docker_files *files, const struct docker_manifest *docker,
	struct image_manifest *manifest, struct error *err)
{
	const struct strings *layers = &docker->layers;

	if (link_blob(files, docker->config, &manifest->config, err) < 0)
		return -1;
	free(manifest->config.media_type);
	manifest->config.media_type = str_dup(IMAGE_MEDIA_CONFIG);
	if (layers->count > IMAGE_LAYERS_MAX)
		return fail(err, "%s has %zu layers, more than %d", docker->config,
			layers->count, IMAGE_LAYERS_MAX);
	manifest->layers = str_alloc((layers->count + 1) * sizeof(*manifest->layers));
	strings_each (name, layers) {
		if (link_blob(files, *name, &manifest->layers[manifest->layers_count++],
			    err) < 0)
			return -1;
	}
	return 0;
}

static int add_entries(int to_fd, struct image_descriptor *entry,
	const struct strings *names, struct error *err)
{
	if (names->count == 0)
		return layout_add(to_fd, entry, err);
	strings_each (name, names) {
		pairs_set(&entry->annotations, IMAGE_REF_NAME, *name);
		if (layout_add(to_fd, entry, err) < 0)
			return -1;
	}
	return 0;
}

static int convert_image(struct docker_files *files, const struct docker_manifest *docker,
	struct error *err)
{
	struct json_write_options compact = { 0 };
	auto_image_descriptor entry = { 0 };
	auto_image_manifest manifest = {
		.schema_version = 2,
		.media_type = str_dup(IMAGE_MEDIA_MANIFEST),
	};
	auto_str text = { 0 };
	struct digest digest;

	if (link_files(files, docker, &manifest, err) < 0)
		return -1;
	json_write(&text, &image_manifest_type, &manifest, compact);
	if (layout_put(files->to_fd, text.data, text.length, &digest, err) < 0)
		return -1;
	layout_describe(&entry, IMAGE_MEDIA_MANIFEST, &digest, text.length);
	return add_entries(files->to_fd, &entry, &docker->repo_tags, err);
}

int convert_docker(int from_fd, int to_fd, struct error *err)
{
	auto_docker_files files = { .from_fd = from_fd, .to_fd = to_fd };
	auto_docker_manifests manifests = { 0 };
	size_t entries = 0;

	if (docker_manifests_read(from_fd, &manifests, err) < 0 ||
		layout_make(to_fd, err) < 0)
		return -1;
	for (size_t i = 0; i < manifests.items_count; i++) {
		entries += 1 + manifests.items[i].repo_tags.count;
		if (entries > ENTRIES_MAX)
			return fail(err, "manifest.json: more than %d images and names",
				ENTRIES_MAX);
		if (convert_image(&files, &manifests.items[i], err) < 0)
			return -1;
	}
	return 0;
}
