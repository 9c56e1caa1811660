/* User and group id maps of a new user namespace, as config.json has them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_config;
struct oci_id_mapping;

int idmap_write(const struct oci_config *config, pid_t pid, struct error *err) must_check;

/* The host's number of a container's user or group; false where it has none. */
bool idmap_to_host(
	const struct oci_id_mapping *maps, size_t count, uint32_t id, uint32_t *ret);
