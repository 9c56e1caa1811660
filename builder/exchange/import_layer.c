/* One layer: checked, unpacked by a worker, kept as it came. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/cache.h"
#include "builder/exchange/import_internal.h"
#include "builder/layout.h"
#include "builder/store/layer.h"
#include "builder/worker.h"

/* What a worker unpacks. */
struct unpacking {
	int archive_fd;
	int root_fd;
	const struct tar_extract_options *options;
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
	const struct unpacking *unpacking = argument;

	umask(0);
	return tar_extract(
		unpacking->archive_fd, unpacking->root_fd, unpacking->options, err);
}

int import_extract(struct import *import, int archive_fd, int root_fd,
	const struct tar_extract_options *options, struct error *err)
{
	struct unpacking unpacking = { archive_fd, root_fd, options };
	struct worker worker = {
		.work = extract,
		.argument = &unpacking,
		.signal_fd = import->options->signal_fd,
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
			: import_extract(import, archive_fd, fs, &options, err);
	if (result == 0)
		result = layer_commit(import->session, &draft, key->hex, info, err);
	layer_abandon(import->session, &draft);
	return result;
}

int import_check(int archive_fd, const char *name, const struct digest *expected,
	struct digest *ret, struct error *err)
{
	if (digest_of_fd(archive_fd, name, ret, NULL, err) < 0)
		return -1;
	if (expected && strcmp(ret->hex, expected->hex) != 0)
		return fail(err,
			"%s: its bytes have the digest sha256:%s, expected sha256:%s",
			name, ret->hex, expected->hex);
	if (lseek(archive_fd, 0, SEEK_SET) < 0)
		return fail_errno(err, "reading %s again", name);
	return 0;
}

bool import_known_layer(struct import *import, const struct digest *digest)
{
	struct digest key = key_here(import, digest);
	auto_layer_info known = { 0 };
	struct error ignored;

	if (layer_find(import->session->store, key.hex, &known, &ignored) < 0)
		return false;
	image_add_layer(import->image, key.hex, known.size);
	return true;
}

int import_add_layer(struct import *import, int archive_fd, const char *name,
	const struct digest *digest, struct error *err)
{
	struct digest key = key_here(import, digest);
	auto_layer_info info = { .created_by = str_dup(name) };

	if (import->image->layers_count >= IMAGE_LAYERS_MAX)
		return fail(err, "the image has more than %d layers", IMAGE_LAYERS_MAX);
	if (import_known_layer(import, digest))
		return 0;
	if (unpack(import, archive_fd, name, &key, &info, err) < 0)
		return -1;
	image_add_layer(import->image, key.hex, info.size);
	return 0;
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
		return store_move_blob(store, directory_fd, name, digest, err);
	return copy_blob(import, directory_fd, name, digest, err);
}
