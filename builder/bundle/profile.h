/*
 * What a container may do unless it is told otherwise: capabilities, system calls, paths
 * of /proc and /sys. As narrow as podman's, and narrower where programs do not miss it:
 * sockets of a few families only.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "spec/config.h"

/* The capabilities, with what is added ("ALL" or names, with or without CAP_) and
 * dropped. Sorted by nothing in particular; no duplicates. */
int profile_capabilities(const struct strings *add, const struct strings *drop,
	struct strings *ret, struct error *err) must_check;
void profile_all_capabilities(struct strings *ret);

/* Allows a few system calls more for capabilities that the container has. */
struct oci_seccomp *profile_seccomp(const struct strings *capabilities);

void profile_masked_paths(struct strings *ret);
void profile_readonly_paths(struct strings *ret);
