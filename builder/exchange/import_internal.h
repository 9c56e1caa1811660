/* Between the files of import*.c: images on their way into the store, one by one. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/archive/tar.h"
#include "builder/exchange/import.h"
#include "builder/store/layer.h"
#include "spec/image_index.h"

struct import {
	const struct import_options *options;
	struct session *session;
	struct imports *all; /* what has come in, and last what is coming */
	struct image *image; /* that one */
	const char *wanted;  /* what the one image is called that is meant; NULL: any */
	bool several;        /* all are meant, otherwise one */
	struct image_platform platform;
	bool own;  /* the directory is the session's: its blobs may be linked to */
	bool lean; /* a layer that the store has may be missing */
};

/* The next image is coming. */
void import_begin(struct import *import);

/* Entries of an index, which is borrowed. */
struct import_chosen {
	const struct image_descriptor **items;
	size_t count;
};

#define auto_import_chosen \
	__attribute__((cleanup(import_chosen_free))) struct import_chosen
void import_chosen_free(struct import_chosen *chosen);

/* Those that are meant: at least one. */
int import_choose(const struct import *import, const struct image_index *index,
	struct import_chosen *ret, struct error *err) must_check;
/* What an entry is called, or NULL; borrowed. */
const char *import_entry_name(const struct image_descriptor *entry);

/* In a worker, so that a signal ends it. ret NULL: as tar_extract() has it. */
int import_extract(struct import *import, int archive_fd, int root_fd,
	const struct tar_extract_options *options, struct tar_extracted *ret,
	struct error *err) must_check;

/* The key of a layer whose archive has this digest, on those that are there. */
struct digest import_layer_key(const struct digest *digest, const char *below) must_check;

/* One layer more: of those that the store has, where it is there; false: it is not. */
bool import_known_layer(struct import *import, const struct digest *digest);
/* From an open archive, whose bytes must have this digest (NULL: any): that is found while
 * they are unpacked, before anything of them has a name. ret: what it is; may be NULL. */
int import_add_layer(struct import *import, int archive_fd, const char *name,
	const struct digest *digest, struct digest *ret, struct error *err) must_check;
/* A layer of the store that came from elsewhere. */
bool import_find_layer(
	const struct store *store, const struct digest *key, struct layer_info *ret);
/* The digest of its bytes; an error if they are not what is expected (NULL: anything). */
int import_check(int archive_fd, const char *name, const struct digest *expected,
	struct digest *ret, struct error *err) must_check;

/* Keeps directory/name as the store's blob, for when the image leaves again. */
int import_keep(struct import *import, int directory_fd, const char *name,
	const struct digest *digest, struct error *err) must_check;

/* The same, of what is not known to have its digest. */
int import_keep_document(struct import *import, int directory_fd,
	const struct image_descriptor *descriptor, struct error *err) must_check;

/* What the index attests of the image's manifest, which is there, is kept with it. */
int import_attached(struct import *import, int directory_fd,
	const struct image_descriptor *index_entry, struct error *err) must_check;

/* The images of a layout that are meant. */
int import_layout(struct import *import, int directory_fd, struct error *err) must_check;
/* The config becomes the image's; its diff IDs, its layers'. */
int import_adopt(
	struct import *import, struct image_config *config, struct error *err) must_check;
