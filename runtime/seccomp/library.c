/* libseccomp by dlopen(). */
#include "runtime/seccomp/library.h"

#include "base/library.h"

#define LIBRARY "libseccomp.so.2"

/* clang-format off */
static const struct library_symbol symbols[] = {
	{ "seccomp_init", offsetof(struct seccomp_library, init) },
	{ "seccomp_release", offsetof(struct seccomp_library, release) },
	{ "seccomp_arch_add", offsetof(struct seccomp_library, arch_add) },
	{ "seccomp_arch_native", offsetof(struct seccomp_library, arch_native) },
	{ "seccomp_arch_resolve_name",
		offsetof(struct seccomp_library, arch_resolve_name) },
	{ "seccomp_rule_add_array", offsetof(struct seccomp_library, rule_add_array) },
	{ "seccomp_syscall_resolve_name", offsetof(struct seccomp_library, resolve_name) },
	{ "seccomp_syscall_resolve_name_arch",
		offsetof(struct seccomp_library, resolve_name_arch) },
	{ "seccomp_syscall_resolve_num_arch",
		offsetof(struct seccomp_library, resolve_num_arch) },
	{ "seccomp_export_bpf", offsetof(struct seccomp_library, export_bpf) },
	{ "seccomp_version", offsetof(struct seccomp_library, version) },
};
/* clang-format on */

int seccomp_library_open(struct seccomp_library *ret, struct error *err)
{
	if (library_open(LIBRARY, symbols, ARRAY_SIZE(symbols), ret, &ret->handle, err) <
		0)
		return fail_while(err, "/linux/seccomp");
	return 0;
}

void seccomp_library_close(struct seccomp_library *library)
{
	library_close(&library->handle);
}
