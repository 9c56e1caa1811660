/*
 * The first instructions of a static executable (x86-64), before libc has begun.
 *
 * Whoever enters a container executes this program a second time, from a read-only mount of
 * its file (protect.h). That this must be done shows in the command line alone, and doing it
 * takes six system calls; but a libc that has relocated itself, asked the processor what it
 * can and set up its heap has cost ten times as much, to be thrown away at once. So the
 * executable's entry point is here. Whatever is unusual, or fails, goes on to libc's own
 * entry point, _start, and protect_self() sees to it, with words.
 *
 * Nothing of libc may be called here, nor what a compiler makes calls of: there are no
 * relocations yet and no thread-local storage, therefore no stack protector either.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define bare __attribute__((no_stack_protector))

long entry_call(long number, long a, long b, long c, long d, long e);
void entry_protect(const uintptr_t *stack);

/* _start gets the stack pointer and rdx as the kernel set them. */
__asm__(".text\n"
	".globl mocker_entry\n"
	".type mocker_entry, @function\n"
	"mocker_entry:\n"
	"	xor %ebp, %ebp\n" /* the outermost frame */
	"	mov %rsp, %rbx\n"
	"	mov %rdx, %r12\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call entry_protect\n"
	"	mov %rbx, %rsp\n"
	"	mov %r12, %rdx\n"
	"	jmp _start\n"
	".size mocker_entry, . - mocker_entry\n"
	".globl entry_call\n"
	".type entry_call, @function\n"
	"entry_call:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	"	mov %r9, %r8\n"
	"	syscall\n"
	"	ret\n"
	".size entry_call, . - entry_call\n");

bare static _Bool begins_with(const char *text, const char *start)
{
	for (; *start; text++, start++)
		if (*text != *start)
			return 0;
	return 1;
}

/* With the end of both, too. */
bare static _Bool equals(const char *text, const char *other)
{
	for (; *text == *other; text++, other++)
		if (!*text)
			return 1;
	return 0;
}

/* A container that is called like a command makes us do too much, and nothing wrong. Where
 * the systemd driver is asked for, another executable takes over, which is looked for beside
 * this one: but protected, we have no place. */
bare static _Bool enters(char *const *word)
{
	_Bool result = 0;

	for (; *word; word++) {
		if (begins_with(*word, "--systemd-cgroup") ||
			begins_with(*word, "--cgroup-manager"))
			return 0;
		result = result || equals(*word, "create") || equals(*word, "run") ||
			 equals(*word, "exec") || equals(*word, "restore");
	}
	return result;
}

/* The stack is as the kernel leaves it: argc, argv, NULL, environ, NULL. Of its own user's
 * executable a user who is not root decides with more care, later. */
bare void entry_protect(const uintptr_t *stack)
{
	char *const *argv = (char *const *)(stack + 1);
	char *const *environment = argv + stack[0] + 1;
	struct mount_attr attributes;
	struct statfs system;
	long self, tree;

	if (!stack[0] || !enters(argv + 1) || entry_call(SYS_geteuid, 0, 0, 0, 0, 0) != 0)
		return;
	self = entry_call(
		SYS_openat, AT_FDCWD, (long)"/proc/self/exe", O_PATH | O_CLOEXEC, 0, 0);
	if (self < 0)
		return;
	tree = -1;
	if (entry_call(SYS_fstatfs, self, (long)&system, 0, 0, 0) == 0 &&
		!(system.f_flags & ST_RDONLY))
		tree = entry_call(SYS_open_tree, self, (long)"",
			OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH, 0, 0);
	(void)entry_call(SYS_close, self, 0, 0, 0, 0);
	if (tree < 0)
		return;
	attributes.attr_set = MOUNT_ATTR_RDONLY;
	attributes.attr_clr = 0;
	attributes.propagation = 0;
	attributes.userns_fd = 0;
	if (entry_call(SYS_mount_setattr, tree, (long)"", AT_EMPTY_PATH,
		    (long)&attributes, sizeof(attributes)) == 0)
		(void)entry_call(SYS_execveat, tree, (long)"", (long)argv,
			(long)environment, AT_EMPTY_PATH);
	(void)entry_call(SYS_close, tree, 0, 0, 0, 0);
}
