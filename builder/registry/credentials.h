/*
 * Who we are to a registry: what `podman login` and `docker login` left behind.
 *
 * The files, the first that has something wins: $REGISTRY_AUTH_FILE alone if it is set,
 * else $XDG_RUNTIME_DIR/containers/auth.json (/run/containers/UID/auth.json without that
 * variable), ~/.config/containers/auth.json, $DOCKER_CONFIG/config.json or
 * ~/.docker/config.json. In each: credHelpers, credsStore, then auths, of the longest key
 * that the name begins with ("host/a/b", "host/a", "host").
 * Source: containers-auth.json(5), docker-credential-helpers.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct credentials {
	char *user; /* NULL: none */
	char *password;
	char *identity_token; /* an OAuth2 refresh token, instead of the two */
};

/* `authfile` goes before all files, or is NULL. None found: all members are NULL. */
int credentials_find(const char *authfile, const char *host, const char *repository,
	struct credentials *ret, struct error *err) must_check;
void credentials_free(struct credentials *credentials);

#define auto_credentials __attribute__((cleanup(credentials_free))) struct credentials

/* "USER:PASSWORD" in base64, as Basic authentication and auth files have it. */
char *credentials_basic(const struct credentials *credentials);

/* What login and logout do: writes or removes the host's entry of the file. */
int credentials_store(const char *authfile, const char *host,
	const struct credentials *credentials, struct error *err) must_check;
int credentials_remove(
	const char *authfile, const char *host, struct error *err) must_check;
