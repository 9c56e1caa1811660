/*
 * System call filters: a profile of config.json becomes a BPF program (or comes from the
 * cache) before init is cloned, and init loads it with nothing but seccomp(2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_seccomp;
struct oci_state;
struct sock_filter;
struct seccomp_watch;

struct seccomp_filter {
	struct sock_filter *program; /* NULL: no profile, nothing is loaded */
	unsigned short count;
	uint32_t flags;              /* SECCOMP_FILTER_FLAG_* */
	int listener;                /* connected to listenerPath, else -1 */
	char *metadata;              /* listenerMetadata */
	struct seccomp_watch *watch; /* --seccomp-log; NULL */
};

#define SECCOMP_FILTER_NONE    \
	{                      \
		.listener = -1 \
	}
#define auto_seccomp_filter \
	__attribute__((cleanup(seccomp_filter_free))) struct seccomp_filter

void seccomp_filter_free(struct seccomp_filter *filter);

/* In the parent. profile NULL: an empty filter. cache_dir: --root of the runtime, below
 * which the directory "@seccomp" is made; NULL: no cache. */
int seccomp_prepare(const struct oci_seccomp *profile, const char *cache_dir,
	struct seccomp_filter *ret, struct error *err) must_check;

/* Whether a filter can be made of it; nothing is kept and nobody is connected to. */
int seccomp_try(const struct oci_seccomp *profile, struct error *err) must_check;

/* In the parent, once the process that will load it has been cloned: the listener must see
 * the end of what that process sends. */
void seccomp_let_go(struct seccomp_filter *filter);

/* In init. Last before execve with no_new_privs; without it before capabilities are
 * dropped, for it needs CAP_SYS_ADMIN. state: the container's, and pid: the process as
 * the host numbers it; both only used with a listener, and may else be NULL and 0. */
struct seccomp_subject {
	const struct oci_state *state;
	pid_t pid;
};
int seccomp_install(const struct seccomp_filter *filter, struct seccomp_subject subject,
	struct error *err) must_check;

/* Whether the kernel knows this SECCOMP_FILTER_FLAG_* bit; also for `features`. */
bool seccomp_kernel_has_flag(uint32_t flag);
