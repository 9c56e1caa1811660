/*
 * One HTTP request and its answer. Redirects are followed here and not by libcurl, so that
 * the rule stands in one place: what identifies us goes to the origin (scheme, host and
 * port) that it was meant for and to no other, and HTTPS never becomes HTTP.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/registry/curl_library.h"

/* How a host's certificate is checked. */
struct http_trust {
	bool insecure;     /* not at all */
	char *roots;       /* PEM, beside the system's; NULL: none */
	char *certificate; /* files of ours, or NULL */
	char *key;
};

void http_trust_free(struct http_trust *trust);

/* A connection that is kept between requests; of one thread. */
struct http {
	const struct curl_library *curl;
	CURL *handle;
	uint32_t stall_seconds; /* how long nothing may come */
};

struct http_request {
	const char *method; /* GET, HEAD, POST, PUT */
	const char *url;
	const char *authorization; /* the header's value, or NULL */
	struct strings headers;    /* "Name: value" */
	const char *data;          /* of POST and PUT */
	size_t length;
	int body_fd; /* > 0: instead of data, from its offset 0 */
	uint64_t body_size;
	const struct http_trust *trust;
	size_t limit; /* of a body that goes to memory; 0: 64 KiB */
	/* Where the body of an answer 200 or 206 goes instead; -1 ends the transfer.
	 * `status` is told before the first bytes. */
	int (*sink)(void *argument, long status, uint64_t offset, const char *data,
		size_t length);
	void *argument;
};

struct http_response {
	long status;
	struct strings challenges; /* WWW-Authenticate */
	char *location;            /* absolute */
	char *content_type;
	char *digest; /* Docker-Content-Digest */
	struct str body;
	bool too_large; /* the body was cut at the limit */
	bool broken;    /* on failure: the transport's, so that trying again may help */
	bool stalled;   /* and it was because nothing came */
};

#define auto_http __attribute__((cleanup(http_close))) struct http
#define auto_http_response \
	__attribute__((cleanup(http_response_free))) struct http_response

int http_open(
	const struct curl_library *curl, struct http *ret, struct error *err) must_check;
void http_close(struct http *http);
void http_response_free(struct http_response *response);

/* The kind of an error. */
enum http_error {
	HTTP_ERROR_TLS =
		1, /* the other side has none, or a certificate that is not trusted */
};

/* Whatever the status is; *ret has `broken` also on failure. */
int http_perform(struct http *http, const struct http_request *request,
	struct http_response *ret, struct error *err) must_check;

/* Whether both have the same scheme, host and port. */
bool http_same_origin(const char *a, const char *b);
