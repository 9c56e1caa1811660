/*
 * The state of a container: what `state` prints and what hooks read on standard input.
 * rootfs, created and owner are not the specification's; they are what runc's clients
 * read. Source: OCI runtime-spec 1.3.0, runtime.md: State.
 */
#pragma once

#include "base/json.h"

enum container_status {
	CONTAINER_CREATING = 1,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED, /* not the specification's either */
	CONTAINER_STOPPED,
};

struct oci_state {
	char *oci_version;
	char *id;
	bool has_pid; /* absent in a stopped container's */
	int32_t pid;
	int64_t status; /* enum container_status */
	char *bundle;   /* absolute */
	char *rootfs;   /* absolute */
	char *created;  /* RFC 3339 with nanoseconds, UTC */
	struct pairs annotations;
	char *owner; /* a user's name */
};

extern const struct json_type oci_state_type;

#define auto_oci_state __attribute__((cleanup(state_free))) struct oci_state
void state_free(struct oci_state *state);
