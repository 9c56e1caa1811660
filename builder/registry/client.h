/*
 * A registry that is talked to: where it is, how its certificate is checked, who we are
 * to it. Requests are about one repository of it.
 * Source: OCI distribution-spec; Docker's registry token authentication.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/registry/credentials.h"
#include "builder/registry/http.h"
#include "builder/registry/registries.h"

struct client_options {
	const char *authfile;   /* NULL: the usual ones */
	const char *cert_dir;   /* NULL: certs.d of containers and Docker */
	bool insecure;          /* whatever registries.conf says */
	bool push;              /* what the token is asked for */
	uint32_t stall_seconds; /* how long nothing may come; 0: a minute */
	const struct credentials *credentials; /* instead of an auth file's, or NULL */
};

struct client {
	struct http http;
	char *origin; /* "https://HOST" */
	char *repository;
	char *host;
	bool push;
	bool insecure;
	struct http_trust trust;
	struct credentials credentials;
	char *authorization; /* what is sent; NULL: nothing */
};

/* Finds out whether it speaks TLS and wants authentication. */
int client_open(const struct curl_library *curl, const struct endpoint *endpoint,
	const struct client_options *options, struct client *ret,
	struct error *err) must_check;
/* The same registry for another thread. */
int client_clone(
	const struct client *client, struct client *ret, struct error *err) must_check;
void client_close(struct client *client);

#define auto_client __attribute__((cleanup(client_close))) struct client

/* request->url: absolute, or a path of the registry ("/v2/..."). Authenticates once if it
 * is asked to. Statuses other than success are errors in the registry's words, but for
 * those that are a HEAD's answer: 404. */
int client_request(struct client *client, struct http_request *request,
	struct http_response *ret, struct error *err) must_check;
