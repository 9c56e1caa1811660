/* In place of library.c in a static executable, which can load nothing: libseccomp linked. */
#include "runtime/seccomp/library.h"

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
