/* Statements become blobs, those a manifest, that and the image's an index. What is told of
 * how the image was built is provenance.c's. */
#include "builder/exchange/attest.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "builder/build/worker.h"
#include "builder/layout.h"
#include "builder/rootfs/overlay.h"
#include "builder/sbom/packages.h"
#include "builder/sbom/spdx.h"
#include "spec/image_manifest.h"

#define MEDIA_STATEMENT "application/vnd.in-toto+json"
#define PREDICATE_SBOM  "https://spdx.dev/Document"

struct attesting {
	struct session *session;
	int directory_fd;
	const struct image *image;
	const char *name;
	const struct image_descriptor *subject;
	struct image_manifest *manifest; /* of the statements */
	struct strings diff_ids;
};

/* ---- the packages, looked at by a worker --------------------------------------------- */

struct looking {
	const struct overlay *overlay;
	const char *mount_at;
	const struct spdx_about *about;
};

/* In a mount namespace of its own. */
static int look(void *argument, int output, struct error *err)
{
	const struct looking *looking = argument;
	auto_packages packages = { 0 };
	auto_str text = { 0 };
	auto_fd root = -1;

	if (worker_isolate_mounts(err) < 0 ||
		overlay_mount(looking->overlay, looking->mount_at, err) < 0)
		return -1;
	root = open(looking->mount_at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail_errno(err, "opening %s", looking->mount_at);
	if (packages_find(root, &packages, err) < 0)
		return -1;
	spdx_write(&text, &packages, looking->about);
	if (fd_write_all(output, text.data, text.length) < 0)
		return fail_errno(err, "writing the list of packages");
	return 0;
}

static void collect(void *argument, const char *data, size_t length)
{
	str_append_n(argument, data, length);
}

static int make_sbom(
	const struct attesting *attesting, struct str *ret, struct error *err)
{
	const struct image *image = attesting->image;
	const char *created = image->config.created;
	struct spdx_about about = {
		.name = attesting->name ? attesting->name : "image",
		.digest = str_after(attesting->subject->digest, DIGEST_PREFIX),
		.created = created ? created : "1970-01-01T00:00:00Z",
	};
	auto_overlay overlay = { 0 };
	auto_free char *piece = NULL;
	auto_fd fd = -1;
	struct looking looking = { .overlay = &overlay, .about = &about };
	struct worker worker = {
		.work = look,
		.argument = &looking,
		.print = collect,
		.print_argument = ret,
		.signal_fd = -1, /* we are a worker, and die of the signal with it */
	};

	if (session_piece(attesting->session, &piece, &fd, err) < 0 ||
		overlay_of_image(attesting->session->store, image, piece, &overlay, err) <
			0)
		return -1;
	looking.mount_at = piece;
	return worker_run(&worker, err);
}

/* ---- statements ---------------------------------------------------------------------- */

static void append_coded(struct str *text, const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (isalnum((unsigned char)value[i]) || strchr(".-_~/:", value[i]))
			str_append_char(text, value[i]);
		else
			str_appendf(text, "%%%02X", (unsigned char)value[i]);
	}
}

char *attest_package_url(const char *name, const char *os, const char *architecture)
{
	const char *slash = strrchr(name, '/');
	const char *at = strchr(name, '@');
	const char *tag = at ? at : strrchr(slash ? slash : name, ':');
	size_t length = tag ? (size_t)(tag - name) : strlen(name);
	auto_str url = { 0 };

	str_append(&url, "pkg:docker/");
	append_coded(&url, name, length);
	if (tag) {
		str_append_char(&url, '@');
		append_coded(&url, tag + 1, strlen(tag + 1));
	}
	str_appendf(&url, "?platform=%s%%2F%s", os, architecture);
	return str_take(&url);
}

static void begin_statement(
	const struct attesting *attesting, const char *predicate, struct str *ret)
{
	const struct image_config *config = &attesting->image->config;
	auto_free char *url =
		attest_package_url(attesting->name ? attesting->name : "image",
			config->os, config->architecture);

	str_appendf(ret,
		"{\"_type\":\"https://in-toto.io/Statement/v0.1\","
		"\"predicateType\":\"%s\",\"subject\":[{\"name\":",
		predicate);
	json_append_string(ret, url);
	str_appendf(ret, ",\"digest\":{\"sha256\":\"%s\"}}],\"predicate\":",
		str_after(attesting->subject->digest, DIGEST_PREFIX));
}

static int add_statement(struct attesting *attesting, const char *predicate,
	const struct str *statement, struct error *err)
{
	struct image_manifest *manifest = attesting->manifest;
	struct image_descriptor *layer;
	struct digest digest;

	if (layout_put(attesting->directory_fd, statement->data, statement->length,
		    &digest, err) < 0)
		return -1;
	manifest->layers = str_realloc(
		manifest->layers, manifest->layers_count + 1, sizeof(*manifest->layers));
	layer = &manifest->layers[manifest->layers_count++];
	layout_describe(layer, MEDIA_STATEMENT, &digest, statement->length);
	pairs_set(&layer->annotations, "in-toto.io/predicate-type", predicate);
	strings_add(&attesting->diff_ids, layer->digest);
	return 0;
}

static int add_statements(struct attesting *attesting, struct error *err)
{
	auto_str sbom = { 0 };
	auto_str provenance = { 0 };
	const char *predicate;

	if (attesting->image->sbom) {
		begin_statement(attesting, PREDICATE_SBOM, &sbom);
		if (make_sbom(attesting, &sbom, err) < 0)
			return -1;
		str_append_char(&sbom, '}');
		if (add_statement(attesting, PREDICATE_SBOM, &sbom, err) < 0)
			return -1;
	}
	if (!attesting->image->provenance)
		return 0;
	/* Records of images had no type while there was one. */
	predicate = attesting->image->provenance_type ? attesting->image->provenance_type
						      : attest_predicate_type(ATTEST_V02);
	begin_statement(attesting, predicate, &provenance);
	str_append(&provenance, attesting->image->provenance);
	str_append_char(&provenance, '}');
	return add_statement(attesting, predicate, &provenance, err);
}

/* ---- the index ----------------------------------------------------------------------- */

static int write_manifest(
	struct attesting *attesting, struct image_descriptor *ret, struct error *err)
{
	struct json_write_options compact = { 0 };
	struct image_manifest *manifest = attesting->manifest;
	auto_image_config config = {
		.architecture = str_dup("unknown"),
		.os = str_dup("unknown"),
		.rootfs = { .type = str_dup("layers") },
	};
	auto_str text = { 0 };
	struct digest digest;

	strings_copy(&config.rootfs.diff_ids, &attesting->diff_ids);
	json_write(&text, &image_config_type, &config, compact);
	if (layout_put(attesting->directory_fd, text.data, text.length, &digest, err) < 0)
		return -1;
	manifest->schema_version = 2;
	manifest->media_type = str_dup(IMAGE_MEDIA_MANIFEST);
	layout_describe(&manifest->config, IMAGE_MEDIA_CONFIG, &digest, text.length);
	str_free(&text);
	json_write(&text, &image_manifest_type, manifest, compact);
	if (layout_put(attesting->directory_fd, text.data, text.length, &digest, err) < 0)
		return -1;
	layout_describe(ret, IMAGE_MEDIA_MANIFEST, &digest, text.length);
	return 0;
}

static void set_platform(
	struct image_descriptor *entry, const char *os, const char *architecture)
{
	entry->platform = str_alloc(sizeof(*entry->platform));
	entry->platform->os = str_dup(os);
	entry->platform->architecture = str_dup(architecture);
}

static int write_index(
	struct attesting *attesting, struct image_descriptor *entry, struct error *err)
{
	struct json_write_options compact = { 0 };
	const struct image_config *config = &attesting->image->config;
	auto_image_index index = {
		.schema_version = 2,
		.media_type = str_dup(IMAGE_MEDIA_INDEX),
		.manifests = str_alloc(2 * sizeof(*index.manifests)),
		.manifests_count = 2,
	};
	struct image_descriptor *attached = &index.manifests[1];
	auto_str text = { 0 };
	struct digest digest;

	if (json_copy(&image_descriptor_type, &index.manifests[0], entry, err) < 0 ||
		write_manifest(attesting, attached, err) < 0)
		return -1;
	set_platform(&index.manifests[0], config->os, config->architecture);
	set_platform(attached, "unknown", "unknown");
	pairs_set(&attached->annotations, "vnd.docker.reference.digest", entry->digest);
	pairs_set(&attached->annotations, "vnd.docker.reference.type",
		"attestation-manifest");
	json_write(&text, &image_index_type, &index, compact);
	if (layout_put(attesting->directory_fd, text.data, text.length, &digest, err) < 0)
		return -1;
	image_descriptor_free(entry);
	layout_describe(entry, IMAGE_MEDIA_INDEX, &digest, text.length);
	return 0;
}

int attest_image(struct session *session, int directory_fd, const struct image *image,
	const char *name, struct image_descriptor *entry, struct error *err)
{
	auto_image_manifest manifest = { 0 };
	struct attesting attesting = {
		.session = session,
		.directory_fd = directory_fd,
		.image = image,
		.name = name,
		.subject = entry,
		.manifest = &manifest,
	};
	int result;

	if (!image->sbom && !image->provenance)
		return 0;
	result = add_statements(&attesting, err);
	if (result == 0)
		result = write_index(&attesting, entry, err);
	strings_free(&attesting.diff_ids);
	return result;
}
