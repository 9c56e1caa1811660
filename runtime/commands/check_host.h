/*
 * Whether this machine and this user can run what a valid config.json asks for. Nothing is
 * created or changed; whatever is planned purely is planned, the rest is looked at.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/cgroup/cgroup.h"

struct oci_config;

struct check_host_request {
	const struct oci_config *config;
	const char *bundle; /* absolute */
	int bundle_fd;
	enum cgroup_driver driver;
	bool rootless;
	/* Called with each finding: a line that names the member. A warning is what would
	 * not keep the container from starting. */
	void (*report)(void *argument, bool warning, const char *line);
	void *argument;
};

/* With the words of one finding. */
void check_report(const struct check_host_request *request, bool warning,
	const char *format, ...) printf_like(3, 4);

void check_host(const struct check_host_request *request);
/* A part of it: what is to be run in the container is there. */
void check_programs(const struct check_host_request *request);
