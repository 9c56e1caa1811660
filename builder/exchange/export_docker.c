/* What `docker load` reads: plain tars. Those of layers that came from elsewhere are the
 * ones that came, decompressed, and so is their config: diff IDs and image ID stay. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "builder/archive/tar_stream.h"
#include "builder/exchange/docker.h"
#include "builder/exchange/export_internal.h"
#include "builder/layout.h"

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

static char *layer_name(const struct tar_written *written)
{
	return str_format("%s.tar", written->diff_id.hex);
}

/* False in *ret_there if its blob has been pruned. */
static int decompress_layer(struct export *export, const struct image_layer *layer,
	const char *name, bool *ret_there, struct error *err)
{
	struct tar_stream *stream = NULL;
	struct tar_digests digests;
	struct digest digest;
	auto_fd from = -1;
	auto_fd to = -1;
	int result;

	if (layout_digest(layer->blob, &digest, err) < 0)
		return -1;
	from = store_open_blob(export->session->store, &digest);
	*ret_there = from >= 0;
	if (from < 0)
		return errno == ENOENT ? 0
				       : fail_errno(err, "opening blob %s", digest.hex);
	if (export_open_partial(export->directory_fd, name, &to, err) < 0 ||
		tar_stream_begin(from, true, &stream, err) < 0)
		return -1;
	result = copy_stream(stream, to, &digests, err);
	tar_stream_free(stream);
	if (result < 0)
		return fail_while(err, "blob %s", digest.hex);
	if (!str_equal(str_after(layer->diff_id, DIGEST_PREFIX), digests.diff_id.hex))
		return fail(err, "blob %s has changed in the store", digest.hex);
	return export_place_partial(export->directory_fd, name, err);
}

/* Of a layer that came from elsewhere, its diff ID says which file it is. */
static int find_layer(struct export *export, const struct image_layer *layer,
	bool *ret_there, struct error *err)
{
	auto_free char *name = NULL;

	*ret_there = false;
	if (!layer->blob || !layer->diff_id)
		return 0;
	name = str_format("%s.tar", str_after(layer->diff_id, DIGEST_PREFIX));
	*ret_there = faccessat(export->directory_fd, name, F_OK, 0) == 0;
	return *ret_there ? 0 : decompress_layer(export, layer, name, ret_there, err);
}

static int write_layer(struct export *export, const struct image_layer *layer,
	const struct tar_write_options *tar, struct strings *diff_ids, struct error *err)
{
	struct tar_written written;
	bool there = false;

	if (find_layer(export, layer, &there, err) < 0)
		return -1;
	if (there) {
		strings_add(diff_ids, layer->diff_id);
		return 0;
	}
	if (export_write_layer(export, layer, tar, &written, err) < 0)
		return -1;
	strings_addf(diff_ids, DIGEST_PREFIX "%s", written.diff_id.hex);
	return 0;
}

static int write_layers(struct export *export, const struct image *image,
	struct strings *diff_ids, struct error *err)
{
	struct tar_write_options tar = export_tar_options(export, image);

	for (size_t i = 0; i < image->layers_count; i++) {
		if (write_layer(export, &image->layers[i], &tar, diff_ids, err) < 0)
			return -1;
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

/* That of the manifest with this config; a new one, if there is none. */
static struct docker_manifest *find_manifest(struct docker_manifests *manifests,
	const char *config, const struct strings *diff_ids)
{
	struct docker_manifest *manifest;

	for (size_t i = 0; i < manifests->items_count; i++) {
		if (strcmp(manifests->items[i].config, config) == 0)
			return &manifests->items[i];
	}
	manifest = docker_manifests_add(manifests);
	manifest->config = str_dup(config);
	strings_each (diff_id, diff_ids)
		strings_addf(
			&manifest->layers, "%s.tar", str_after(*diff_id, DIGEST_PREFIX));
	return manifest;
}

static int add_image(struct export *export, const struct export_image *image,
	struct docker_manifests *manifests, struct error *err)
{
	struct docker_manifest *manifest;
	auto_strings diff_ids = { 0 };
	auto_free char *name = NULL;
	auto_str config = { 0 };

	if (export_check_image(image->image, err) < 0 ||
		write_layers(export, image->image, &diff_ids, err) < 0 ||
		read_config(export->session->store, image->image, &diff_ids, &config,
			err) < 0)
		return -1;
	if (!config.length && export_config(image->image, &diff_ids, &config, err) < 0)
		return -1;
	name = str_format("%s.json", digest_of(config.data, config.length).hex);
	manifest = find_manifest(manifests, name, &diff_ids);
	if (image->name && !strings_contain(&manifest->repo_tags, image->name))
		strings_add(&manifest->repo_tags, image->name);
	return write_document(export->directory_fd, name, &config, err);
}

static void warn_of_attestations(const struct export_image *image)
{
	if (image->image->attached_count > 0 || image->image->sbom ||
		image->image->provenance)
		log_warning("a docker-archive has no place for attestations: those of %s "
			    "are left out; oci-archive keeps them",
			image->name ? image->name : "the image");
}

int export_docker(struct session *session, int directory_fd,
	const struct export_image *images, size_t count,
	const struct export_options *options, struct error *err)
{
	struct export_options plain = { .compression = TAR_PLAIN,
		.epoch = options->epoch };
	auto_export export = {
		.session = session,
		.directory_fd = directory_fd,
		.options = &plain,
		.layer_name = layer_name,
	};
	auto_docker_manifests manifests = { 0 };
	auto_str text = { 0 };

	for (size_t i = 0; i < count; i++) {
		warn_of_attestations(&images[i]);
		if (add_image(&export, &images[i], &manifests, err) < 0)
			return -1;
	}
	docker_manifests_write(&text, &manifests);
	return write_document(directory_fd, "manifest.json", &text, err);
}
