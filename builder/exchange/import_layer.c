/* One layer: checked, unpacked by a worker, kept as it came. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/build/cache.h"
#include "builder/build/worker.h"
#include "builder/exchange/import_internal.h"
#include "builder/layout.h"
#include "builder/store/layer.h"

/* What a worker unpacks. */
struct unpacking {
	int archive_fd;
	int root_fd;
	const struct tar_extract_options *options;
	bool wanted;                    /* the result */
	struct tar_extracted extracted; /* which is this */
};

struct digest import_layer_key(const struct digest *digest, const char *below)
{
	struct digest_state key;

	cache_key_begin(&key, "import", below ? below : "scratch");
	digest_add_text(&key, digest->hex);
	return digest_end(&key);
}

static struct digest key_here(const struct import *import, const struct digest *digest)
{
	size_t count = import->image->layers_count;

	return import_layer_key(
		digest, count ? import->image->layers[count - 1].key : NULL);
}

/* In a worker: it is killed when a signal ends the command. */
static int extract(void *argument, int output, struct error *err)
{
	struct unpacking *unpacking = argument;

	return tar_extract(unpacking->archive_fd, unpacking->root_fd, unpacking->options,
		unpacking->wanted ? &unpacking->extracted : NULL, err);
}

int import_extract(struct import *import, int archive_fd, int root_fd,
	const struct tar_extract_options *options, struct tar_extracted *ret,
	struct error *err)
{
	struct unpacking unpacking = {
		.archive_fd = archive_fd,
		.root_fd = root_fd,
		.options = options,
		.wanted = ret != NULL,
	};
	struct worker worker = {
		.work = extract,
		.argument = &unpacking,
		.result = &unpacking.extracted,
		.result_size = sizeof(unpacking.extracted),
		.signal_fd = import->options->signal_fd,
	};

	if (worker_run(&worker, err) < 0)
		return -1;
	if (ret)
		*ret = unpacking.extracted;
	return 0;
}

static int fail_digest(const char *name, const struct digest *found,
	const struct digest *expected, struct error *err)
{
	return fail(err, "%s: its bytes have the digest sha256:%s, expected sha256:%s",
		name, found->hex, expected->hex);
}

/* What cannot be unpacked may be what nobody meant: then that is what is said. */
static int check_again(
	int archive_fd, const char *name, const struct digest *digest, struct error *err)
{
	struct error second;
	struct digest found;

	if (err->errnum == EINTR || lseek(archive_fd, 0, SEEK_SET) < 0 ||
		digest_of_fd(archive_fd, name, &found, NULL, &second) < 0 ||
		strcmp(found.hex, digest->hex) == 0)
		return -1;
	return fail_digest(name, &found, digest, err);
}

static int extract_layer(struct import *import, int archive_fd, const char *name,
	const struct digest *digest, const struct layer_draft *draft,
	struct tar_extracted *ret, struct error *err)
{
	auto_strings below = { 0 };
	struct tar_extract_options options = {
		.name = name,
		.layer = true,
		.below = &below,
		.devices = true,
		.keep_owner = true,
		.epoch = -1,
	};
	auto_fd fs = open(draft->fs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fs < 0)
		return fail_errno(err, "opening %s", draft->fs);
	for (size_t i = import->image->layers_count; i-- > 0;)
		strings_add_take(&below,
			layer_path(import->session->store, import->image->layers[i].key));
	if (import_extract(import, archive_fd, fs, &options, ret, err) < 0)
		return digest ? check_again(archive_fd, name, digest, err) : -1;
	if (digest && strcmp(ret->digests.digest.hex, digest->hex) != 0)
		return fail_digest(name, &ret->digests.digest, digest, err);
	return 0;
}

int import_check(int archive_fd, const char *name, const struct digest *expected,
	struct digest *ret, struct error *err)
{
	if (digest_of_fd(archive_fd, name, ret, NULL, err) < 0)
		return -1;
	if (expected && strcmp(ret->hex, expected->hex) != 0)
		return fail_digest(name, ret, expected, err);
	if (lseek(archive_fd, 0, SEEK_SET) < 0)
		return fail_errno(err, "reading %s again", name);
	return 0;
}

bool import_find_layer(
	const struct store *store, const struct digest *key, struct layer_info *ret)
{
	struct error ignored;

	return layer_find(store, key->hex, ret, &ignored) == 0 && ret->diff_id;
}

static void add_layer(
	struct import *import, const struct digest *key, const struct layer_info *info)
{
	struct image *image = import->image;

	image_add_layer(image, key->hex, info->size);
	image->layers[image->layers_count - 1].diff_id = str_dup(info->diff_id);
}

bool import_known_layer(struct import *import, const struct digest *digest)
{
	struct digest key = key_here(import, digest);
	auto_layer_info known = { 0 };

	if (!import_find_layer(import->session->store, &key, &known))
		return false;
	add_layer(import, &key, &known);
	return true;
}

static int commit(struct import *import, struct layer_draft *draft, const char *name,
	const struct tar_extracted *extracted, struct error *err)
{
	struct digest key = key_here(import, &extracted->digests.digest);
	auto_layer_info info = {
		.created_by = str_dup(name),
		.diff_id = str_format(DIGEST_PREFIX "%s", extracted->digests.diff_id.hex),
		.size = extracted->size,
	};

	if (layer_commit(import->session, draft, key.hex, &info, err) < 0)
		return -1;
	add_layer(import, &key, &info);
	return 0;
}

int import_add_layer(struct import *import, int archive_fd, const char *name,
	const struct digest *digest, struct digest *ret, struct error *err)
{
	struct layer_draft draft = LAYER_DRAFT_NONE;
	struct tar_extracted extracted;
	int result;

	if (import->image->layers_count >= IMAGE_LAYERS_MAX)
		return fail(err, "the image has more than %d layers", IMAGE_LAYERS_MAX);
	if (layer_begin(import->session, NULL, &draft, err) < 0)
		return -1;
	result = extract_layer(import, archive_fd, name, digest, &draft, &extracted, err);
	if (result == 0)
		result = commit(import, &draft, name, &extracted, err);
	if (result == 0 && ret)
		*ret = extracted.digests.digest;
	layer_abandon(import->session, &draft);
	return result;
}

/* A copy that is complete before it gets its name. */
static int copy_blob(struct import *import, int directory_fd, const char *name,
	const struct digest *digest, struct error *err)
{
	auto_free char *piece = NULL;
	auto_fd from = -1;
	auto_fd piece_fd = -1;
	auto_fd to = -1;

	if (layout_open(directory_fd, name, &from, err) < 0 ||
		session_piece(import->session, &piece, &piece_fd, err) < 0)
		return -1;
	to = openat(piece_fd, "blob", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (to < 0)
		return fail_errno(err, "making a copy of %s", name);
	if (fd_copy(from, to, name, err) < 0 ||
		store_move_blob(import->session->store, piece_fd, "blob", digest, err) <
			0)
		return -1;
	session_drop_piece(import->session, piece);
	return 0;
}

int import_keep(struct import *import, int directory_fd, const char *name,
	const struct digest *digest, struct error *err)
{
	const struct store *store = import->session->store;

	if (faccessat(store->blobs_fd, digest->hex, F_OK, 0) == 0)
		return 0;
	if (import->own)
		return store_link_blob(store, directory_fd, name, digest, err);
	return copy_blob(import, directory_fd, name, digest, err);
}
