/* What `docker load` reads: plain tars. Those of layers that came from elsewhere are the
 * ones that came, decompressed, and so is their config: diff IDs and image ID stay. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "builder/exchange/docker.h"
#include "builder/exchange/export_internal.h"
#include "builder/layout.h"
#include "builder/tar_stream.h"

static int write_document(
	int directory_fd, const char *name, const struct str *text, struct error *err)
{
	struct file_replace_options options = { .mode = 0644 };

	return file_replace_at(
		directory_fd, name, text->data, text->length, options, err);
}

static int copy_stream(
	struct tar_stream *stream, int to, struct tar_digests *ret, struct error *err)
{
	const void *data;
	ssize_t length;

	while ((length = tar_stream_next(stream, &data)) > 0) {
		if (fd_write_all(to, data, (size_t)length) < 0)
			return fail_errno(err, "writing a layer");
	}
	return tar_stream_end(stream, 0, ret, err);
}

/* At directory/layer.partial; false in *ret_there if its blob has been pruned. */
static int decompress_layer(struct session *session, const struct image_layer *layer,
	int directory_fd, bool *ret_there, struct error *err)
{
	struct tar_stream *stream = NULL;
	struct tar_digests digests;
	struct digest digest;
	auto_fd from = -1;
	auto_fd to = -1;
	int result;

	if (layout_digest(layer->blob, &digest, err) < 0)
		return -1;
	from = store_open_blob(session->store, &digest);
	*ret_there = from >= 0;
	if (from < 0)
		return errno == ENOENT ? 0
				       : fail_errno(err, "opening blob %s", digest.hex);
	to = openat(directory_fd, "layer.partial",
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (to < 0)
		return fail_errno(err, "making a file for layer %s", layer->key);
	if (tar_stream_begin(from, true, &stream, err) < 0)
		return -1;
	result = copy_stream(stream, to, &digests, err);
	tar_stream_free(stream);
	if (result < 0)
		return fail_while(err, "blob %s", digest.hex);
	if (!str_equal(str_after(layer->diff_id, DIGEST_PREFIX), digests.diff_id.hex))
		return fail(err, "blob %s has changed in the store", digest.hex);
	return 0;
}

/* *ret_diff_id is owned by the caller. */
static int write_layer(struct session *session, const struct image_layer *layer,
	int directory_fd, const struct tar_write_options *tar, char **ret_diff_id,
	struct error *err)
{
	struct tar_written written;
	bool there = false;

	if (layer->blob && layer->diff_id &&
		decompress_layer(session, layer, directory_fd, &there, err) < 0)
		return -1;
	if (there) {
		*ret_diff_id = str_dup(layer->diff_id);
		return 0;
	}
	if (export_write_layer(session, layer, directory_fd, tar, &written, err) < 0)
		return -1;
	*ret_diff_id = str_format(DIGEST_PREFIX "%s", written.diff_id.hex);
	return 0;
}

static int write_layers(struct session *session, int directory_fd,
	const struct image *image, const struct tar_write_options *tar,
	struct docker_manifest *manifest, struct strings *diff_ids, struct error *err)
{
	for (size_t i = 0; i < image->layers_count; i++) {
		auto_free char *diff_id = NULL;
		auto_free char *name = NULL;

		if (write_layer(session, &image->layers[i], directory_fd, tar, &diff_id,
			    err) < 0)
			return -1;
		name = str_format("%s.tar", str_after(diff_id, DIGEST_PREFIX));
		if (export_place_layer(directory_fd, name, err) < 0)
			return -1;
		strings_add(&manifest->layers, name);
		strings_add(diff_ids, diff_id);
	}
	return 0;
}

/* The config that the image came with, if it is still there and of these layers. */
static int read_config(const struct store *store, const struct image *image,
	const struct strings *diff_ids, struct str *ret, struct error *err)
{
	struct json_options options = { .any_case = true };
	auto_image_manifest manifest = { 0 };
	auto_image_config config = { 0 };
	auto_free char *text = NULL;
	auto_free char *theirs = NULL;
	auto_free char *ours = strings_join(diff_ids, " ");
	struct error ignored;
	struct digest digest;
	size_t length;

	if (!image->manifest ||
		image_read_manifest(store, image, &manifest, &ignored) < 0 ||
		!digest_parse(manifest.config.digest, &digest) ||
		store_get_blob(store, &digest, &text, &length, &ignored) < 0)
		return 0;
	options.name = digest.hex;
	if (json_read(&image_config_type, &config, text, length, &options, err) < 0)
		return -1;
	theirs = strings_join(&config.rootfs.diff_ids, " ");
	if (str_equal(ours, theirs))
		str_append_n(ret, text, length);
	return 0;
}

int export_docker(struct session *session, int directory_fd,
	const struct export_image *image, const struct export_options *options,
	struct error *err)
{
	struct tar_write_options tar = {
		.name = "a layer",
		.layer = true,
		.epoch = export_latest_time(image->image, options),
	};
	auto_docker_manifest manifest = { 0 };
	auto_strings diff_ids = { 0 };
	auto_str config = { 0 };
	auto_str text = { 0 };

	if (image->image->attached_count > 0 || image->image->sbom ||
		image->image->provenance)
		log_warning("a docker-archive has no place for attestations: those of %s "
			    "are left out; oci-archive keeps them",
			image->name ? image->name : "the image");
	if (export_check_image(image->image, err) < 0 ||
		write_layers(session, directory_fd, image->image, &tar, &manifest,
			&diff_ids, err) < 0 ||
		read_config(session->store, image->image, &diff_ids, &config, err) < 0)
		return -1;
	if (!config.length && export_config(image->image, &diff_ids, &config, err) < 0)
		return -1;
	manifest.config =
		str_format("%s.json", digest_of(config.data, config.length).hex);
	if (image->name)
		strings_add(&manifest.repo_tags, image->name);
	docker_manifest_write(&text, &manifest);
	return write_document(directory_fd, manifest.config, &config, err) < 0
		       ? -1
		       : write_document(directory_fd, "manifest.json", &text, err);
}
