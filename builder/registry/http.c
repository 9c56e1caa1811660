/* Options of libcurl, its callbacks, and the loop over redirects. */
#include "builder/registry/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

#define REDIRECTS_MAX 10
#define BODY_LIMIT    (64u << 10)
#define HEADERS_LIMIT (64u << 10)

struct exchange {
	struct http *http;
	const struct http_request *request;
	struct http_response *response;
	uint64_t received;
	size_t header_bytes;
	uint64_t range_start; /* of Content-Range */
	bool refused;         /* by the sink */
	char *url;            /* of this hop */
};

void http_trust_free(struct http_trust *trust)
{
	free(trust->roots);
	free(trust->certificate);
	free(trust->key);
	*trust = (struct http_trust){ 0 };
}

void http_response_free(struct http_response *response)
{
	strings_free(&response->challenges);
	free(response->location);
	free(response->content_type);
	free(response->digest);
	str_free(&response->body);
	*response = (struct http_response){ 0 };
}

int http_open(const struct curl_library *curl, struct http *ret, struct error *err)
{
	*ret = (struct http){
		.curl = curl,
		.handle = curl->easy_init(),
		.stall_seconds = CURL_STALL_SECONDS,
	};
	if (!ret->handle)
		return fail(err, "libcurl does not start");
	return 0;
}

void http_close(struct http *http)
{
	if (http->handle)
		http->curl->easy_cleanup(http->handle);
	http->handle = NULL;
}

/* ---- origins ----------------------------------------------------------------------- */

/* What stands between the scheme and the path, without "user@", with its port. */
static char *origin_of(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	size_t length = strcspn(host, "/?#");
	auto_free char *authority = str_dup_n(host, length);
	const char *at = strrchr(authority, '@');
	const char *name = at ? at + 1 : authority;
	const char *bracket = strrchr(name, ']');
	bool tls = strncasecmp(url, "https:", 6) == 0;
	bool has_port = strchr(bracket ? bracket : name, ':') != NULL;

	return str_format("%s://%s%s", tls ? "https" : "http", name,
		has_port ? ""
		: tls    ? ":443"
			 : ":80");
}

bool http_same_origin(const char *a, const char *b)
{
	auto_free char *left = origin_of(a);
	auto_free char *right = origin_of(b);

	return strcasecmp(left, right) == 0;
}

/* ---- libcurl's callbacks ----------------------------------------------------------- */

static size_t write_body(char *data, size_t unit, size_t count, void *argument)
{
	struct exchange *exchange = argument;
	const struct http_request *request = exchange->request;
	struct http_response *response = exchange->response;
	size_t length = unit * count;
	size_t limit = request->limit ? request->limit : BODY_LIMIT;
	long status = 0;

	(void)exchange->http->curl->easy_getinfo(
		exchange->http->handle, CURLINFO_RESPONSE_CODE, &status);
	if (request->sink && (status == 200 || status == 206)) {
		uint64_t at =
			exchange->received + (status == 206 ? exchange->range_start : 0);

		exchange->received += length;
		exchange->refused =
			request->sink(request->argument, status, at, data, length) < 0;
		return exchange->refused ? 0 : length;
	}
	if (response->body.length + length > limit) {
		response->too_large = true;
		return 0;
	}
	str_append_n(&response->body, data, length);
	return length;
}

/* The text after "Name:", without blanks around it; NULL: another header. */
static char *header_value(const char *line, size_t length, const char *name)
{
	size_t skip = strlen(name);

	if (length <= skip || strncasecmp(line, name, skip) != 0)
		return NULL;
	while (skip < length && (line[skip] == ' ' || line[skip] == '\t'))
		skip++;
	while (length > skip && strchr("\r\n \t", line[length - 1]))
		length--;
	return str_dup_n(line + skip, length - skip);
}

static void take_header(char **to, char *value)
{
	char *before = *to;

	*to = value;
	free(before);
}

static size_t read_header(char *line, size_t unit, size_t count, void *argument)
{
	struct exchange *exchange = argument;
	struct http_response *response = exchange->response;
	size_t length = unit * count;
	auto_free char *value = NULL;

	exchange->header_bytes += length;
	if (exchange->header_bytes > HEADERS_LIMIT)
		return 0;
	if ((value = header_value(line, length, "WWW-Authenticate:")))
		strings_add_take(&response->challenges, take_ptr(&value));
	else if ((value = header_value(line, length, "Content-Type:")))
		take_header(&response->content_type, take_ptr(&value));
	else if ((value = header_value(line, length, "Docker-Content-Digest:")))
		take_header(&response->digest, take_ptr(&value));
	else if ((value = header_value(line, length, "Location:")))
		take_header(&response->location, take_ptr(&value));
	else if ((value = header_value(line, length, "Content-Range: bytes")))
		exchange->range_start = strtoull(value, NULL, 10);
	return length;
}

static size_t read_body(char *to, size_t unit, size_t count, void *argument)
{
	const struct http_request *request = argument;
	ssize_t got = read(request->body_fd, to, unit * count);

	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

/* Uploads are repeated from their beginning, never from within. */
static int seek_body(void *argument, curl_off_t offset, int origin)
{
	const struct http_request *request = argument;

	return lseek(request->body_fd, offset, origin) < 0 ? CURL_SEEKFUNC_FAIL
							   : CURL_SEEKFUNC_OK;
}

/* ---- one hop ----------------------------------------------------------------------- */

static void set_trust(const struct http *http, const struct http_trust *trust)
{
	const struct curl_library *curl = http->curl;
	CURL *handle = http->handle;

	if (!trust)
		return;
	if (trust->insecure) {
		(void)curl->easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl->easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
	}
#if LIBCURL_VERSION_NUM >= 0x074d00 /* 7.77 */
	if (trust->roots) {
		struct curl_blob blob = {
			.data = trust->roots,
			.len = strlen(trust->roots),
			.flags = CURL_BLOB_COPY,
		};

		(void)curl->easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob);
	}
#endif
	if (trust->certificate)
		(void)curl->easy_setopt(handle, CURLOPT_SSLCERT, trust->certificate);
	if (trust->key)
		(void)curl->easy_setopt(handle, CURLOPT_SSLKEY, trust->key);
}

static void set_body(const struct http *http, const struct http_request *request)
{
	const struct curl_library *curl = http->curl;
	CURL *handle = http->handle;

	if (str_equal(request->method, "HEAD")) {
		(void)curl->easy_setopt(handle, CURLOPT_NOBODY, 1L);
	} else if (request->body_fd > 0) {
		(void)curl->easy_setopt(handle, CURLOPT_UPLOAD, 1L);
		(void)curl->easy_setopt(handle, CURLOPT_READFUNCTION, read_body);
		(void)curl->easy_setopt(handle, CURLOPT_READDATA, request);
		(void)curl->easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek_body);
		(void)curl->easy_setopt(handle, CURLOPT_SEEKDATA, request);
		(void)curl->easy_setopt(
			handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
	} else if (!str_equal(request->method, "GET")) {
		(void)curl->easy_setopt(
			handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
		(void)curl->easy_setopt(
			handle, CURLOPT_POSTFIELDS, request->data ? request->data : "");
	}
	if (!str_equal(request->method, "HEAD"))
		(void)curl->easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
}

/* None of these can fail but for want of memory, which the transfer then shows. */
static void set_options(struct exchange *exchange, char *message)
{
	const struct curl_library *curl = exchange->http->curl;
	CURL *handle = exchange->http->handle;

	curl->easy_reset(handle);
	curl_library_prepare(curl, handle, exchange->url, message);
	(void)curl->easy_setopt(
		handle, CURLOPT_LOW_SPEED_TIME, (long)exchange->http->stall_seconds);
	(void)curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, write_body);
	(void)curl->easy_setopt(handle, CURLOPT_WRITEDATA, exchange);
	(void)curl->easy_setopt(handle, CURLOPT_HEADERFUNCTION, read_header);
	(void)curl->easy_setopt(handle, CURLOPT_HEADERDATA, exchange);
	set_trust(exchange->http, exchange->request->trust);
	set_body(exchange->http, exchange->request);
}

static struct curl_slist *make_headers(
	const struct exchange *exchange, const char *authorization)
{
	const struct curl_library *curl = exchange->http->curl;
	struct curl_slist *list = NULL;

	if (authorization) {
		auto_free char *line = str_format("Authorization: %s", authorization);

		list = curl->slist_append(list, line);
	}
	strings_each (header, &exchange->request->headers)
		list = curl->slist_append(list, *header);
	/* No round trip before an upload, no form type for what is none. */
	list = curl->slist_append(list, "Expect:");
	return list;
}

/* libcurl completes that of a redirect alone, not that of 201 and 202. */
static void complete_location(struct exchange *exchange, const char *redirect)
{
	char **location = &exchange->response->location;

	if (redirect) {
		take_header(location, str_dup(redirect));
	} else if (*location && **location == '/') {
		auto_free char *origin = origin_of(exchange->url);

		take_header(location, str_format("%s%s", origin, *location));
	}
}

static bool is_of_tls(CURLcode code)
{
	return code == CURLE_SSL_CONNECT_ERROR ||
	       code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
	       code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR ||
	       code == CURLE_SSL_CIPHER;
}

static int hop(struct exchange *exchange, const char *authorization, struct error *err)
{
	const struct curl_library *curl = exchange->http->curl;
	CURL *handle = exchange->http->handle;
	struct curl_slist *headers = make_headers(exchange, authorization);
	char message[CURL_ERROR_SIZE] = "";
	char *location = NULL;
	CURLcode code;

	http_response_free(exchange->response);
	exchange->received = exchange->range_start = exchange->header_bytes = 0;
	set_options(exchange, message);
	(void)curl->easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	code = curl->easy_perform(handle);
	curl->slist_free_all(headers);
	(void)curl->easy_getinfo(
		handle, CURLINFO_RESPONSE_CODE, &exchange->response->status);
	(void)curl->easy_getinfo(handle, CURLINFO_REDIRECT_URL, &location);
	complete_location(exchange, location);
	if (code == CURLE_OK || exchange->response->too_large)
		return 0;
	exchange->response->broken = !exchange->refused;
	exchange->response->stalled =
		code == CURLE_OPERATION_TIMEDOUT && exchange->response->status != 0;
	if (exchange->response->stalled)
		return fail(err, "%s %s: nothing came for %u seconds (--stall-timeout)",
			exchange->request->method, exchange->url,
			exchange->http->stall_seconds);
	error_set(err, "%s %s: %s", exchange->request->method, exchange->url,
		*message ? message : curl->easy_strerror(code));
	err->kind = is_of_tls(code) ? HTTP_ERROR_TLS : 0;
	return -1;
}

static bool is_redirect(const struct http_response *response)
{
	return response->location &&
	       (response->status == 301 || response->status == 302 ||
		       response->status == 303 || response->status == 307 ||
		       response->status == 308);
}

static int follow(struct exchange *exchange, struct error *err)
{
	const char *to = exchange->response->location;

	if (strncasecmp(to, "http://", 7) != 0 && strncasecmp(to, "https://", 8) != 0)
		return fail(err, "%s redirects to %s, which is neither HTTP nor HTTPS",
			exchange->url, to);
	if (strncasecmp(exchange->url, "https:", 6) == 0 &&
		strncasecmp(to, "https:", 6) != 0)
		return fail(err, "%s redirects to %s, which is not encrypted",
			exchange->url, to);
	free(exchange->url);
	exchange->url = str_dup(to);
	return 0;
}

static int follow_all(struct exchange *exchange, struct error *err)
{
	const struct http_request *request = exchange->request;
	bool reads =
		str_equal(request->method, "GET") || str_equal(request->method, "HEAD");

	for (int hops = 0; hops <= REDIRECTS_MAX; hops++) {
		bool ours = http_same_origin(exchange->url, request->url);

		if (hop(exchange, ours ? request->authorization : NULL, err) < 0)
			return -1;
		if (!reads || !is_redirect(exchange->response))
			return 0;
		if (follow(exchange, err) < 0)
			return -1;
	}
	return fail(err, "%s redirects more than %d times", request->url, REDIRECTS_MAX);
}

int http_perform(struct http *http, const struct http_request *request,
	struct http_response *ret, struct error *err)
{
	struct exchange exchange = {
		.http = http,
		.request = request,
		.response = ret,
		.url = str_dup(request->url),
	};
	int result;

	if (request->body_fd > 0 && lseek(request->body_fd, 0, SEEK_SET) < 0)
		result = fail_errno(err, "reading what is sent to %s", request->url);
	else
		result = follow_all(&exchange, err);
	free(exchange.url);
	return result;
}
