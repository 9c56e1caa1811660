/*
 * A source is opened (archives are unpacked into the session first), its manifest and
 * config are read, its layers unpacked by workers so that a signal ends them.
 */
#include "builder/exchange/import.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "builder/cache.h"
#include "builder/exchange/docker.h"
#include "builder/store/layer.h"
#include "builder/tar.h"
#include "builder/worker.h"
#include "spec/image_index.h"
#include "spec/image_manifest.h"

#define DOCUMENT_MAX (16u << 20)

enum source_kind { SOURCE_OCI, SOURCE_OCI_ARCHIVE, SOURCE_DOCKER_ARCHIVE, SOURCE_ROOTFS };

static const struct word source_words[] = {
	{ "oci:", SOURCE_OCI },
	{ "oci-archive:", SOURCE_OCI_ARCHIVE },
	{ "docker-archive:", SOURCE_DOCKER_ARCHIVE },
	{ "rootfs:", SOURCE_ROOTFS },
	{ NULL, 0 },
};

struct import {
	struct session *session;
	struct image *image;
	char *tag; /* of a layout with several images; NULL */
	int signal_fd;
};

/* What a worker unpacks. */
struct unpacking {
	int archive_fd;
	int root_fd;
	const struct tar_extract_options *options;
};

static const struct word *find_word(const char *text, const char **ret_rest)
{
	for (const struct word *word = source_words; word->word; word++) {
		*ret_rest = str_after(text, word->word);
		if (*ret_rest)
			return word;
	}
	return NULL;
}

bool import_is_source(const char *text)
{
	const char *rest;

	return find_word(text, &rest) != NULL;
}

/* The key of a layer whose archive has this digest. */
static struct digest layer_key(const struct image *image, const struct digest *digest)
{
	struct digest_state key;
	size_t count = image->layers_count;

	cache_key_begin(&key, "import", count ? image->layers[count - 1].key : "scratch");
	digest_add_text(&key, digest->hex);
	return digest_end(&key);
}

/* In a worker: it is killed when a signal ends the command. */
static int extract(void *argument, int output, struct error *err)
{
	const struct unpacking *unpacking = argument;

	umask(0);
	return tar_extract(
		unpacking->archive_fd, unpacking->root_fd, unpacking->options, err);
}

static int extract_by_worker(struct import *import, int archive_fd, int root_fd,
	const struct tar_extract_options *options, struct error *err)
{
	struct unpacking unpacking = { archive_fd, root_fd, options };
	struct worker worker = {
		.work = extract,
		.argument = &unpacking,
		.signal_fd = import->signal_fd,
	};

	return worker_run(&worker, err);
}

static int unpack(struct import *import, int archive_fd, const char *name,
	const struct digest *key, struct layer_info *info, struct error *err)
{
	struct tar_extract_options options = {
		.name = name,
		.layer = true,
		.devices = true,
		.keep_owner = true,
		.epoch = -1,
	};
	struct layer_draft draft = LAYER_DRAFT_NONE;
	auto_fd fs = -1;
	int result;

	if (layer_begin(import->session, NULL, &draft, err) < 0)
		return -1;
	fs = open(draft.fs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = fs < 0 ? fail_errno(err, "opening %s", draft.fs)
			: extract_by_worker(import, archive_fd, fs, &options, err);
	if (result == 0)
		result = layer_commit(import->session, &draft, key->hex, info, err);
	layer_abandon(import->session, &draft);
	return result;
}

/* One layer from an open archive. `expected` NULL: whatever its digest is. */
static int add_layer(struct import *import, int archive_fd, const char *name,
	const struct digest *expected, struct error *err)
{
	auto_layer_info info = { .created_by = str_dup(name) };
	auto_layer_info known = { 0 };
	struct error ignored;
	struct digest digest, key;

	if (digest_of_fd(archive_fd, name, &digest, NULL, err) < 0)
		return -1;
	if (expected && strcmp(digest.hex, expected->hex) != 0)
		return fail(err,
			"%s: its bytes have the digest sha256:%s, expected sha256:%s",
			name, digest.hex, expected->hex);
	if (lseek(archive_fd, 0, SEEK_SET) < 0)
		return fail_errno(err, "reading %s again", name);
	key = layer_key(import->image, &digest);
	if (layer_find(import->session->store, key.hex, &known, &ignored) == 0) {
		image_add_layer(import->image, key.hex, known.size);
		return 0;
	}
	if (unpack(import, archive_fd, name, &key, &info, err) < 0)
		return -1;
	image_add_layer(import->image, key.hex, info.size);
	return 0;
}

/* A file of a source: regular, not a link out of it. */
static int open_inside(int directory_fd, const char *name, int *ret_fd, struct error *err)
{
	struct stat stat;
	auto_fd fd = -1;

	if (path_open_in_root(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0,
		    &fd, err) < 0)
		return -1;
	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "looking at %s", name);
	if (!S_ISREG(stat.st_mode))
		return fail(err, "%s is no regular file", name);
	*ret_fd = take_fd(&fd);
	return 0;
}

static char *blob_name(const struct digest *digest)
{
	return str_format("blobs/sha256/%s", digest->hex);
}

/* A document of a layout, checked against its descriptor. */
static int read_blob(int directory_fd, const struct image_descriptor *descriptor,
	const struct json_type *type, void *object, struct error *err)
{
	struct fd_read_options read = { .limit = DOCUMENT_MAX, .regular_only = true };
	struct json_options options = { .any_case = true };
	auto_free char *name = NULL;
	auto_free char *text = NULL;
	struct digest digest;
	size_t length = 0;
	auto_fd fd = -1;

	if (!digest_parse(descriptor->digest, &digest))
		return fail(err, "the digest %s is not sha256", descriptor->digest);
	name = blob_name(&digest);
	if (open_inside(directory_fd, name, &fd, err) < 0 ||
		fd_read_all(fd, name, read, &text, &length, err) < 0)
		return -1;
	if (length != descriptor->size ||
		strcmp(digest_of(text, length).hex, digest.hex) != 0)
		return fail(err, "%s: its bytes are not what its descriptor says", name);
	options.name = name;
	return json_read(type, object, text, length, &options, err);
}

static int add_layers(struct import *import, int directory_fd,
	const struct image_manifest *manifest, struct error *err)
{
	for (size_t i = 0; i < manifest->layers_count; i++) {
		auto_free char *name = NULL;
		struct digest digest;
		auto_fd fd = -1;

		if (!digest_parse(manifest->layers[i].digest, &digest))
			return fail(err, "the digest %s is not sha256",
				manifest->layers[i].digest);
		name = blob_name(&digest);
		if (open_inside(directory_fd, name, &fd, err) < 0 ||
			add_layer(import, fd, name, &digest, err) < 0)
			return -1;
	}
	return 0;
}

/* Diff IDs are made again when the image is exported: of the layers as they are then. */
static void adopt_config(struct image *image, struct image_config *config)
{
	image_config_free(&image->config);
	image->config = *config;
	*config = (struct image_config){ 0 };
	strings_free(&image->config.rootfs.diff_ids);
}

static bool is_wanted(const struct import *import, const struct image_descriptor *entry)
{
	const char *name = pairs_get(&entry->annotations, IMAGE_REF_NAME);

	if (import->tag)
		return str_equal(name, import->tag);
	return !entry->platform ||
	       (str_equal(entry->platform->architecture, image_architecture()) &&
		       str_equal(entry->platform->os, "linux"));
}

static int find_manifest(const struct import *import, const struct image_index *index,
	const struct image_descriptor **ret, struct error *err)
{
	size_t found = 0;

	for (size_t i = 0; i < index->manifests_count; i++) {
		if (!is_wanted(import, &index->manifests[i]))
			continue;
		*ret = &index->manifests[i];
		found++;
	}
	if (found == 1)
		return 0;
	if (found > 1)
		return fail(err, "index.json names %zu images; say which by :TAG", found);
	return fail(err, "index.json names no image %s%s",
		import->tag ? "with the name " : "for this machine",
		import->tag ? import->tag : "");
}

/* Of an index of platforms, the one for this machine; depth is bounded. */
static int resolve_index(struct import *import, int directory_fd,
	const struct image_descriptor *entry, struct image_descriptor *ret,
	struct error *err)
{
	auto_image_index nested = { 0 };
	struct import any = { .session = import->session, .image = import->image };
	const struct image_descriptor *inner = NULL;

	if (!str_equal(entry->media_type, IMAGE_MEDIA_INDEX) &&
		!str_equal(entry->media_type, DOCKER_MEDIA_INDEX))
		return json_copy(&image_descriptor_type, ret, entry, err);
	if (read_blob(directory_fd, entry, &image_index_type, &nested, err) < 0 ||
		find_manifest(&any, &nested, &inner, err) < 0)
		return -1;
	return json_copy(&image_descriptor_type, ret, inner, err);
}

static int import_manifest(struct import *import, int directory_fd,
	const struct image_descriptor *entry, struct error *err)
{
	auto_image_manifest manifest = { 0 };
	auto_image_config config = { 0 };

	if (read_blob(directory_fd, entry, &image_manifest_type, &manifest, err) < 0 ||
		read_blob(directory_fd, &manifest.config, &image_config_type, &config,
			err) < 0 ||
		add_layers(import, directory_fd, &manifest, err) < 0)
		return -1;
	adopt_config(import->image, &config);
	return 0;
}

static int import_layout(
	struct import *import, int directory_fd, char **ret_name, struct error *err)
{
	struct json_options options = { .name = "index.json" };
	auto_image_index index = { 0 };
	const struct image_descriptor *entry = NULL;
	struct image_descriptor resolved = { 0 };
	int result;

	if (json_read_file(&image_index_type, &index, directory_fd, "index.json",
		    &options, err) < 0 ||
		find_manifest(import, &index, &entry, err) < 0 ||
		resolve_index(import, directory_fd, entry, &resolved, err) < 0)
		return -1;
	result = import_manifest(import, directory_fd, &resolved, err);
	json_free(&image_descriptor_type, &resolved);
	if (result == 0)
		*ret_name = str_dup(pairs_get(&entry->annotations, IMAGE_REF_NAME));
	return result;
}

static int import_docker(
	struct import *import, int directory_fd, char **ret_name, struct error *err)
{
	struct json_options options = { .any_case = true };
	struct fd_read_options read = { .limit = DOCUMENT_MAX, .regular_only = true };
	auto_docker_manifest manifest = { 0 };
	auto_image_config config = { 0 };
	auto_free char *text = NULL;
	auto_fd config_fd = -1;
	size_t length = 0;

	if (docker_manifest_read(directory_fd, &manifest, err) < 0)
		return -1;
	options.name = manifest.config;
	if (open_inside(directory_fd, manifest.config, &config_fd, err) < 0 ||
		fd_read_all(config_fd, manifest.config, read, &text, &length, err) < 0 ||
		json_read(&image_config_type, &config, text, length, &options, err) < 0)
		return -1;
	strings_each (layer, &manifest.layers) {
		auto_fd fd = -1;

		if (open_inside(directory_fd, *layer, &fd, err) < 0 ||
			add_layer(import, fd, *layer, NULL, err) < 0)
			return -1;
	}
	adopt_config(import->image, &config);
	if (manifest.repo_tags.count > 0)
		*ret_name = str_dup(manifest.repo_tags.items[0]);
	return 0;
}

static int open_file(const char *path, int *ret_fd, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	*ret_fd = fd;
	return 0;
}

/* The archive's files in a piece of the session. */
static int unpack_archive(
	struct import *import, const char *path, int *ret_fd, struct error *err)
{
	struct tar_extract_options options = {
		.name = path,
		.uid = geteuid(),
		.gid = getegid(),
		.epoch = -1,
	};
	auto_free char *piece = NULL;
	auto_fd archive = -1;
	auto_fd fd = -1;

	if (open_file(path, &archive, err) < 0 ||
		session_piece(import->session, &piece, &fd, err) < 0 ||
		extract_by_worker(import, archive, fd, &options, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* DIR:TAG where DIR:TAG itself does not exist. Either is owned by the caller. */
static void split_tag(const char *text, char **ret_path, char **ret_tag)
{
	const char *colon = strchr(text, ':');

	if (!colon || access(text, F_OK) == 0) {
		*ret_path = str_dup(text);
		return;
	}
	*ret_path = str_dup_n(text, (size_t)(colon - text));
	*ret_tag = str_dup(colon + 1);
}

static int import_rootfs(struct import *import, const char *path, struct error *err)
{
	auto_fd fd = -1;

	if (open_file(path, &fd, err) < 0)
		return -1;
	return add_layer(import, fd, path, NULL, err);
}

static int import_kind(struct import *import, enum source_kind kind, const char *path,
	char **ret_name, struct error *err)
{
	auto_fd fd = -1;

	if (kind == SOURCE_ROOTFS)
		return import_rootfs(import, path, err);
	if (kind == SOURCE_OCI) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return fail_errno(err, "opening the image layout %s", path);
		return import_layout(import, fd, ret_name, err);
	}
	if (unpack_archive(import, path, &fd, err) < 0)
		return -1;
	return kind == SOURCE_OCI_ARCHIVE ? import_layout(import, fd, ret_name, err)
					  : import_docker(import, fd, ret_name, err);
}

int import_image(struct session *session, int signal_fd, const char *source,
	struct image *ret, char **ret_name, struct error *err)
{
	const char *rest = NULL;
	const struct word *word = find_word(source, &rest);
	auto_free char *path = NULL;
	auto_free char *tag = NULL;
	auto_free char *name = NULL;
	auto_image image = { 0 };
	struct import import = {
		.session = session,
		.image = &image,
		.signal_fd = signal_fd,
	};

	if (!word)
		return fail(err, "\"%s\" is no source of an image", source);
	image_init(&image);
	split_tag(rest, &path, &tag);
	import.tag = tag;
	if (import_kind(&import, (enum source_kind)word->number, path, &name, err) < 0)
		return fail_while(err, "%s", source);
	*ret = image;
	image = (struct image){ 0 };
	*ret_name = take_ptr(&name);
	return 0;
}
