/*
 * User and group id maps of a new user namespace, written by its creator: directly with
 * privilege or for a single id of one's own, else by newuidmap(1) and newgidmap(1).
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_config;

int idmap_write(const struct oci_config *config, pid_t pid, struct error *err) must_check;
