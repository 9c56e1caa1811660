/*
 * Compiled profiles, kept in a directory of --root. An entry holds all that the program
 * was made from and is compared with it, so that a name's hash need not be a strong one.
 */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

#include "base/str.h"

struct oci_seccomp;

/* Everything that decides what a profile compiles to: its members, our version, the
 * architecture, and when libraries were last installed. */
void seccomp_cache_key(const struct oci_seccomp *profile, struct str *ret);

/* The program, owned by the caller; NULL where there is none to be trusted. */
struct sock_filter *seccomp_cache_get(
	const char *root, const struct str *key, size_t *ret_count);

/* Best effort: a container starts without a cache too. */
void seccomp_cache_put(const char *root, const struct str *key,
	const struct sock_filter *program, size_t count);
