/* Profile to BPF by libseccomp, with the checks that the specification asks for. */
#include "runtime/seccomp/compile.h"

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/seccomp/library.h"
#include "spec/names.h"
#include "spec/seccomp.h"

#define ARGUMENTS_MAX 6
#define ARCHS_MAX     32

struct compiler {
	struct seccomp_library library;
	scmp_filter_ctx context;
	uint32_t default_action;
	struct seccomp_largest largest[ARCHS_MAX];
	size_t largest_count;
};

/* ---- translation ------------------------------------------------------------------- */

static bool takes_errno(int64_t action)
{
	return (uint32_t)action == SECCOMP_RET_ERRNO ||
	       (uint32_t)action == SECCOMP_RET_TRACE;
}

static uint32_t action_of(int64_t action, bool has_errno, uint32_t errnum)
{
	uint32_t value = has_errno ? errnum : EPERM;

	return takes_errno(action) ? (uint32_t)action | value : (uint32_t)action;
}

static void add_arch_entry(struct compiler *compiler, uint32_t arch)
{
	bool x32 = arch == SCMP_ARCH_X32;
	uint32_t audit = x32 ? SCMP_ARCH_X86_64 : arch;

	for (size_t i = 0; i < compiler->largest_count; i++) {
		if (compiler->largest[i].arch != audit)
			continue;
		if (x32)
			compiler->largest[i].largest_x32 = 0;
		return;
	}
	if (compiler->largest_count < ARCHS_MAX)
		compiler->largest[compiler->largest_count++] = (struct seccomp_largest){
			.arch = audit,
			.largest = -1,
			.largest_x32 = x32 ? 0 : -1,
		};
}

static int add_archs(
	struct compiler *compiler, const struct oci_seccomp *profile, struct error *err)
{
	add_arch_entry(compiler, compiler->library.arch_native());
	for (size_t i = 0; i < profile->architectures.count; i++) {
		uint32_t arch = (uint32_t)profile->architectures.items[i];
		int result = compiler->library.arch_add(compiler->context, arch);

		if (result < 0 && result != -EEXIST) {
			errno = -result;
			return fail_errno(err,
				"/linux/seccomp/architectures/%zu: adding %s", i,
				word_of_number(seccomp_arch_words, arch));
		}
		add_arch_entry(compiler, arch);
	}
	return 0;
}

/* Notes the number that a name has in each architecture. */
static void note_number(struct compiler *compiler, const char *name)
{
	for (size_t i = 0; i < compiler->largest_count; i++) {
		struct seccomp_largest *arch = &compiler->largest[i];
		int number = compiler->library.resolve_name_arch(arch->arch, name);

		arch->largest = MAX(arch->largest, number);
		if (arch->largest_x32 < 0)
			continue;
		number = compiler->library.resolve_name_arch(SCMP_ARCH_X32, name);
		arch->largest_x32 = MAX(arch->largest_x32, number);
	}
}

static struct scmp_arg_cmp comparison(const struct oci_syscall_argument *argument)
{
	struct scmp_arg_cmp result = {
		.arg = argument->index,
		.op = (enum scmp_compare)argument->op,
		.datum_a = argument->value,
		.datum_b = argument->value_two,
	};

	return result;
}

/* Conditions on one and the same argument are alternatives, a rule each; conditions on
 * different arguments must all hold. So runc reads profiles, and Docker writes them. */
static bool are_alternatives(const struct oci_syscall *syscall)
{
	unsigned seen = 0;

	for (size_t i = 0; i < syscall->args_count; i++) {
		if (seen & 1u << syscall->args[i].index)
			return true;
		seen |= 1u << syscall->args[i].index;
	}
	return false;
}

static int add_rule(struct compiler *compiler, const struct oci_syscall *syscall,
	int number, uint32_t action)
{
	struct scmp_arg_cmp arguments[ARGUMENTS_MAX];

	if (are_alternatives(syscall)) {
		for (size_t i = 0; i < syscall->args_count; i++) {
			int result;

			arguments[0] = comparison(&syscall->args[i]);
			result = compiler->library.rule_add_array(
				compiler->context, action, number, 1, arguments);
			if (result < 0)
				return result;
		}
		return 0;
	}
	for (size_t i = 0; i < syscall->args_count; i++)
		arguments[i] = comparison(&syscall->args[i]);
	return compiler->library.rule_add_array(compiler->context, action, number,
		(unsigned)syscall->args_count, arguments);
}

static int add_syscalls(struct compiler *compiler, const struct oci_syscall *syscall,
	size_t index, struct error *err)
{
	uint32_t action =
		action_of(syscall->action, syscall->has_errno_ret, syscall->errno_ret);

	strings_each (name, &syscall->names) {
		int number = compiler->library.resolve_name(*name);
		int result;

		if (number == __NR_SCMP_ERROR) {
			log_debug(
				"/linux/seccomp/syscalls/%zu: \"%s\" is unknown to libseccomp "
				"and left out",
				index, *name);
			continue;
		}
		note_number(compiler, *name);
		/* libseccomp refuses what changes nothing. */
		if (action == compiler->default_action)
			continue;
		result = add_rule(compiler, syscall, number, action);
		if (result < 0) {
			errno = -result;
			return fail_errno(err, "/linux/seccomp/syscalls/%zu: adding %s",
				index, *name);
		}
	}
	return 0;
}

/* Permissive defaults answer newer calls well enough, ENOSYS needs no prologue. */
static bool needs_prologue(uint32_t default_action)
{
	return default_action != SECCOMP_RET_ALLOW && default_action != SECCOMP_RET_LOG &&
	       default_action != (SECCOMP_RET_ERRNO | ENOSYS);
}

static int export(struct compiler *compiler, struct sock_filter **ret, size_t *ret_count,
	struct error *err)
{
	auto_fd fd = memfd_create("seccomp", MFD_CLOEXEC);
	bool prologue = needs_prologue(compiler->default_action);
	size_t before = prologue ? SECCOMP_PROLOGUE_MAX(compiler->largest_count) : 0;
	auto_free struct sock_filter *program = NULL;
	auto_free char *bytes = NULL;
	size_t length, count;
	int result;

	if (fd < 0)
		return fail_errno(err, "making a memory file for the seccomp filter");
	result = compiler->library.export_bpf(compiler->context, fd);
	if (result < 0) {
		errno = -result;
		return fail_errno(err, "/linux/seccomp: compiling the filter");
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail_errno(err, "reading the seccomp filter");
	if (fd_read_all(fd, "the seccomp filter",
		    (struct fd_read_options){ .limit = 1u << 20 }, &bytes, &length,
		    err) < 0)
		return -1;
	program = str_alloc(before * sizeof(*program) + length);
	count = prologue ? seccomp_prologue(
				   compiler->largest, compiler->largest_count, program)
			 : 0;
	memcpy(program + count, bytes, length);
	count += length / sizeof(*program);
	if (count > BPF_MAXINSNS)
		return fail(err,
			"/linux/seccomp: the filter has %zu instructions, the kernel takes %d",
			count, BPF_MAXINSNS);
	*ret = take_ptr(&program);
	*ret_count = count;
	return 0;
}

static int compile(struct compiler *compiler, const struct oci_seccomp *profile,
	struct sock_filter **ret, size_t *ret_count, struct error *err)
{
	if (add_archs(compiler, profile, err) < 0)
		return -1;
	for (size_t i = 0; i < profile->syscalls_count; i++)
		if (add_syscalls(compiler, &profile->syscalls[i], i, err) < 0)
			return -1;
	return export(compiler, ret, ret_count, err);
}

int seccomp_compile(const struct oci_seccomp *profile, struct sock_filter **ret,
	size_t *ret_count, struct error *err)
{
	struct compiler compiler = {
		.default_action = action_of(profile->default_action,
			profile->has_default_errno_ret, profile->default_errno_ret),
	};
	int result = -1;

	if (seccomp_library_open(&compiler.library, err) < 0)
		return -1;
	compiler.context = compiler.library.init(compiler.default_action);
	if (compiler.context) {
		result = compile(&compiler, profile, ret, ret_count, err);
		compiler.library.release(compiler.context);
	} else {
		(void)fail(err, "/linux/seccomp/defaultAction: libseccomp refuses %s",
			word_of_number(seccomp_action_words, profile->default_action));
	}
	seccomp_library_close(&compiler.library);
	return result;
}

bool seccomp_architectures(struct strings *ret)
{
	auto_seccomp_library library = { 0 };
	struct error ignored; /* its absence is the answer */

	if (seccomp_library_open(&library, &ignored) < 0)
		return false;
	for (const struct word *arch = seccomp_arch_words; arch->word; arch++) {
		/* libseccomp's own names are these, in lower case. */
		auto_free char *name = str_dup(str_after(arch->word, "SCMP_ARCH_"));

		for (char *c = name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		if (library.arch_resolve_name(name))
			strings_add(ret, arch->word);
	}
	return true;
}
