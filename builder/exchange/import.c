/*
 * Where images come from: a source's words, its directory (archives are unpacked into the
 * session, registries downloaded into it), and from there import_layout.c.
 */
#include "builder/exchange/import.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/exchange/docker.h"
#include "builder/exchange/import_internal.h"
#include "builder/layout.h"
#include "builder/platform.h"
#include "builder/store/layer.h"
#include "builder/worker.h"

enum source_kind {
	SOURCE_OCI,
	SOURCE_OCI_ARCHIVE,
	SOURCE_DOCKER_ARCHIVE,
	SOURCE_DIRECTORY,
	SOURCE_ROOTFS,
	SOURCE_REGISTRY,
};

static const struct word source_words[] = {
	{ "oci:", SOURCE_OCI },
	{ "oci-archive:", SOURCE_OCI_ARCHIVE },
	{ "docker-archive:", SOURCE_DOCKER_ARCHIVE },
	{ "dir:", SOURCE_DIRECTORY },
	{ "rootfs:", SOURCE_ROOTFS },
	{ "docker://", SOURCE_REGISTRY },
	{ NULL, 0 },
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

/* The diff IDs are those of the layers as they came; how many there are must agree. */
int import_adopt(struct import *import, struct image_config *config, struct error *err)
{
	struct image *image = import->image;
	const struct strings *ids = &config->rootfs.diff_ids;

	if (ids->count != image->layers_count)
		return fail(err, "the config has %zu diff IDs, the manifest %zu layers",
			ids->count, image->layers_count);
	for (size_t i = 0; i < ids->count; i++) {
		struct digest digest;

		if (!digest_parse(ids->items[i], &digest))
			return fail(err, "the diff ID %s is not sha256", ids->items[i]);
		image->layers[i].diff_id = str_dup(ids->items[i]);
	}
	image_config_free(&image->config);
	image->config = *config;
	*config = (struct image_config){ 0 };
	strings_free(&image->config.rootfs.diff_ids);
	return 0;
}

int import_docker(
	struct import *import, int directory_fd, char **ret_name, struct error *err)
{
	struct json_options options = { .any_case = true };
	struct fd_read_options read = { .limit = LAYOUT_DOCUMENT_MAX,
		.regular_only = true };
	auto_docker_manifest manifest = { 0 };
	auto_image_config config = { 0 };
	auto_free char *text = NULL;
	auto_fd config_fd = -1;
	size_t length = 0;

	if (docker_manifest_read(directory_fd, &manifest, err) < 0)
		return -1;
	options.name = manifest.config;
	if (layout_open(directory_fd, manifest.config, &config_fd, err) < 0 ||
		fd_read_all(config_fd, manifest.config, read, &text, &length, err) < 0 ||
		json_read(&image_config_type, &config, text, length, &options, err) < 0)
		return -1;
	strings_each (layer, &manifest.layers) {
		struct digest digest;
		auto_fd fd = -1;

		if (layout_open(directory_fd, *layer, &fd, err) < 0 ||
			import_check(fd, *layer, NULL, &digest, err) < 0 ||
			import_add_layer(import, fd, *layer, &digest, err) < 0)
			return -1;
	}
	if (import_adopt(import, &config, err) < 0)
		return -1;
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
		import_extract(import, archive, fd, &options, err) < 0)
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
	struct digest digest;
	auto_fd fd = -1;

	if (open_file(path, &fd, err) < 0)
		return -1;
	if (import_check(fd, path, NULL, &digest, err) < 0)
		return -1;
	return import_add_layer(import, fd, path, &digest, err);
}

/* ---- what skopeo writes to dir: ----------------------------------------------------- */

/* manifest.json beside files named by the digits of their digests: they are copied into a
 * layout of the session's. */
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

static int make_layout(int from_fd, int to_fd, struct error *err)
{
	struct json_options options = { .name = "manifest.json" };
	struct image_descriptor entry = { 0 };
	auto_image_manifest manifest = { 0 };
	enum image_document kind;
	auto_free char *text = NULL;
	struct digest digest;
	size_t length = 0;
	int result;

	if (file_read_at(from_fd, "manifest.json", LAYOUT_DOCUMENT_MAX, &text, &length,
		    err) < 0 ||
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

static int import_directory(struct import *import, int directory_fd, struct error *err)
{
	auto_free char *piece = NULL;
	auto_free char *name = NULL;
	auto_fd fd = -1;

	if (session_piece(import->session, &piece, &fd, err) < 0 ||
		make_layout(directory_fd, fd, err) < 0)
		return -1;
	import->own = true;
	return import_layout(import, fd, &name, err);
}

/* ---- registries --------------------------------------------------------------------- */

struct pulling {
	struct import *import;
	const char *name;
	int directory_fd;
};

/* Layers that the store has are not downloaded again: their keys follow from their
 * digests alone. */
static void list_known(
	void *argument, const struct image_manifest *manifest, struct strings *ret)
{
	const struct store *store = argument;
	struct digest key = { 0 };

	for (size_t i = 0; i < manifest->layers_count; i++) {
		auto_layer_info info = { 0 };
		struct error ignored;
		struct digest digest;
		struct stat stat;

		if (!digest_parse(manifest->layers[i].digest, &digest))
			return; /* whoever downloads it says so */
		key = import_layer_key(&digest, i ? key.hex : NULL);
		if (fstatat(store->blobs_fd, digest.hex, &stat, AT_SYMLINK_NOFOLLOW) ==
				0 &&
			(uint64_t)stat.st_size == manifest->layers[i].size &&
			layer_find(store, key.hex, &info, &ignored) == 0)
			strings_add(ret, manifest->layers[i].digest);
	}
}

/* In a worker: threads and libcurl stay there, and a signal ends them. */
static int pull(void *argument, int output, struct error *err)
{
	const struct pulling *pulling = argument;
	const struct import *import = pulling->import;
	struct registry_options options = {
		.client = import->options->client,
		.platform = import->platform,
		.output = import->options->print ? output : import->options->output,
		.live = import->options->live,
		.known = list_known,
		.argument = (void *)import->session->store,
	};

	return registry_pull(pulling->name, pulling->directory_fd, &options, err);
}

static int import_registry(
	struct import *import, const char *name, char **ret_name, struct error *err)
{
	struct pulling pulling = { .import = import, .name = name };
	struct worker worker = {
		.work = pull,
		.argument = &pulling,
		.print = import->options->print,
		.print_argument = import->options->print_argument,
		.signal_fd = import->options->signal_fd,
	};
	auto_free char *piece = NULL;
	auto_free char *called = NULL;
	auto_fd fd = -1;

	if (session_piece(import->session, &piece, &fd, err) < 0)
		return -1;
	pulling.directory_fd = fd;
	if (worker_run(&worker, err) < 0)
		return -1;
	import->own = import->lean = true;
	if (import_layout(import, fd, &called, err) < 0)
		return -1;
	session_drop_piece(import->session, piece);
	*ret_name = str_dup(name);
	return 0;
}

static int import_kind(struct import *import, enum source_kind kind, const char *path,
	char **ret_name, struct error *err)
{
	auto_fd fd = -1;

	if (kind == SOURCE_ROOTFS)
		return import_rootfs(import, path, err);
	if (kind == SOURCE_OCI || kind == SOURCE_DIRECTORY) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return fail_errno(err, "opening the image layout %s", path);
		return kind == SOURCE_OCI ? import_layout(import, fd, ret_name, err)
					  : import_directory(import, fd, err);
	}
	if (kind == SOURCE_REGISTRY)
		return import_registry(import, path, ret_name, err);
	if (unpack_archive(import, path, &fd, err) < 0)
		return -1;
	import->own = true;
	return kind == SOURCE_OCI_ARCHIVE ? import_layout(import, fd, ret_name, err)
					  : import_docker(import, fd, ret_name, err);
}

int import_image_as(struct session *session, const char *source,
	const struct import_options *options, struct image *ret, char **ret_name,
	struct error *err)
{
	const char *rest = NULL;
	const struct word *word = find_word(source, &rest);
	auto_free char *path = NULL;
	auto_free char *tag = NULL;
	auto_free char *name = NULL;
	auto_platform platform = { 0 };
	auto_image image = { 0 };
	struct import import = {
		.options = options,
		.session = session,
		.image = &image,
	};

	if (!word)
		return fail(err, "\"%s\" is no source of an image", source);
	if (platform_parse(options->platform, &platform, err) < 0)
		return -1;
	import.platform = platform;
	image_init(&image);
	if (word->number == SOURCE_REGISTRY)
		path = str_dup(rest);
	else
		split_tag(rest, &path, &tag);
	import.tag = tag;
	if (import_kind(&import, (enum source_kind)word->number, path, &name, err) < 0)
		return fail_while(err, "%s", source);
	*ret = image;
	image = (struct image){ 0 };
	*ret_name = take_ptr(&name);
	return 0;
}

int import_image(struct session *session, int signal_fd, const char *source,
	struct image *ret, char **ret_name, struct error *err)
{
	struct import_options options = { .signal_fd = signal_fd, .output = -1 };

	return import_image_as(session, source, &options, ret, ret_name, err);
}
