/*
 * A profile of system calls in a file, for --security-opt seccomp=FILE: linux.seccomp as
 * config.json has it, or what Docker and podman read, where a rule may be for some
 * architectures and capabilities only.
 * Source: seccomp.json(5) of containers-common; Docker's profiles.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "spec/seccomp.h"

/* The filter for a container with these capabilities on this machine; owned by the
 * caller. */
int seccomp_file_read(const char *path, const struct strings *capabilities,
	struct oci_seccomp **ret, struct error *err) must_check;
