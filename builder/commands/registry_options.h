/*
 * The options that every command with a registry has, listed once: a member
 * `struct registry_flags registry` of its options, and REGISTRY_OPTIONS in its table.
 */
#pragma once

#include "base/command.h"
#include "builder/registry/client.h"

struct registry_flags {
	const char *authfile;
	const char *cert_dir;
	const char *tls_verify;
	uint32_t stall_seconds;
};

/* clang-format off */
#define REGISTRY_OPTIONS(S)                                                              \
	OPTION_STRING(S, registry.authfile, "authfile", 0, "FILE",                       \
		"credentials (otherwise $REGISTRY_AUTH_FILE, and what podman login and " \
		"docker login wrote)"),                                                  \
	OPTION_STRING(S, registry.cert_dir, "cert-dir", 0, "DIR",                        \
		"certificates (otherwise /etc/containers/certs.d/HOST:PORT)"),           \
	OPTION_STRING(S, registry.tls_verify, "tls-verify", 0, "true|false",             \
		"false: certificates are not checked, and plain HTTP is allowed",        \
		.values = "true|false", .initial = "true"),                              \
	OPTION_U32(S, registry.stall_seconds, "stall-timeout", 0, "SECONDS",             \
		"how long a registry may send nothing (otherwise 60)")
/* clang-format on */

static inline struct client_options registry_client(const struct registry_flags *flags)
{
	return (struct client_options){
		.authfile = flags->authfile,
		.cert_dir = flags->cert_dir,
		.insecure = str_equal(flags->tls_verify, "false"),
		.stall_seconds = flags->stall_seconds,
	};
}
