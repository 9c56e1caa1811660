/* Between the files of export*.c. */
#pragma once

#include "builder/archive/tar_write.h"
#include "builder/exchange/export.h"

int export_check_image(const struct image *image, struct error *err) must_check;

/* Images on their way out, and the layers of the store that have been made tars. */
struct export
{
	struct session *session;
	int directory_fd;
	const struct export_options *options;
	char *(*layer_name)(const struct tar_written *written); /* owned by the caller */
	struct export_made {
		char *key;
		int64_t epoch;
		struct tar_written written;
	} * made;
	size_t made_count;
};

#define auto_export __attribute__((cleanup(export_free))) struct export
void export_free(struct export *export);

/* Of one image's layers: its own latest time counts. */
struct tar_write_options export_tar_options(
	const struct export *export, const struct image *image);

/* A layer's archive in the directory, unless it is there. */
int export_write_layer(struct export *export, const struct image_layer *layer,
	const struct tar_write_options *tar, struct tar_written *ret,
	struct error *err) must_check;

/* A file of the directory is "layer.partial" until it is whole. */
int export_open_partial(
	int directory_fd, const char *what, int *ret_fd, struct error *err) must_check;
int export_place_partial(
	int directory_fd, const char *name, struct error *err) must_check;

/* The config with the diff IDs that are known only now. */
int export_config(const struct image *image, const struct strings *diff_ids,
	struct str *ret, struct error *err) must_check;

/* A blob of the store into the layout; false in *ret_there if it has been pruned. */
int export_copy_blob(struct session *session, const struct image_descriptor *blob,
	int directory_fd, bool *ret_there, struct error *err) must_check;
