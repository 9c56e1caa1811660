/*
 * Hooks: programs that run at six points of a container's life.
 * Source: OCI runtime-spec 1.3.0, config.md: POSIX-platform Hooks; runtime.md: Lifecycle.
 */
#pragma once

#include "base/json.h"

struct oci_hook {
	char *path; /* absolute */
	struct strings args;
	struct strings env;
	bool has_timeout;
	uint32_t timeout; /* seconds, at least 1 */
};

struct oci_hooks {
	struct oci_hook *prestart; /* deprecated; run before createRuntime */
	size_t prestart_count;
	struct oci_hook *create_runtime;
	size_t create_runtime_count;
	struct oci_hook *create_container;
	size_t create_container_count;
	struct oci_hook *start_container;
	size_t start_container_count;
	struct oci_hook *poststart;
	size_t poststart_count;
	struct oci_hook *poststop;
	size_t poststop_count;
};

extern const struct json_type oci_hook_type;
extern const struct json_type oci_hooks_type;

enum hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KINDS, /* how many there are */
};

struct hook_list {
	const struct oci_hook *items; /* borrowed */
	size_t count;
};

struct hook_list hooks_of_kind(const struct oci_hooks *hooks, enum hook_kind kind);
const char *hook_kind_name(enum hook_kind kind); /* its name in config.json */
enum hook_kind hook_kind_of(const char *name);   /* HOOK_KINDS: of none */

/* As the last of its kind; takes what is in it. */
void hooks_add(struct oci_hooks *hooks, enum hook_kind kind, const struct oci_hook *hook);
