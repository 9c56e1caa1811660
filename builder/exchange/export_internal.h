/* Between the files of export*.c. */
#pragma once

#include "builder/exchange/export.h"
#include "builder/tar_write.h"

int export_check_image(const struct image *image, struct error *err) must_check;

/* The earlier of what the caller wants and what the image was built with. */
int64_t export_latest_time(
	const struct image *image, const struct export_options *options);

/* A layer's archive at directory/layer.partial, which gets its name when it is whole. */
int export_write_layer(struct session *session, const struct image_layer *layer,
	int directory_fd, const struct tar_write_options *options,
	struct tar_written *ret, struct error *err) must_check;
int export_place_layer(int directory_fd, const char *name, struct error *err) must_check;

/* The config with the diff IDs that are known only now. */
int export_config(const struct image *image, const struct strings *diff_ids,
	struct str *ret, struct error *err) must_check;

/* A blob of the store into the layout; false in *ret_there if it has been pruned. */
int export_copy_blob(struct session *session, const struct image_descriptor *blob,
	int directory_fd, bool *ret_there, struct error *err) must_check;
