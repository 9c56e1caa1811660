/* From a profile of config.json to a BPF program. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

struct oci_seccomp;

/* profile: one that validation has passed. The program is owned by the caller. */
int seccomp_compile(const struct oci_seccomp *profile, struct sock_filter **ret,
	size_t *ret_count, struct error *err) must_check;

/* Appends the words for the architectures that this machine's libseccomp knows; false:
 * there is no libseccomp, and no profile can be compiled. For `features`. */
bool seccomp_architectures(struct strings *ret);

/* ENOSYS for system calls above the largest of the profile (enosys.c): appends
 * the prologue. arch: AUDIT_ARCH_*; largest -1: the architecture has none. */
struct seccomp_largest {
	uint32_t arch;
	int largest;
	int largest_x32; /* of the x32 calls of x86-64; -1: x32 is not in the profile */
};

#define SECCOMP_PROLOGUE_MAX(archs) ((archs)*8 + 1)

size_t seccomp_prologue(
	const struct seccomp_largest *archs, size_t count, struct sock_filter *to);
