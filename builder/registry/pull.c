/* Name → places → manifest → blobs. */
#include "builder/registry/pull.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "builder/digest.h"
#include "builder/exchange/attached.h"
#include "builder/layout.h"
#include "builder/platform.h"
#include "builder/registry/blobs.h"
#include "builder/registry/reference.h"
#include "builder/registry/registries.h"

#define MANIFEST_MAX (4u << 20) /* as registries and clients have agreed */
#define INDEX_DEPTH  2

struct pull {
	struct client *client;
	const struct registry_options *options;
	int directory_fd;
	struct image_descriptor index; /* where the image stands; without digest: none */
	struct image_manifest attached[ATTACHED_MAX];
	size_t attached_count;
};

static const char *const accepted[] = {
	IMAGE_MEDIA_INDEX,
	IMAGE_MEDIA_MANIFEST,
	DOCKER_MEDIA_INDEX,
	DOCKER_MEDIA_MANIFEST,
};

/* A document by tag or digest. Its bytes are what the digest says, where one is known. */
static int get_document(struct pull *pull, const char *version, struct http_response *ret,
	struct error *err)
{
	auto_free char *url =
		str_format("/v2/%s/manifests/%s", pull->client->repository, version);
	auto_strings headers = { 0 };
	struct http_request request = {
		.method = "GET",
		.url = url,
		.limit = MANIFEST_MAX,
	};

	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		strings_addf(&headers, "Accept: %s", accepted[i]);
	request.headers = headers;
	if (client_request(pull->client, &request, ret, err) < 0)
		return -1;
	if (ret->too_large)
		return fail(err, "%s%s: the manifest has more than %u MiB",
			pull->client->origin, url, MANIFEST_MAX >> 20);
	return 0;
}

static int check_digest(const char *name, const char *expected,
	const struct http_response *response, struct error *err)
{
	struct digest digest = digest_of(
		response->body.data ? response->body.data : "", response->body.length);
	struct digest wanted;

	/* Of another algorithm, the header says nothing that could be checked. */
	if (!expected || !digest_parse(expected, &wanted))
		return 0;
	if (strcmp(digest.hex, wanted.hex) != 0)
		return fail(err,
			"%s: the registry sent a manifest with the digest "
			"sha256:%s, expected %s",
			name, digest.hex, expected);
	return 0;
}

/* The content type, without parameters. */
static char *media_type(const struct http_response *response)
{
	const char *type = response->content_type;

	return type ? str_dup_n(type, strcspn(type, "; ")) : NULL;
}

static int keep_document(struct pull *pull, const struct http_response *response,
	const char *type, struct image_descriptor *ret, struct error *err)
{
	struct digest digest;

	if (layout_put(pull->directory_fd, response->body.data, response->body.length,
		    &digest, err) < 0)
		return -1;
	layout_describe(ret, type, &digest, response->body.length);
	return 0;
}

static int find_manifest(struct pull *pull, const char *version, int depth,
	struct image_descriptor *ret, struct error *err);

/* Its documents; the blobs come with the image's. */
static int find_one_attached(
	struct pull *pull, const struct image_descriptor *entry, struct error *err)
{
	auto_image_descriptor found = { 0 };
	struct image_manifest *manifest;

	if (pull->attached_count == ATTACHED_MAX)
		return fail(err, "more than %d attestations of one image", ATTACHED_MAX);
	if (find_manifest(pull, entry->digest, INDEX_DEPTH, &found, err) < 0)
		return -1;
	manifest = &pull->attached[pull->attached_count++];
	if (layout_read(pull->directory_fd, &found, &image_manifest_type, manifest, err) <
		0)
		return -1;
	for (size_t i = 0; i < manifest->layers_count; i++) {
		if (manifest->layers[i].size > ATTACHED_BYTES_MAX)
			return fail(err, "a statement of more than %u bytes",
				ATTACHED_BYTES_MAX);
	}
	return 0;
}

/* What is attested of the image, and the index that says so. */
static int find_attached(struct pull *pull, const struct http_response *response,
	const struct image_index *index, const struct image_descriptor *chosen,
	struct error *err)
{
	auto_free char *type = NULL;

	for (size_t i = 0; i < index->manifests_count; i++) {
		if (attached_to(&index->manifests[i], chosen->digest) &&
			find_one_attached(pull, &index->manifests[i], err) < 0)
			return fail_while(
				err, "the attestation %s", index->manifests[i].digest);
	}
	type = media_type(response);
	return keep_document(pull, response,
		str_equal(type, DOCKER_MEDIA_INDEX) ? type : IMAGE_MEDIA_INDEX,
		&pull->index, err);
}

static int choose(struct pull *pull, const struct http_response *response,
	const char *name, int depth, struct image_descriptor *ret, struct error *err)
{
	struct json_options options = { .name = name };
	const struct image_descriptor *chosen = NULL;
	auto_image_index index = { 0 };
	struct digest digest;

	if (depth >= INDEX_DEPTH)
		return fail(err, "%s: an index of indexes of indexes", name);
	if (json_read(&image_index_type, &index, response->body.data,
		    response->body.length, &options, err) < 0 ||
		platform_choose(&index, name, &pull->options->platform, &chosen, err) <
			0 ||
		layout_digest(chosen, &digest, err) < 0)
		return -1;
	if (find_manifest(pull, chosen->digest, depth + 1, ret, err) < 0)
		return -1;
	if (depth == 0 && find_attached(pull, response, &index, chosen, err) < 0)
		return -1;
	if (ret->size == chosen->size || image_media_is_index(chosen->media_type))
		return 0;
	json_free(&image_descriptor_type, ret);
	return fail(err, "%s: the index says that %s has %ju bytes, which is not so",
		name, chosen->digest, (uintmax_t)chosen->size);
}

/* What type it is of is told by the header, by itself, and by its members: all agree. */
static int find_manifest(struct pull *pull, const char *version, int depth,
	struct image_descriptor *ret, struct error *err)
{
	auto_free char *name = str_format("%s/%s%s%s", pull->client->host,
		pull->client->repository, strchr(version, ':') ? "@" : ":", version);
	auto_http_response response = { 0 };
	auto_free char *type = NULL;
	enum image_document kind;

	if (get_document(pull, version, &response, err) < 0 ||
		check_digest(name, response.digest, &response, err) < 0 ||
		check_digest(name, version, &response, err) < 0)
		return -1;
	type = media_type(&response);
	if (image_document_kind(response.body.data ? response.body.data : "",
		    response.body.length, name, type, &kind, err) < 0)
		return -1;
	if (kind == IMAGE_DOCUMENT_INDEX)
		return choose(pull, &response, name, depth, ret, err);
	if (!str_equal(type, DOCKER_MEDIA_MANIFEST)) {
		free(type);
		type = str_dup(IMAGE_MEDIA_MANIFEST);
	}
	return keep_document(pull, &response, type, ret, err);
}

static bool is_listed(const struct blobs *blobs, const char *digest)
{
	for (size_t i = 0; i < blobs->count; i++) {
		if (str_equal(blobs->items[i]->digest, digest))
			return true;
	}
	return false;
}

static size_t count_attached(const struct pull *pull)
{
	size_t count = 0;

	for (size_t i = 0; i < pull->attached_count; i++)
		count += pull->attached[i].layers_count + 1;
	return count;
}

static void add_attached(const struct image_manifest *manifest,
	const struct image_descriptor **items, struct blobs *blobs)
{
	for (size_t i = 0; i < manifest->layers_count; i++) {
		if (!is_listed(blobs, manifest->layers[i].digest))
			items[blobs->count++] = &manifest->layers[i];
	}
	if (!is_listed(blobs, manifest->config.digest))
		items[blobs->count++] = &manifest->config;
}

static int get_blobs(
	struct pull *pull, const struct image_manifest *manifest, struct error *err)
{
	const struct registry_options *options = pull->options;
	auto_free const struct image_descriptor **items = str_alloc(
		(manifest->layers_count + 1 + count_attached(pull)) * sizeof(*items));
	auto_strings known = { 0 };
	struct blobs blobs = {
		.items = items,
		.directory_fd = pull->directory_fd,
		.output = options->output,
		.live = options->live,
	};

	items[blobs.count++] = &manifest->config;
	if (options->known)
		options->known(options->argument, manifest, &known);
	for (size_t i = 0; i < manifest->layers_count; i++) {
		const char *digest = manifest->layers[i].digest;

		if (!strings_contain(&known, digest) && !is_listed(&blobs, digest))
			items[blobs.count++] = &manifest->layers[i];
	}
	for (size_t i = 0; i < pull->attached_count; i++)
		add_attached(&pull->attached[i], items, &blobs);
	return blobs_download(pull->client, &blobs, err);
}

static int pull_image(struct pull *pull, const char *version, struct error *err)
{
	struct image_descriptor entry = { 0 };
	auto_image_manifest manifest = { 0 };
	int result;

	if (layout_make(pull->directory_fd, err) < 0 ||
		find_manifest(pull, version, 0, &entry, err) < 0)
		return -1;
	result = layout_read(
		pull->directory_fd, &entry, &image_manifest_type, &manifest, err);
	if (result == 0)
		result = get_blobs(pull, &manifest, err);
	if (result == 0)
		result = layout_add(pull->directory_fd,
			pull->index.digest ? &pull->index : &entry, err);
	json_free(&image_descriptor_type, &entry);
	return result;
}

static int pull_from(const struct curl_library *curl, const struct endpoint *endpoint,
	const char *version, int directory_fd, const struct registry_options *options,
	struct error *err)
{
	auto_client client = { 0 };
	struct pull pull = {
		.client = &client,
		.options = options,
		.directory_fd = directory_fd,
	};
	int result;

	if (client_open(curl, endpoint, &options->client, &client, err) < 0)
		return -1;
	result = pull_image(&pull, version, err);
	for (size_t i = 0; i < pull.attached_count; i++)
		json_free(&image_manifest_type, &pull.attached[i]);
	image_descriptor_free(&pull.index);
	return result;
}

/* The last place's error is what is told; of mirrors, nobody needs to know more. */
int registry_pull(const char *name, int directory_fd,
	const struct registry_options *options, struct error *err)
{
	auto_curl_library curl = { 0 };
	auto_reference reference = { 0 };
	auto_registries registries = { 0 };
	auto_endpoints endpoints = { 0 };

	if (reference_parse(name, &reference, err) < 0 ||
		registries_read(&registries, err) < 0 ||
		registries_resolve(&registries, &reference, &endpoints, err) < 0 ||
		curl_library_open(&curl, err) < 0)
		return -1;
	for (size_t i = 0; i < endpoints.count; i++) {
		if (pull_from(&curl, &endpoints.items[i], reference_version(&reference),
			    directory_fd, options, err) == 0)
			return 0;
	}
	return -1;
}
