/*
 * Where images come from: a source's words, its directory (archives are unpacked into the
 * session, registries downloaded into it), and from there import_layout.c;
 * import_convert.c makes other forms layouts, import_choose.c says which of several.
 */
#include "builder/exchange/import.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/build/worker.h"
#include "builder/copy/digest_cache.h"
#include "builder/exchange/import_convert.h"
#include "builder/exchange/import_internal.h"
#include "builder/platform.h"
#include "builder/store/layer.h"

/* Of an archive's own files: some for each layer. */
#define ARCHIVE_ENTRIES_MAX 65536

enum source_kind {
	SOURCE_OCI,
	SOURCE_OCI_ARCHIVE,
	SOURCE_DOCKER_ARCHIVE,
	SOURCE_DIRECTORY,
	SOURCE_ROOTFS,
	SOURCE_REGISTRY,
	SOURCE_PATH, /* a directory or an archive of the first four */
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

void imports_free(struct imports *imports)
{
	for (size_t i = 0; i < imports->count; i++) {
		image_free(&imports->items[i].image);
		strings_free(&imports->items[i].names);
	}
	free(imports->items);
	*imports = (struct imports){ 0 };
}

void import_begin(struct import *import)
{
	struct imports *all = import->all;
	struct imported *next;

	all->items = str_grow(all->items, all->count, sizeof(*all->items));
	next = &all->items[all->count++];
	*next = (struct imported){ 0 };
	image_init(&next->image);
	import->image = &next->image;
}

/* Standard input may be a socket, which cannot be opened, or somebody else's pipe. */
static int open_file(const char *path, int *ret_fd, struct error *err)
{
	int fd = strcmp(path, "/dev/stdin") == 0
			 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
			 : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	*ret_fd = fd;
	return 0;
}

/* The archive's files in a piece of the session, where they are ours. */
static int unpack_archive(struct import *import, int archive_fd, const char *path,
	int *ret_fd, struct error *err)
{
	struct tar_extract_options options = {
		.name = path,
		.uid = geteuid(),
		.gid = getegid(),
		.epoch = -1,
		.entries_max = ARCHIVE_ENTRIES_MAX,
	};
	auto_free char *piece = NULL;
	auto_fd fd = -1;

	if (session_piece(import->session, &piece, &fd, err) < 0 ||
		import_extract(import, archive_fd, fd, &options, NULL, err) < 0)
		return -1;
	import->own = true;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* PATH:NAME, cut at the first colon before which there is a file, else at the first; where
 * PATH:NAME itself is one, not at all. Either is owned by the caller. */
static void split_name(const char *text, char **ret_path, char **ret_name)
{
	const char *first = strchr(text, ':');

	if (!first || access(text, F_OK) == 0) {
		*ret_path = str_dup(text);
		return;
	}
	for (const char *colon = first; colon; colon = strchr(colon + 1, ':')) {
		auto_free char *path = str_dup_n(text, (size_t)(colon - text));

		if (access(path, F_OK) < 0)
			continue;
		first = colon;
		break;
	}
	*ret_path = str_dup_n(text, (size_t)(first - text));
	*ret_name = str_dup(first + 1);
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
	import_begin(import);
	result = add_rootfs(import, fd, path, known, err);
	if (result == 0)
		(void)!copy_digest_cache_save(known, &ignored); /* it is read again */
	copy_digest_cache_free(known);
	return result;
}

/* ---- what is made a layout first ----------------------------------------------------- */

struct converting {
	int (*convert)(int from_fd, int to_fd, struct error *err);
	int from_fd;
	int to_fd;
};

static int convert(void *argument, int output, struct error *err)
{
	const struct converting *converting = argument;

	return converting->convert(converting->from_fd, converting->to_fd, err);
}

/* In a piece of the session; by a worker, for it reads every byte. */
static int import_converted(struct import *import,
	int (*how)(int from_fd, int to_fd, struct error *err), int directory_fd,
	struct error *err)
{
	struct converting converting = { .convert = how, .from_fd = directory_fd };
	struct worker worker = {
		.work = convert,
		.argument = &converting,
		.signal_fd = import->options->signal_fd,
	};
	auto_free char *piece = NULL;
	auto_fd fd = -1;

	if (session_piece(import->session, &piece, &fd, err) < 0)
		return -1;
	converting.to_fd = fd;
	if (worker_run(&worker, err) < 0)
		return -1;
	import->own = true;
	if (import_layout(import, fd, err) < 0)
		return -1;
	session_drop_piece(import->session, piece);
	return 0;
}

static bool has_file(int directory_fd, const char *name)
{
	return faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Newer versions of Docker write both files: an index has more to say. */
static int import_files(struct import *import, int directory_fd, struct error *err)
{
	if (has_file(directory_fd, "index.json"))
		return import_layout(import, directory_fd, err);
	if (has_file(directory_fd, "manifest.json"))
		return import_converted(import,
			import->own ? convert_docker : convert_directory, directory_fd,
			err);
	return fail(err, "it has neither an index.json nor a manifest.json, as images "
			 "have; rootfs:FILE takes the tar of a root file system");
}

static int import_unpacked(struct import *import, enum source_kind kind, const char *path,
	int directory_fd, struct error *err)
{
	switch (kind) {
	case SOURCE_OCI:
	case SOURCE_OCI_ARCHIVE:
		return import_layout(import, directory_fd, err);
	case SOURCE_DOCKER_ARCHIVE:
		return import_converted(import, convert_docker, directory_fd, err);
	case SOURCE_DIRECTORY:
		return import_converted(import, convert_directory, directory_fd, err);
	default:
		return import_files(import, directory_fd, err) < 0
			       ? fail_while(err, "%s", path)
			       : 0;
	}
}

static int import_path(
	struct import *import, enum source_kind kind, const char *path, struct error *err)
{
	struct stat stat;
	auto_fd files = -1;
	auto_fd fd = -1;

	if (open_file(path, &fd, err) < 0)
		return -1;
	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "looking at %s", path);
	if (S_ISDIR(stat.st_mode))
		return kind == SOURCE_OCI_ARCHIVE || kind == SOURCE_DOCKER_ARCHIVE
			       ? fail(err, "%s is a directory, no archive", path)
			       : import_unpacked(import, kind, path, fd, err);
	if (kind == SOURCE_OCI || kind == SOURCE_DIRECTORY)
		return fail(err, "%s is no directory", path);
	return unpack_archive(import, fd, path, &files, err) < 0
		       ? -1
		       : import_unpacked(import, kind, path, files, err);
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

static int import_registry(struct import *import, const char *name, struct error *err)
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
	auto_fd fd = -1;

	if (session_piece(import->session, &piece, &fd, err) < 0)
		return -1;
	pulling.directory_fd = fd;
	if (worker_run(&worker, err) < 0)
		return -1;
	import->own = import->lean = true;
	if (import_layout(import, fd, err) < 0)
		return -1;
	session_drop_piece(import->session, piece);
	return 0;
}

/* ---- all of them --------------------------------------------------------------------- */

static int import_source(struct import *import, const char *source, struct error *err)
{
	const char *rest = NULL;
	const struct word *word = find_word(source, &rest);
	enum source_kind kind = word ? (enum source_kind)word->number : SOURCE_PATH;
	auto_free char *path = NULL;
	auto_free char *name = NULL;

	if (kind == SOURCE_REGISTRY)
		return import_registry(import, rest, err);
	split_name(word ? rest : source, &path, &name);
	if (!*path || (name && !*name))
		return fail(err, "\"%s\" lacks %s", source,
			*path ? "a name behind its colon" : "a path");
	import->wanted = name;
	import->several = import->several && !name;
	return kind == SOURCE_ROOTFS ? import_rootfs(import, path, err)
				     : import_path(import, kind, path, err);
}

static int import_by(
	struct import *import, const char *source, struct imports *ret, struct error *err)
{
	auto_platform platform = { 0 };

	if (platform_parse(import->options->platform, &platform, err) < 0)
		return -1;
	import->platform = platform;
	import->all = ret;
	if (import_source(import, source, err) == 0)
		return 0;
	imports_free(ret);
	return import_is_source(source) ? fail_while(err, "%s", source) : -1;
}

int import_images(struct session *session, const char *source,
	const struct import_options *options, struct imports *ret, struct error *err)
{
	struct import import = {
		.options = options,
		.session = session,
		.several = true,
	};

	return import_by(&import, source, ret, err);
}

int import_image(struct session *session, const char *source,
	const struct import_options *options, struct image *ret, struct error *err)
{
	struct import import = { .options = options, .session = session };
	auto_imports all = { 0 };

	if (import_by(&import, source, &all, err) < 0)
		return -1;
	*ret = all.items[0].image;
	all.items[0].image = (struct image){ 0 };
	return 0;
}
