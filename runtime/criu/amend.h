/*
 * What criu does not bring back of a container, done while its processes still stand:
 *
 *	read-only root   in their mount namespace
 *	I/O priority     of every thread
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct container;
struct oci_config;

/* Fails, naming the member, for what criu loses and nobody else can give back. */
int amend_check(const struct oci_config *config, struct error *err) must_check;

/* pid: the container's restored process. */
int amend_restored(const struct container *container, const struct oci_config *config,
	pid_t pid, struct error *err) must_check;
