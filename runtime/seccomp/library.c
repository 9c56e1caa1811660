/* libseccomp by dlopen(); a static executable (SECCOMP_LINKED) has it linked instead. */
#include "runtime/seccomp/library.h"

#include <dlfcn.h>

#ifdef SECCOMP_LINKED

int seccomp_library_open(struct seccomp_library *ret, struct error *err)
{
	*ret = (struct seccomp_library){
		.init = seccomp_init,
		.release = seccomp_release,
		.arch_add = seccomp_arch_add,
		.arch_native = seccomp_arch_native,
		.arch_resolve_name = seccomp_arch_resolve_name,
		.rule_add_array = seccomp_rule_add_array,
		.resolve_name = seccomp_syscall_resolve_name,
		.resolve_name_arch = seccomp_syscall_resolve_name_arch,
		.resolve_num_arch = seccomp_syscall_resolve_num_arch,
		.export_bpf = seccomp_export_bpf,
		.version = seccomp_version,
	};
	return 0;
}

void seccomp_library_close(struct seccomp_library *library)
{
}

#else

#define LIBRARY "libseccomp.so.2"

/* clang-format off */
static const struct symbol {
	const char *name;
	size_t offset; /* of its pointer in struct seccomp_library */
} symbols[] = {
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
	struct seccomp_library library = { .handle = dlopen(LIBRARY, RTLD_NOW) };

	if (!library.handle)
		return fail(err, "/linux/seccomp: loading libseccomp: %s", dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *address = dlsym(library.handle, symbols[i].name);

		if (!address) {
			seccomp_library_close(&library);
			return fail(err, "/linux/seccomp: " LIBRARY " has no %s",
				symbols[i].name);
		}
		*(void **)((char *)&library + symbols[i].offset) = address;
	}
	*ret = library;
	return 0;
}

void seccomp_library_close(struct seccomp_library *library)
{
	if (library->handle)
		(void)dlclose(library->handle); /* nothing depends on its unloading */
	library->handle = NULL;
}

#endif
