/*
 * libseccomp, loaded when a profile has to be compiled and not before: most starts find
 * theirs in the cache, and linking the library would cost each of them.
 */
#pragma once

#include <seccomp.h>

#include "base/error.h"
#include "base/macros.h"

struct seccomp_library {
	void *handle;
	__typeof__(seccomp_init) *init;
	__typeof__(seccomp_release) *release;
	__typeof__(seccomp_arch_add) *arch_add;
	__typeof__(seccomp_arch_native) *arch_native;
	__typeof__(seccomp_arch_resolve_name) *arch_resolve_name;
	__typeof__(seccomp_rule_add_array) *rule_add_array;
	__typeof__(seccomp_syscall_resolve_name) *resolve_name;
	__typeof__(seccomp_syscall_resolve_name_arch) *resolve_name_arch;
	__typeof__(seccomp_syscall_resolve_num_arch) *resolve_num_arch;
	__typeof__(seccomp_export_bpf) *export_bpf;
	__typeof__(seccomp_version) *version;
};

#define auto_seccomp_library \
	__attribute__((cleanup(seccomp_library_close))) struct seccomp_library

int seccomp_library_open(struct seccomp_library *ret, struct error *err) must_check;
void seccomp_library_close(struct seccomp_library *library);
