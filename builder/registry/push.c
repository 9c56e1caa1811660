/* From what has the name down to its blobs; blobs go first, names last. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/digest.h"
#include "builder/layout.h"
#include "builder/registry/pull.h"
#include "builder/registry/reference.h"
#include "builder/registry/registries.h"
#include "builder/size.h"

struct push {
	struct client *client;
	const struct registry_options *options;
	int directory_fd;
};

static void say(
	const struct push *push, const struct image_descriptor *blob, const char *what)
{
	auto_free char *line = str_format(
		"  %.19s %s %s\n", blob->digest, size_text(blob->size).text, what);

	if (push->options->output >= 0 &&
		fd_write_all(push->options->output, line, strlen(line)) < 0)
		return; /* who does not listen is not told */
}

static int has_blob(struct push *push, const struct image_descriptor *blob, bool *ret,
	struct error *err)
{
	auto_free char *url =
		str_format("/v2/%s/blobs/%s", push->client->repository, blob->digest);
	struct http_request request = { .method = "HEAD", .url = url };
	auto_http_response response = { 0 };

	if (client_request(push->client, &request, &response, err) < 0)
		return -1;
	*ret = response.status == 200;
	return 0;
}

/* Where the registry wants the bytes; owned by the caller. */
static int begin_upload(struct push *push, char **ret_url, struct error *err)
{
	auto_free char *url =
		str_format("/v2/%s/blobs/uploads/", push->client->repository);
	struct http_request request = { .method = "POST", .url = url };
	auto_http_response response = { 0 };

	if (client_request(push->client, &request, &response, err) < 0)
		return -1;
	if (response.status != 202 || !response.location)
		return fail(err, "%s%s: the registry answers %ld and names no place",
			push->client->origin, url, response.status);
	*ret_url = take_ptr(&response.location);
	return 0;
}

static int upload(
	struct push *push, const struct image_descriptor *blob, int fd, struct error *err)
{
	auto_free char *place = NULL;
	auto_free char *url = NULL;
	auto_strings headers = { 0 };
	auto_http_response response = { 0 };
	struct http_request request = {
		.method = "PUT",
		.body_fd = fd,
		.body_size = blob->size,
	};

	if (begin_upload(push, &place, err) < 0)
		return -1;
	url = str_format("%s%cdigest=sha256%%3A%s", place, strchr(place, '?') ? '&' : '?',
		blob->digest + strlen(DIGEST_PREFIX));
	strings_add(&headers, "Content-Type: application/octet-stream");
	request.url = url;
	request.headers = headers;
	return client_request(push->client, &request, &response, err);
}

static int push_blob(
	struct push *push, const struct image_descriptor *blob, struct error *err)
{
	auto_free char *name = NULL;
	struct digest digest;
	auto_fd fd = -1;
	bool there = false;

	if (layout_digest(blob, &digest, err) < 0 ||
		has_blob(push, blob, &there, err) < 0)
		return -1;
	if (there) {
		say(push, blob, "is there");
		return 0;
	}
	name = layout_blob_name(&digest);
	if (layout_open(push->directory_fd, name, &fd, err) < 0 ||
		upload(push, blob, fd, err) < 0)
		return -1;
	say(push, blob, "pushed");
	return 0;
}

static int put_document(struct push *push, const struct image_descriptor *entry,
	const char *version, struct error *err)
{
	auto_free char *url =
		str_format("/v2/%s/manifests/%s", push->client->repository, version);
	auto_http_response response = { 0 };
	auto_strings headers = { 0 };
	auto_free char *text = NULL;
	struct http_request request = { .method = "PUT", .url = url };

	if (layout_read_text(push->directory_fd, entry, &text, &request.length, err) < 0)
		return -1;
	strings_addf(&headers, "Content-Type: %s", entry->media_type);
	request.data = text;
	request.headers = headers;
	if (client_request(push->client, &request, &response, err) < 0)
		return -1;
	if (response.digest && !str_equal(response.digest, entry->digest))
		return fail(err, "%s%s: the registry took it as %s, it is %s",
			push->client->origin, url, response.digest, entry->digest);
	return 0;
}

static int push_manifest(struct push *push, const struct image_descriptor *entry,
	const char *version, struct error *err)
{
	auto_image_manifest manifest = { 0 };

	if (layout_read(push->directory_fd, entry, &image_manifest_type, &manifest, err) <
		0)
		return -1;
	for (size_t i = 0; i < manifest.layers_count; i++) {
		if (push_blob(push, &manifest.layers[i], err) < 0)
			return -1;
	}
	return push_blob(push, &manifest.config, err) < 0
		       ? -1
		       : put_document(push, entry, version, err);
}

static int push_entry(struct push *push, const struct image_descriptor *entry,
	const char *version, struct error *err)
{
	auto_image_index index = { 0 };

	if (!image_media_is_index(entry->media_type))
		return push_manifest(push, entry, version, err);
	if (layout_read(push->directory_fd, entry, &image_index_type, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		const struct image_descriptor *inner = &index.manifests[i];

		if (push_manifest(push, inner, inner->digest, err) < 0)
			return -1;
	}
	return put_document(push, entry, version, err);
}

static int push_layout(struct push *push, const struct reference *reference,
	struct digest *ret, struct error *err)
{
	struct json_options options = { .name = "index.json" };
	auto_image_index index = { 0 };

	if (json_read_file(&image_index_type, &index, push->directory_fd, "index.json",
		    &options, err) < 0)
		return -1;
	if (index.manifests_count != 1)
		return fail(err, "index.json: expected one image, found %zu",
			index.manifests_count);
	return push_entry(push, &index.manifests[0], reference_version(reference), err) <
			       0
		       ? -1
		       : layout_digest(&index.manifests[0], ret, err);
}

/* A push goes to the registry itself, never to a mirror. */
static int open_registry(const struct curl_library *curl,
	const struct reference *reference, const struct registry_options *options,
	struct client *ret, struct error *err)
{
	struct client_options client = options->client;
	auto_registries registries = { 0 };
	auto_endpoints endpoints = { 0 };

	client.push = true;
	if (registries_read(&registries, err) < 0 ||
		registries_resolve(&registries, reference, &endpoints, err) < 0)
		return -1;
	for (size_t i = 0; i < endpoints.count; i++) {
		if (!endpoints.items[i].mirror)
			return client_open(curl, &endpoints.items[i], &client, ret, err);
	}
	return fail(err, "no registry is known for %s", reference->repository);
}

int registry_push(int directory_fd, const char *name,
	const struct registry_options *options, struct digest *ret_digest,
	struct error *err)
{
	auto_curl_library curl = { 0 };
	auto_reference reference = { 0 };
	auto_client client = { 0 };
	struct push push = {
		.client = &client,
		.options = options,
		.directory_fd = directory_fd,
	};

	if (reference_parse(name, &reference, err) < 0)
		return -1;
	if (reference.digest)
		return fail(err,
			"a push to \"%s\": it makes the digest, and cannot "
			"name one",
			name);
	return curl_library_open(&curl, err) < 0 ||
			       open_registry(&curl, &reference, options, &client, err) <
				       0 ||
			       push_layout(&push, &reference, ret_digest, err) < 0
		       ? -1
		       : 0;
}

int registry_check_login(
	const char *host, const struct registry_options *options, struct error *err)
{
	auto_free char *name = str_format("%s/login", host);
	auto_curl_library curl = { 0 };
	auto_reference reference = { 0 };
	auto_registries registries = { 0 };
	auto_endpoints endpoints = { 0 };
	auto_client client = { 0 };
	auto_http_response response = { 0 };
	struct http_request request = { .method = "GET", .url = "/v2/" };

	if (reference_parse(name, &reference, err) < 0 ||
		registries_read(&registries, err) < 0 ||
		registries_resolve(&registries, &reference, &endpoints, err) < 0 ||
		curl_library_open(&curl, err) < 0 ||
		client_open(&curl, &endpoints.items[endpoints.count - 1],
			&options->client, &client, err) < 0)
		return -1;
	return client_request(&client, &request, &response, err);
}
