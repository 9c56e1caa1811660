/*
 * A system call that is newer than a profile must fail with ENOSYS, so that a C library
 * falls back to the older one; the profile's default answer (EPERM, a signal) would make
 * it give up. What is newer: a number above the largest that the profile names, by
 * architecture. This prologue stands before the program that libseccomp made.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "runtime/seccomp/compile.h"

#define X32_BIT 0x40000000u

static struct sock_filter load(unsigned offset)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

static struct sock_filter jump(
	unsigned short test, unsigned value, unsigned char yes, unsigned char no)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, yes, no);
}

static struct sock_filter enosys(void)
{
	return (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA));
}

/* Seven instructions or four; all that fall out at the end go on with the next
 * architecture, where none fits, and so to the filter. */
static size_t put_x86_64(const struct seccomp_largest *arch, struct sock_filter *to)
{
	unsigned x32 = arch->largest_x32 < 0 ? UINT32_MAX : (unsigned)arch->largest_x32;
	size_t n = 0;

	to[n++] = jump(BPF_JEQ, arch->arch, 0, 6);
	to[n++] = load(offsetof(struct seccomp_data, nr));
	to[n++] = jump(BPF_JGE, X32_BIT, 1, 0);
	to[n++] = jump(BPF_JGT, (unsigned)arch->largest, 1, 2);
	to[n++] = jump(BPF_JGT, x32, 0, 1);
	to[n++] = enosys();
	to[n++] = load(offsetof(struct seccomp_data, arch));
	return n;
}

static size_t put_other(const struct seccomp_largest *arch, struct sock_filter *to)
{
	size_t n = 0;

	to[n++] = jump(BPF_JEQ, arch->arch, 0, 4);
	to[n++] = load(offsetof(struct seccomp_data, nr));
	to[n++] = jump(BPF_JGT, (unsigned)arch->largest, 0, 1);
	to[n++] = enosys();
	to[n++] = load(offsetof(struct seccomp_data, arch));
	return n;
}

size_t seccomp_prologue(
	const struct seccomp_largest *archs, size_t count, struct sock_filter *to)
{
	size_t n = 0;

	to[n++] = load(offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < count; i++) {
		if (archs[i].largest < 0)
			continue;
		n += archs[i].arch == AUDIT_ARCH_X86_64 ? put_x86_64(&archs[i], to + n)
							: put_other(&archs[i], to + n);
	}
	return n;
}
