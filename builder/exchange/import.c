/*
 * Where images come from: a source's words, its directory (archives are unpacked into the
 * session, registries downloaded into it), and from there import_layout.c;
 * import_convert.c makes other forms layouts.
 */
#include "builder/exchange/import.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/copy/digest_cache.h"
#include "builder/exchange/import_convert.h"
#include "builder/exchange/import_internal.h"
#include "builder/layout.h"
#include "builder/platform.h"
#include "builder/store/layer.h"
#include "builder/worker.h"

/* Of an archive's own files: some for each layer. */
#define ARCHIVE_ENTRIES_MAX 65536

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

/* The diff IDs name the layers as they came: as many as there are, each of the tar that
 * was unpacked. */
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
		if (strcmp(ids->items[i], image->layers[i].diff_id) != 0)
			return fail(err,
				"layer %zu unpacks to a tar with the digest %s; the config "
				"has the diff ID %s for it",
				i + 1, image->layers[i].diff_id, ids->items[i]);
	}
	image_config_free(&image->config);
	image->config = *config;
	*config = (struct image_config){ 0 };
	strings_free(&image->config.rootfs.diff_ids);
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
		.entries_max = ARCHIVE_ENTRIES_MAX,
	};
	struct tar_extracted extracted;
	auto_free char *piece = NULL;
	auto_fd archive = -1;
	auto_fd fd = -1;

	if (open_file(path, &archive, err) < 0 ||
		session_piece(import->session, &piece, &fd, err) < 0 ||
		import_extract(import, archive, fd, &options, &extracted, err) < 0)
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

static int add_rootfs(struct import *import, int fd, const char *path,
	struct copy_digest_cache *known, struct error *err)
{
	uint8_t bytes[32];
	struct digest digest;
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "reading %s", path);
	if (digest_cache_find(known, &stat, bytes)) {
		digest = digest_of_bytes(bytes);
		if (import_known_layer(import, &digest))
			return 0;
	}
	if (import_add_layer(import, fd, path, NULL, &digest, err) < 0)
		return -1;
	digest_to_bytes(&digest, bytes);
	digest_cache_add(known, &stat, bytes);
	return 0;
}

/* The tar is read once, and not at all while it stays as it is: a build begins with it
 * each time. */
static int import_rootfs(struct import *import, const char *path, struct error *err)
{
	struct copy_digest_cache *known = NULL;
	struct error ignored;
	auto_fd fd = -1;
	int result;

	if (open_file(path, &fd, err) < 0 ||
		copy_digest_cache_open(
			import->session->store->root_fd, "archives", &known, err) < 0)
		return -1;
	result = add_rootfs(import, fd, path, known, err);
	if (result == 0)
		(void)!copy_digest_cache_save(known, &ignored); /* it is read again */
	copy_digest_cache_free(known);
	return result;
}

/* Made a layout first, in a piece of the session. */
static int import_converted(struct import *import, enum source_kind kind,
	int directory_fd, char **ret_name, struct error *err)
{
	auto_free char *piece = NULL;
	auto_free char *called = NULL;
	auto_free char *ignored = NULL;
	auto_fd fd = -1;

	if (session_piece(import->session, &piece, &fd, err) < 0)
		return -1;
	if (kind == SOURCE_DIRECTORY ? convert_directory(directory_fd, fd, err)
				     : convert_docker(directory_fd, fd, &called, err))
		return -1;
	import->own = true;
	if (import_layout(import, fd, &ignored, err) < 0)
		return -1;
	session_drop_piece(import->session, piece);
	*ret_name = take_ptr(&called);
	return 0;
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
		struct digest digest;
		struct stat stat;

		if (!digest_parse(manifest->layers[i].digest, &digest))
			return; /* whoever downloads it says so */
		key = import_layer_key(&digest, i ? key.hex : NULL);
		if (fstatat(store->blobs_fd, digest.hex, &stat, AT_SYMLINK_NOFOLLOW) ==
				0 &&
			(uint64_t)stat.st_size == manifest->layers[i].size &&
			import_find_layer(store, &key, &info))
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
		return kind == SOURCE_OCI
			       ? import_layout(import, fd, ret_name, err)
			       : import_converted(import, kind, fd, ret_name, err);
	}
	if (kind == SOURCE_REGISTRY)
		return import_registry(import, path, ret_name, err);
	if (unpack_archive(import, path, &fd, err) < 0)
		return -1;
	import->own = true;
	return kind == SOURCE_OCI_ARCHIVE
		       ? import_layout(import, fd, ret_name, err)
		       : import_converted(import, kind, fd, ret_name, err);
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
