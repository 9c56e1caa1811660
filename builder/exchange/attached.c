/* In: import_attached(), out: attached_export(). */
#include "builder/exchange/attached.h"

#include <string.h>

#include "base/log.h"
#include "builder/exchange/export_internal.h"
#include "builder/exchange/import_internal.h"
#include "builder/layout.h"

bool attached_to(const struct image_descriptor *entry, const char *digest)
{
	const struct pairs *annotations = &entry->annotations;

	return str_equal(pairs_get(annotations, "vnd.docker.reference.type"),
		       "attestation-manifest") &&
	       str_equal(pairs_get(annotations, "vnd.docker.reference.digest"), digest);
}

/* ---- in ------------------------------------------------------------------------------ */

static int keep_statements(struct import *import, int directory_fd,
	const struct image_descriptor *entry, struct error *err)
{
	auto_image_manifest manifest = { 0 };

	if (layout_read(directory_fd, entry, &image_manifest_type, &manifest, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.layers_count; i++) {
		if (manifest.layers[i].size > ATTACHED_BYTES_MAX)
			return fail(err, "%s: a statement of more than %u bytes",
				entry->digest, ATTACHED_BYTES_MAX);
		if (import_keep_document(import, directory_fd, &manifest.layers[i], err) <
			0)
			return -1;
	}
	return import_keep_document(import, directory_fd, &manifest.config, err) < 0
		       ? -1
		       : import_keep_document(import, directory_fd, entry, err);
}

/* A layout that somebody copied in part has the index, and not what is attached. */
static int keep_one(struct import *import, int directory_fd,
	const struct image_descriptor *entry, bool *ret_kept, struct error *err)
{
	struct image *image = import->image;

	if (image->attached_count == ATTACHED_MAX)
		return fail(err, "more than %d attestations of one image", ATTACHED_MAX);
	*ret_kept = keep_statements(import, directory_fd, entry, err) == 0;
	if (!*ret_kept && err->errnum == ENOENT) {
		log_warning("the attestation %s is left behind: %s", entry->digest,
			err->text);
		return 0;
	}
	if (!*ret_kept)
		return fail_while(err, "the attestation %s", entry->digest);
	image->attached = str_grow(
		image->attached, image->attached_count, sizeof(*image->attached));
	image->attached[image->attached_count] = (struct image_descriptor){ 0 };
	return json_copy(&image_descriptor_type,
		&image->attached[image->attached_count++], entry, err);
}

static int keep_index(struct import *import, int directory_fd,
	const struct image_descriptor *index_entry, struct error *err)
{
	struct image *image = import->image;

	image->index = str_alloc(sizeof(*image->index));
	return import_keep_document(import, directory_fd, index_entry, err) < 0
		       ? -1
		       : json_copy(
				 &image_descriptor_type, image->index, index_entry, err);
}

int import_attached(struct import *import, int directory_fd,
	const struct image_descriptor *index_entry, struct error *err)
{
	const char *digest = import->image->manifest->digest;
	auto_image_index index = { 0 };
	bool all = true, kept = false;

	if (layout_read(directory_fd, index_entry, &image_index_type, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		const struct image_descriptor *entry = &index.manifests[i];

		if (str_equal(entry->digest, digest))
			continue;
		kept = false;
		if (attached_to(entry, digest) &&
			keep_one(import, directory_fd, entry, &kept, err) < 0)
			return -1;
		all = all && kept;
	}
	if (!all || import->image->attached_count == 0)
		return 0;
	return keep_index(import, directory_fd, index_entry, err);
}

/* ---- out ----------------------------------------------------------------------------- */

static int copy_statements(struct session *session, int directory_fd,
	const struct image_descriptor *entry, bool *ret_there, struct error *err)
{
	auto_image_manifest manifest = { 0 };

	if (image_read_manifest_of(session->store, entry, &manifest, err) < 0) {
		*ret_there = false;
		return err->errnum == ENOENT ? 0 : -1;
	}
	*ret_there = true;
	for (size_t i = 0; *ret_there && i < manifest.layers_count; i++) {
		if (export_copy_blob(session, &manifest.layers[i], directory_fd,
			    ret_there, err) < 0)
			return -1;
	}
	if (*ret_there && export_copy_blob(session, &manifest.config, directory_fd,
				  ret_there, err) < 0)
		return -1;
	return *ret_there ? export_copy_blob(session, entry, directory_fd, ret_there, err)
			  : 0;
}

static int write_index(int directory_fd, const struct image *image,
	struct image_descriptor *entry, struct error *err)
{
	struct json_write_options compact = { 0 };
	auto_image_index index = {
		.schema_version = 2,
		.media_type = str_dup(IMAGE_MEDIA_INDEX),
		.manifests =
			str_alloc((image->attached_count + 1) * sizeof(*index.manifests)),
		.manifests_count = image->attached_count + 1,
	};
	struct image_platform *platform = str_alloc(sizeof(*platform));
	auto_str text = { 0 };
	struct digest digest;

	platform->os = str_dup(image->config.os);
	platform->architecture = str_dup(image->config.architecture);
	platform->variant = str_dup(image->config.variant);
	index.manifests[0] = *entry;
	index.manifests[0].platform = platform;
	*entry = (struct image_descriptor){ 0 };
	for (size_t i = 0; i < image->attached_count; i++) {
		if (json_copy(&image_descriptor_type, &index.manifests[i + 1],
			    &image->attached[i], err) < 0)
			return -1;
	}
	json_write(&text, &image_index_type, &index, compact);
	if (layout_put(directory_fd, text.data, text.length, &digest, err) < 0)
		return -1;
	layout_describe(entry, IMAGE_MEDIA_INDEX, &digest, text.length);
	return 0;
}

int attached_export(struct session *session, int directory_fd, const struct image *image,
	struct image_descriptor *entry, struct error *err)
{
	bool there = true;

	if (image->attached_count == 0)
		return 0;
	for (size_t i = 0; there && i < image->attached_count; i++) {
		if (copy_statements(
			    session, directory_fd, &image->attached[i], &there, err) < 0)
			return -1;
	}
	if (!there)
		return fail(err,
			"the store has lost an attestation of the image; load or "
			"pull it again");
	if (!image->index)
		return write_index(directory_fd, image, entry, err);
	if (export_copy_blob(session, image->index, directory_fd, &there, err) < 0)
		return -1;
	if (!there)
		return write_index(directory_fd, image, entry, err);
	image_descriptor_free(entry);
	return json_copy(&image_descriptor_type, entry, image->index, err);
}
