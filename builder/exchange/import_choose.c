/*
 * Which of the images that an index.json names are meant: the one with the wanted name, or
 * all; of several of one name, the best for the platform.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "builder/exchange/import_internal.h"
#include "spec/image_index.h"
#include "spec/platform.h"

#define IMAGES_MAX 1000 /* of one source at once */
#define NAMES_TOLD 10   /* in an error */

void import_chosen_free(struct import_chosen *chosen)
{
	free(chosen->items);
	*chosen = (struct import_chosen){ 0 };
}

static void add(struct import_chosen *chosen, const struct image_descriptor *entry)
{
	chosen->items = str_grow(chosen->items, chosen->count, sizeof(*chosen->items));
	chosen->items[chosen->count++] = entry;
}

/* As docker shows the full name. There, ref.name has the tag alone. */
static const char *short_name(const char *full)
{
	const char *library = str_after(full, "docker.io/library/");
	const char *hub = str_after(full, "docker.io/");

	if (library)
		return library;
	return hub ? hub : full;
}

const char *import_entry_name(const struct image_descriptor *entry)
{
	const char *full = pairs_get(&entry->annotations, IMAGE_FULL_NAME);

	return full ? short_name(full) : pairs_get(&entry->annotations, IMAGE_REF_NAME);
}

static bool is_called(const struct image_descriptor *entry, const char *name)
{
	return str_equal(import_entry_name(entry), name) ||
	       str_equal(pairs_get(&entry->annotations, IMAGE_REF_NAME), name);
}

/* name NULL: all. */
static void gather(
	const struct image_index *index, const char *name, struct import_chosen *ret)
{
	for (size_t i = 0; i < index->manifests_count; i++) {
		if (!name || is_called(&index->manifests[i], name))
			add(ret, &index->manifests[i]);
	}
}

static int rank(const struct import *import, const struct image_descriptor *entry)
{
	return platform_rank(&import->platform, entry->platform);
}

/* No other of its name serves the platform better. What is asked for by its name need not
 * serve it at all. */
static bool is_best(const struct import *import, const struct import_chosen *candidates,
	const struct image_descriptor *entry)
{
	const char *name = import_entry_name(entry);
	int own = rank(import, entry);

	if (own < 0 && !import->wanted)
		return false;
	for (size_t i = 0; i < candidates->count; i++) {
		int other = rank(import, candidates->items[i]);

		if (str_equal(import_entry_name(candidates->items[i]), name) &&
			other >= 0 && (own < 0 || other < own))
			return false;
	}
	return true;
}

static bool has_name(const struct import_chosen *chosen, const char *name)
{
	for (size_t i = 0; i < chosen->count; i++) {
		if (str_equal(import_entry_name(chosen->items[i]), name))
			return true;
	}
	return false;
}

static void warn_of_left_out(
	const struct import_chosen *candidates, const struct import_chosen *chosen)
{
	for (size_t i = 0; i < candidates->count; i++) {
		const char *name = import_entry_name(candidates->items[i]);

		if (name && !has_name(chosen, name))
			log_warning("%s is left out: it is not for this platform", name);
	}
}

static int fail_none(const struct import *import, struct error *err)
{
	if (import->wanted)
		return fail(err, "it names no image with the name %s", import->wanted);
	return fail(err, "it names no image for this platform");
}

static int fail_several(const struct import_chosen *chosen, struct error *err)
{
	auto_strings names = { 0 };
	auto_free char *joined = NULL;

	for (size_t i = 0; i < chosen->count && names.count < NAMES_TOLD; i++) {
		const char *name = import_entry_name(chosen->items[i]);

		if (name && !strings_contain(&names, name))
			strings_add(&names, name);
	}
	joined = strings_join(&names, ", ");
	return *joined ? fail(err, "it has several images; say which by :NAME: %s",
				 joined)
		       : fail(err, "it has several images, none with a name");
}

/* One, where one is wanted; and no name for two. */
static int check(const struct import *import, const struct import_chosen *chosen,
	struct error *err)
{
	for (size_t i = 1; i < chosen->count; i++) {
		const char *name = import_entry_name(chosen->items[i]);

		if (!import->several &&
			!str_equal(chosen->items[i]->digest, chosen->items[0]->digest))
			return fail_several(chosen, err);
		for (size_t k = 0; name && k < i; k++) {
			if (str_equal(import_entry_name(chosen->items[k]), name) &&
				!str_equal(chosen->items[k]->digest,
					chosen->items[i]->digest))
				return fail(err, "it calls two images %s", name);
		}
	}
	return 0;
}

int import_choose(const struct import *import, const struct image_index *index,
	struct import_chosen *ret, struct error *err)
{
	auto_free char *latest =
		import->wanted ? str_format("%s:latest", import->wanted) : NULL;
	auto_import_chosen candidates = { 0 };

	gather(index, import->wanted, &candidates);
	if (candidates.count == 0 && latest)
		gather(index, latest, &candidates);
	if (candidates.count > IMAGES_MAX)
		return fail_several(&candidates, err);
	for (size_t i = 0; i < candidates.count; i++) {
		if (is_best(import, &candidates, candidates.items[i]))
			add(ret, candidates.items[i]);
	}
	if (ret->count == 0)
		return fail_none(import, err);
	if (import->several)
		warn_of_left_out(&candidates, ret);
	return check(import, ret, err);
}
