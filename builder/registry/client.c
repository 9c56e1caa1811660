/* Opening a registry, and requests with one try at authenticating. */
#include "builder/registry/client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "builder/registry/token.h"

#define PEM_LIMIT (1u << 20)

void client_close(struct client *client)
{
	http_close(&client->http);
	free(client->origin);
	free(client->repository);
	free(client->host);
	http_trust_free(&client->trust);
	credentials_free(&client->credentials);
	free(client->authorization);
	*client = (struct client){ 0 };
}

int client_clone(const struct client *client, struct client *ret, struct error *err)
{
	struct http http;

	if (http_open(client->http.curl, &http, err) < 0)
		return -1;
	http.stall_seconds = client->http.stall_seconds;
	*ret = (struct client){
		.http = http,
		.origin = str_dup(client->origin),
		.repository = str_dup(client->repository),
		.host = str_dup(client->host),
		.push = client->push,
		.insecure = client->insecure,
		.trust = {
			.insecure = client->trust.insecure,
			.roots = str_dup(client->trust.roots),
			.certificate = str_dup(client->trust.certificate),
			.key = str_dup(client->trust.key),
		},
		.credentials = {
			.user = str_dup(client->credentials.user),
			.password = str_dup(client->credentials.password),
			.identity_token = str_dup(client->credentials.identity_token),
		},
		.authorization = str_dup(client->authorization),
	};
	return 0;
}

/* ---- certificates ------------------------------------------------------------------- */

/* NAME.crt: an authority; NAME.cert and NAME.key: ours. */
static int read_certificates(
	const char *directory, struct http_trust *trust, struct error *err)
{
	auto_fd fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strings names = { 0 };
	auto_str roots = { 0 };

	if (fd >= 0 && path_names(fd, directory, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		auto_free char *path = path_join(directory, *name);
		auto_free char *text = NULL;

		if (str_ends_with(*name, ".crt")) {
			if (file_read_at(AT_FDCWD, path, PEM_LIMIT, &text, NULL, err) < 0)
				return -1;
			str_append(&roots, text);
			str_append_char(&roots, '\n');
		} else if (str_ends_with(*name, ".cert")) {
			size_t stem = strlen(path) - strlen("cert");

			free(trust->certificate);
			free(trust->key);
			trust->certificate = take_ptr(&path);
			trust->key = str_format("%.*skey", (int)stem, trust->certificate);
		}
	}
	if (roots.length > 0) {
		free(trust->roots);
		trust->roots = str_take(&roots);
	}
	return 0;
}

/* The first directory that exists: ours, root's, Docker's. */
static int find_certificates(const char *cert_dir, const char *host,
	struct http_trust *trust, struct error *err)
{
	const char *home = getenv("HOME");
	const char *const places[] = { home && *home == '/' ? home : "/root",
		"/etc/containers/certs.d", "/etc/docker/certs.d" };

	if (cert_dir)
		return read_certificates(cert_dir, trust, err);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		auto_free char *directory = str_format("%s%s/%s", places[i],
			i == 0 ? "/.config/containers/certs.d" : "", host);

		if (access(directory, F_OK) == 0)
			return read_certificates(directory, trust, err);
	}
	return 0;
}

/* ---- opening ------------------------------------------------------------------------ */

/* docker.io is a name, not a host. */
static const char *contacted(const char *host)
{
	return str_equal(host, "docker.io") ? "registry-1.docker.io" : host;
}

static void set_origin(struct client *client, const char *scheme)
{
	free(client->origin);
	client->origin = str_format("%s://%s", scheme, contacted(client->host));
}

static int ping(struct client *client, struct http_response *response, struct error *err)
{
	auto_free char *url = str_format("%s/v2/", client->origin);
	struct http_request request = {
		.method = "GET",
		.url = url,
		.trust = &client->trust,
	};

	return http_perform(&client->http, &request, response, err);
}

/* Plain HTTP only where that was allowed, and only where TLS does not answer. */
static int find_scheme(
	struct client *client, struct http_response *response, struct error *err)
{
	struct error first = { 0 };

	set_origin(client, "https");
	if (ping(client, response, &first) == 0)
		return 0;
	if (client->insecure) {
		set_origin(client, "http");
		return ping(client, response, err);
	}
	*err = first;
	if (err->kind == HTTP_ERROR_TLS)
		return fail_hint(err,
			"a certificate of its own is trusted by --cert-dir, or by a ca.crt in "
			"/etc/containers/certs.d/HOST:PORT; a registry without TLS needs "
			"insecure = true in registries.conf, or --tls-verify=false");
	return -1;
}

static int prepare(struct client *client, const struct endpoint *endpoint,
	const struct client_options *options, struct error *err)
{
	auto_http_response response = { 0 };

	client->host = str_dup(endpoint->host);
	client->repository = str_dup(endpoint->repository);
	client->push = options->push;
	client->insecure = endpoint->insecure || options->insecure;
	client->trust.insecure = client->insecure;
	if (options->credentials) {
		client->credentials.user = str_dup(options->credentials->user);
		client->credentials.password = str_dup(options->credentials->password);
	} else if (credentials_find(options->authfile, client->host, client->repository,
			   &client->credentials, err) < 0)
		return -1;
	if (find_certificates(options->cert_dir, client->host, &client->trust, err) < 0 ||
		find_scheme(client, &response, err) < 0)
		return -1;
	if (response.status == 401)
		return token_negotiate(client, &response.challenges, err);
	if (response.status != 200)
		return fail(err,
			"%s/v2/ answers %ld: it is no registry of the OCI distribution "
			"protocol",
			client->origin, response.status);
	return 0;
}

int client_open(const struct curl_library *curl, const struct endpoint *endpoint,
	const struct client_options *options, struct client *ret, struct error *err)
{
	auto_client client = { 0 };

	if (http_open(curl, &client.http, err) < 0)
		return -1;
	if (options->stall_seconds)
		client.http.stall_seconds = options->stall_seconds;
	if (prepare(&client, endpoint, options, err) < 0)
		return -1;
	*ret = client;
	client = (struct client){ 0 };
	return 0;
}

/* ---- requests ----------------------------------------------------------------------- */

struct registry_error {
	char *code;
	char *message;
};

struct registry_errors {
	struct registry_error *items;
	size_t items_count;
};

static const struct json_field error_fields[] = {
	JSON_STRING(struct registry_error, code, "code"),
	JSON_STRING(struct registry_error, message, "message"),
	JSON_END,
};
static const struct json_type error_type = JSON_TYPE(struct registry_error, error_fields);

static const struct json_field errors_fields[] = {
	JSON_ARRAY(struct registry_errors, items, "errors", &error_type),
	JSON_END,
};
static const struct json_type errors_type =
	JSON_TYPE(struct registry_errors, errors_fields);

/* Control characters of a server do not reach a terminal. */
static void make_printable(char *text)
{
	for (; text && *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7F)
			*text = '?';
	}
}

static int explain(const struct client *client, const struct http_request *request,
	const struct http_response *response, struct error *err)
{
	struct json_options options = { .name = "answer" };
	struct registry_errors errors = { 0 };
	struct error ignored;
	auto_free char *said = NULL;

	if (response->body.length > 0 &&
		json_read(&errors_type, &errors, response->body.data,
			response->body.length, &options, &ignored) == 0 &&
		errors.items_count > 0)
		said = str_format("%s: %s", errors.items[0].code ?: "",
			errors.items[0].message ?: "");
	make_printable(said);
	json_free(&errors_type, &errors);
	(void)fail_code(err,
		response->status == 404                              ? ENOENT
		: response->status == 401 || response->status == 403 ? EACCES
								     : 0,
		"%s %s: the registry answers %ld%s%.200s", request->method, request->url,
		response->status, said ? ", " : "", said ? said : "");
	if (response->status != 401 && response->status != 403)
		return -1;
	if (client->credentials.user || client->credentials.identity_token)
		return fail_hint(
			err, "the credentials for %s were refused", client->host);
	return fail_hint(
		err, "`mocker-builder login %s` stores credentials", client->host);
}

static bool is_answer(
	const struct http_request *request, const struct http_response *response)
{
	return (response->status >= 200 && response->status < 300) ||
	       (response->status == 404 && str_equal(request->method, "HEAD"));
}

static int attempt(struct client *client, struct http_request *request,
	struct http_response *ret, struct error *err)
{
	bool ours = http_same_origin(request->url, client->origin);

	request->authorization = ours ? client->authorization : NULL;
	request->trust = &client->trust;
	return http_perform(&client->http, request, ret, err);
}

/* A token may have run out: once, it is asked for again. */
static int attempt_twice(struct client *client, struct http_request *request,
	struct http_response *ret, struct error *err)
{
	if (attempt(client, request, ret, err) < 0)
		return -1;
	if (ret->status == 401 && ret->challenges.count > 0) {
		auto_strings challenges = ret->challenges;

		ret->challenges = (struct strings){ 0 };
		if (token_negotiate(client, &challenges, err) < 0 ||
			attempt(client, request, ret, err) < 0)
			return -1;
	}
	return is_answer(request, ret) ? 0 : explain(client, request, ret, err);
}

int client_request(struct client *client, struct http_request *request,
	struct http_response *ret, struct error *err)
{
	const char *asked = request->url;
	auto_free char *url = *asked == '/' ? str_format("%s%s", client->origin, asked)
					    : str_dup(asked);
	int result;

	request->url = url;
	result = attempt_twice(client, request, ret, err);
	request->url = asked;
	request->authorization = NULL;
	return result;
}
