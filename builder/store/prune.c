/* Mark and sweep of the store: layers by key, blobs by digest. */
#include "builder/store/prune.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/store/caches.h"
#include "builder/store/image.h"
#include "builder/store/layer.h"
#include "builder/store/lease.h"
#include "builder/store/refs.h"
#include "builder/store/session.h"

#define MEMO_SECONDS (90 * 24 * 60 * 60)

/* A layer on disk. */
struct found {
	char *key;
	uint64_t size;
	struct timespec used;
	bool in_image;
	bool leased;
};

struct survey {
	struct found *layers; /* sorted by key */
	size_t layer_count;
	struct strings records; /* digests of image records that index.json has */
	struct strings blobs;   /* digests of what those records name */
	size_t image_count;
	size_t lease_count;
};

static void survey_free(struct survey *survey)
{
	for (size_t i = 0; i < survey->layer_count; i++)
		free(survey->layers[i].key);
	free(survey->layers);
	strings_free(&survey->records);
	strings_free(&survey->blobs);
}

#define auto_survey __attribute__((cleanup(survey_free))) struct survey

static int compare_keys(const void *a, const void *b)
{
	const struct found *left = a;
	const struct found *right = b;

	return strcmp(left->key, right->key);
}

static int compare_use(const void *a, const void *b)
{
	const struct found *left = *(struct found *const *)a;
	const struct found *right = *(struct found *const *)b;

	if (left->used.tv_sec != right->used.tv_sec)
		return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
	return (left->used.tv_nsec > right->used.tv_nsec) -
	       (left->used.tv_nsec < right->used.tv_nsec);
}

/* A layer whose layer.json cannot be read counts as empty: it is still removed. */
static void add_layer(const struct store *store, const char *key, struct survey *survey)
{
	auto_layer_info info = { 0 };
	struct error ignored;
	struct stat stat;
	struct found found = { .key = str_dup(key) };

	if (fstatat(store->layers_fd, key, &stat, AT_SYMLINK_NOFOLLOW) == 0)
		found.used = stat.st_mtim;
	if (layer_read(store, key, &info, &ignored) == 0)
		found.size = info.size;
	survey->layers = str_realloc(
		survey->layers, survey->layer_count + 1, sizeof(*survey->layers));
	survey->layers[survey->layer_count++] = found;
}

static int find_layers(
	const struct store *store, struct survey *survey, struct error *err)
{
	auto_strings names = { 0 };

	if (path_names(store->layers_fd, "layers", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (digest_is_hex(*name))
			add_layer(store, *name, survey);
	}
	if (survey->layer_count > 1)
		qsort(survey->layers, survey->layer_count, sizeof(*survey->layers),
			compare_keys);
	return 0;
}

static struct found *find(const struct survey *survey, const char *key)
{
	struct found wanted = { .key = (char *)(uintptr_t)key };

	if (survey->layer_count == 0)
		return NULL;
	return bsearch(&wanted, survey->layers, survey->layer_count,
		sizeof(*survey->layers), compare_keys);
}

static void mark_blob(const struct image_descriptor *blob, struct survey *survey)
{
	struct digest digest;

	if (blob && digest_parse(blob->digest, &digest))
		strings_add(&survey->blobs, digest.hex);
}

static int mark_attached(const struct store *store, const struct image_descriptor *entry,
	struct survey *survey, struct error *err)
{
	auto_image_manifest manifest = { 0 };

	mark_blob(entry, survey);
	if (image_read_manifest_of(store, entry, &manifest, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	mark_blob(&manifest.config, survey);
	for (size_t i = 0; i < manifest.layers_count; i++)
		mark_blob(&manifest.layers[i], survey);
	return 0;
}

/* What an image that came from elsewhere came as. */
static int mark_blobs(const struct store *store, const struct image *image,
	struct survey *survey, struct error *err)
{
	auto_image_manifest manifest = { 0 };

	for (size_t i = 0; i < image->layers_count; i++)
		mark_blob(image->layers[i].blob, survey);
	if (!image->manifest)
		return 0;
	mark_blob(image->manifest, survey);
	mark_blob(image->index, survey);
	for (size_t i = 0; i < image->attached_count; i++) {
		if (mark_attached(store, &image->attached[i], survey, err) < 0)
			return -1;
	}
	if (image_read_manifest(store, image, &manifest, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	mark_blob(&manifest.config, survey);
	return 0;
}

static int mark_image(const struct store *store, const struct image_descriptor *entry,
	struct survey *survey, struct error *err)
{
	auto_image image = { 0 };
	struct digest id;

	if (!digest_parse(entry->digest, &id))
		return fail(err, "index.json: \"%s\" is no digest", entry->digest);
	if (strings_contain(&survey->records, id.hex))
		return 0;
	if (image_load(store, &id, &image, err) < 0)
		return image_is_damaged(entry, err) ? 0 : -1;
	strings_add(&survey->records, id.hex);
	if (mark_blobs(store, &image, survey, err) < 0)
		return -1;
	survey->image_count++;
	for (size_t i = 0; i < image.layers_count; i++) {
		struct found *layer = find(survey, image.layers[i].key);

		if (layer)
			layer->in_image = true;
	}
	return 0;
}

/* An entry without a name, or of all of them any. */
static bool is_doomed(
	const struct prune_options *options, const struct image_descriptor *entry)
{
	return !options->keep_unnamed && (!ref_name(entry) || options->all_images);
}

/* `options`: where nothing is removed, of those that would be. NULL: none. */
static int mark_images(const struct store *store, const struct prune_options *options,
	struct survey *survey, struct error *err)
{
	auto_image_index index = { 0 };

	if (refs_read(store, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		const struct image_descriptor *entry = &index.manifests[i];

		if (options && options->dry_run && is_doomed(options, entry))
			continue;
		if (mark_image(store, entry, survey, err) < 0)
			return -1;
	}
	return 0;
}

static int mark_leases(
	const struct store *store, struct survey *survey, struct error *err)
{
	auto_strings keys = { 0 };

	if (lease_collect(store, &keys, err) < 0)
		return -1;
	strings_each (key, &keys) {
		struct found *layer = find(survey, *key);

		survey->lease_count += layer && !layer->leased;
		if (layer)
			layer->leased = true;
	}
	return 0;
}

static int make_survey(const struct store *store, const struct prune_options *options,
	struct survey *survey, struct error *err)
{
	return find_layers(store, survey, err) < 0 ||
			       mark_images(store, options, survey, err) < 0 ||
			       mark_leases(store, survey, err) < 0
		       ? -1
		       : 0;
}

static int measure_blobs(const struct store *store, uint64_t *ret, struct error *err)
{
	return layer_measure(store->root_fd, "blobs/sha256", ret, err);
}

int store_usage(const struct store *store, struct usage *ret, struct error *err)
{
	auto_survey survey = { 0 };
	struct usage usage = { 0 };

	if (make_survey(store, NULL, &survey, err) < 0 ||
		measure_blobs(store, &usage.blob_bytes, err) < 0)
		return -1;
	usage.images = survey.image_count;
	usage.layers = survey.layer_count;
	usage.leases = survey.lease_count;
	for (size_t i = 0; i < survey.layer_count; i++) {
		const struct found *layer = &survey.layers[i];

		usage.layer_bytes += layer->size;
		if (layer->in_image)
			usage.image_bytes += layer->size;
		if (!layer->in_image && !layer->leased) {
			usage.cache_layers++;
			usage.cache_bytes += layer->size;
		}
	}
	*ret = usage;
	return 0;
}

static void report(const struct prune_options *options, const char *what,
	const char *name, uint64_t size)
{
	if (options->removed)
		options->removed(options->argument, what, name, size);
}

/* Images without a name, or all of them. */
static int drop_images(const struct store *store, const struct prune_options *options,
	struct pruned *pruned, struct error *err)
{
	auto_image_index index = { 0 };

	if (refs_read(store, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		const char *name = ref_name(&index.manifests[i]);
		struct digest id;

		if (!is_doomed(options, &index.manifests[i]) ||
			!digest_parse(index.manifests[i].digest, &id))
			continue;
		report(options, "image", name ? name : id.hex, 0);
		pruned->images++;
		if (!options->dry_run && refs_remove_image(store, &id, err) < 0)
			return -1;
	}
	return 0;
}

static int drop_layers(const struct store *store, const struct prune_options *options,
	struct survey *survey, struct pruned *pruned, struct error *err)
{
	auto_free struct found **unused =
		str_realloc(NULL, survey->layer_count + 1, sizeof(struct found *));
	uint64_t kept = 0;
	size_t count = 0;

	for (size_t i = 0; i < survey->layer_count; i++) {
		struct found *layer = &survey->layers[i];

		if (layer->leased || layer->in_image)
			continue;
		unused[count++] = layer;
		kept += layer->size;
	}
	qsort(unused, count, sizeof(*unused), compare_use);
	for (size_t i = 0; i < count; i++) {
		if (options->keep_bytes > 0 && kept <= (uint64_t)options->keep_bytes)
			break;
		/* The oldest use first: what follows is younger still. */
		if (options->keep_seconds > 0 &&
			unused[i]->used.tv_sec > time(NULL) - options->keep_seconds)
			break;
		kept -= unused[i]->size;
		report(options, "layer", unused[i]->key, unused[i]->size);
		pruned->layers++;
		pruned->bytes += unused[i]->size;
		if (!options->dry_run && layer_remove(store, unused[i]->key, err) < 0)
			return -1;
	}
	return 0;
}

/* Whatever in blobs/ no record of index.json is, or names. */
static int drop_blobs(const struct store *store, const struct prune_options *options,
	const struct survey *survey, struct pruned *pruned, struct error *err)
{
	auto_strings names = { 0 };

	if (path_names(store->blobs_fd, "blobs/sha256", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		struct stat stat;

		if (strings_contain(&survey->records, *name) ||
			strings_contain(&survey->blobs, *name) ||
			fstatat(store->blobs_fd, *name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		pruned->blobs++;
		pruned->bytes += (uint64_t)stat.st_size;
		if (!options->dry_run && unlinkat(store->blobs_fd, *name, 0) < 0)
			return fail_errno(err, "removing blob %s", *name);
	}
	return 0;
}

/* Memos are small, and keep the times of images the same from build to build: only those
 * go that nobody asked for in a long time, or all of them with the images. */
static int drop_memos(
	const struct store *store, const struct prune_options *options, struct error *err)
{
	time_t oldest = time(NULL) - MEMO_SECONDS;
	auto_strings names = { 0 };

	if (options->dry_run)
		return 0;
	if (path_names(store->memo_fd, "memo", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		struct stat stat;

		if (fstatat(store->memo_fd, *name, &stat, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(stat.st_mode))
			continue;
		if (options->all_images || stat.st_mtime < oldest)
			(void)unlinkat(store->memo_fd, *name, 0); /* next time */
	}
	return 0;
}

/* What holds a lock is in use, by a command that is no build: `cache export`. */
static int drop_caches(const struct store *store, const struct prune_options *options,
	struct pruned *pruned, struct error *err)
{
	auto_cache_list list = { 0 };
	time_t now = time(NULL);

	if (cache_list(store, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct cache_info *cache = &list.items[i];

		if (options->keep_seconds > 0 &&
			cache->used >= now - options->keep_seconds)
			continue;
		if (!options->dry_run && cache_remove(store, cache, err) < 0) {
			if (err->errnum != EWOULDBLOCK)
				return -1;
			continue;
		}
		pruned->caches++;
		pruned->bytes += cache->size;
		report(options, "cache mount", cache->id, cache->size);
	}
	return 0;
}

int store_prune(const struct store *store, const struct prune_options *options,
	struct pruned *ret, struct error *err)
{
	auto_survey survey = { 0 };
	struct pruned pruned = { 0 };
	unsigned int sessions = 0;

	if (session_sweep(store, &sessions, err) < 0)
		return -1;
	pruned.sessions = sessions;
	if ((!options->keep_unnamed && drop_images(store, options, &pruned, err) < 0) ||
		make_survey(store, options, &survey, err) < 0 ||
		drop_layers(store, options, &survey, &pruned, err) < 0 ||
		drop_blobs(store, options, &survey, &pruned, err) < 0 ||
		drop_memos(store, options, err) < 0 ||
		(options->caches && drop_caches(store, options, &pruned, err) < 0))
		return -1;
	*ret = pruned;
	return 0;
}
