/* The config.json that `spec` writes: a starting point for people to edit. */
#pragma once

#include <stdbool.h>

#include "spec/config.h"

struct default_config_options {
	bool rootless;         /* for the calling user: a user namespace, no limits */
	bool cgroup_namespace; /* where the machine has cgroup version 2 alone */
};

/* Fills a zeroed struct. */
void default_config(const struct default_config_options *options, struct oci_config *ret);
