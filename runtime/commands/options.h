/* The options that stand before the command, and what they mean for a container. */
#pragma once

#include <stdbool.h>

#include "base/command.h"
#include "runtime/cgroup/cgroup.h"

struct runtime_options {
	const char *root;
	const char *log;
	const char *log_format;
	bool debug;
	bool systemd_cgroup;
	const char *rootless; /* auto, true, false */
	const char *cgroup_manager;
	bool strict;
	const char *criu;
};

extern const struct option_spec runtime_option_specs[];

int options_prepare(const void *global, struct error *err) must_check;

/* The directory of all containers; owned by the caller. */
char *options_root(const struct runtime_options *options);
bool options_rootless(const struct runtime_options *options);
enum cgroup_driver options_cgroup_driver(const struct runtime_options *options);
