/*
 * The default system call filter: what is in the tables is allowed, what is known to reach
 * beyond a container is refused with EPERM, and everything else (system calls that are
 * newer than this table) with ENOSYS, at which C libraries fall back to older ones.
 *
 * Sources: syscalls(2) and the manual page of each; namespaces(7), socket(2).
 */
#include "builder/bundle/profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "spec/names.h"

/* One line for each group, so that a missing one is seen. */
static const char allowed[] =
	/* files and directories */
	"access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 "
	"dup3 faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat "
	"fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr "
	"flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync "
	"ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat "
	"lchown lchown32 lgetxattr link linkat listxattr listxattrat llistxattr "
	"lremovexattr lseek _llseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat "
	"newfstatat open openat openat2 preadv preadv2 pread64 pwrite64 pwritev pwritev2 "
	"read readahead readlink readlinkat readv removexattr removexattrat rename renameat "
	"renameat2 rmdir sendfile sendfile64 setxattr setxattrat splice stat stat64 statfs "
	"statfs64 statx symlink symlinkat sync sync_file_range arm_sync_file_range syncfs "
	"tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 "
	"utimes write writev "
	"inotify_add_watch inotify_init inotify_init1 inotify_rm_watch fanotify_mark "
	"ioctl name_to_handle_at "
	/* memory */
	"brk cachestat get_mempolicy madvise map_shadow_stack membarrier memfd_create "
	"memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync "
	"munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages "
	"process_madvise process_mrelease set_mempolicy mbind "
	/* processes and threads */
	"alarm arch_prctl capget capset execve execveat exit exit_group fork futex "
	"futex_requeue futex_time64 futex_wait futex_waitv futex_wake getcpu getegid "
	"getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp "
	"getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit "
	"get_robust_list getrusage getsid get_thread_area gettid getuid getuid32 ioprio_get "
	"ioprio_set kill modify_ldt pause pidfd_getfd pidfd_open pidfd_send_signal prctl "
	"prlimit64 restart_syscall riscv_flush_icache riscv_hwprobe rseq "
	"s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr sched_getaffinity "
	"sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
	"sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
	"sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield "
	"setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 "
	"setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid "
	"setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid set_thread_area "
	"set_tid_address setuid setuid32 set_tls arm_fadvise64_64 breakpoint cacheflush "
	"sysinfo tgkill tkill times ugetrlimit uname vfork wait4 waitid waitpid "
	"ptrace process_vm_readv process_vm_writev seccomp landlock_add_rule "
	"landlock_create_ruleset landlock_restrict_self "
	/* signals, time, events */
	"clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
	"clock_nanosleep_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
	"epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 getitimer "
	"gettimeofday nanosleep poll ppoll ppoll_time64 pselect6 pselect6_time64 "
	"rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
	"rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo select "
	"_newselect setitimer sigaltstack signalfd signalfd4 sigpending sigprocmask "
	"sigreturn sigsuspend sigaction signal time timer_create timer_delete "
	"timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 "
	"timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
	"timerfd_settime64 "
	/* sockets (socket itself below; not i386's socketcall, whose arguments no filter
	 * sees), pipes, System V and POSIX queues */
	"accept accept4 bind connect getpeername getsockname getsockopt listen recv "
	"recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt "
	"shutdown socketpair pipe pipe2 ipc mq_getsetattr mq_notify mq_open "
	"mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink "
	"msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 "
	"shmat shmctl shmdt shmget "
	/* asynchronous work; io_uring is not here: its operations pass no filter */
	"io_cancel io_destroy io_getevents io_setup io_submit getrandom";

/* Beyond the container, or beyond what a filter can see. */
static const char refused[] =
	"acct add_key adjtimex bpf clock_adjtime clock_adjtime64 clock_settime "
	"clock_settime64 delete_module fanotify_init finit_module fsconfig fsmount fsopen "
	"fspick get_kernel_syms init_module io_uring_enter io_uring_register io_uring_setup "
	"ioperm iopl kcmp kexec_file_load kexec_load keyctl listmount lookup_dcookie "
	"migrate_pages mount mount_setattr move_mount move_pages nfsservctl "
	"open_by_handle_at open_tree perf_event_open pivot_root quotactl quotactl_fd reboot "
	"request_key setdomainname sethostname setns settimeofday statmount stime swapoff "
	"swapon sysfs _sysctl syslog umount umount2 unshare userfaultfd ustat uselib "
	"vhangup vm86 vm86old vmsplice";

/* What a capability that the container was given is useless without. */
static const struct {
	const char *capability;
	const char *names;
} by_capability[] = {
	{ "CAP_DAC_READ_SEARCH", "open_by_handle_at" },
	{ "CAP_SYS_ADMIN",
		"bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick "
		"lookup_dcookie mount mount_setattr move_mount open_tree "
		"perf_event_open quotactl quotactl_fd setdomainname "
		"sethostname setns syslog umount umount2 unshare pivot_root "
		"listmount statmount" },
	{ "CAP_SYS_BOOT", "reboot" },
	{ "CAP_SYS_CHROOT", "chroot" },
	{ "CAP_SYS_MODULE", "delete_module finit_module init_module" },
	{ "CAP_SYS_NICE", "set_mempolicy_home_node" },
	{ "CAP_SYS_PACCT", "acct" },
	{ "CAP_SYS_PTRACE", "kcmp" },
	{ "CAP_SYS_RAWIO", "ioperm iopl" },
	{ "CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64 adjtimex "
			  "clock_adjtime clock_adjtime64" },
	{ "CAP_SYS_TTY_CONFIG", "vhangup" },
	{ "CAP_SYSLOG", "syslog" },
	{ "CAP_BPF", "bpf" },
	{ "CAP_PERFMON", "perf_event_open" },
};

/* AF_ALG, AF_VSOCK, AF_TIPC, AF_CAN and their like: kernel code that few programs need
 * and that has been the way out of containers. */
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };

/* personality(2): Linux, 32 bits of it, no address randomisation, and asking. */
static const uint64_t personalities[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };

#define CLONE_NAMESPACES                                                            \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
		CLONE_NEWNET | CLONE_NEWCGROUP)

static struct oci_syscall *add_rule(
	struct oci_seccomp *seccomp, const char *names, int64_t action)
{
	struct oci_syscall *rule;

	seccomp->syscalls = str_realloc(seccomp->syscalls, seccomp->syscalls_count + 1,
		sizeof(*seccomp->syscalls));
	rule = &seccomp->syscalls[seccomp->syscalls_count++];
	*rule = (struct oci_syscall){ .action = action };
	strings_split(&rule->names, names, ' ');
	return rule;
}

static void add_argument_rule(struct oci_seccomp *seccomp, const char *name,
	struct oci_syscall_argument argument)
{
	struct oci_syscall *rule = add_rule(seccomp, name, SECCOMP_RET_ALLOW);

	rule->args = str_alloc(sizeof(*rule->args));
	rule->args[0] = argument;
	rule->args_count = 1;
}

static void remove_names(struct strings *list, const struct strings *names)
{
	struct strings kept = { 0 };

	strings_each (item, list) {
		if (!strings_contain(names, *item))
			strings_add(&kept, *item);
	}
	strings_free(list);
	*list = kept;
}

/* One rule for a system call at most: a filter with both answers would be ambiguous. */
static void add_refused(struct oci_seccomp *seccomp, const struct strings *granted)
{
	struct oci_syscall *rule = add_rule(seccomp, refused, SECCOMP_RET_ERRNO);

	rule->has_errno_ret = true;
	rule->errno_ret = EPERM;
	remove_names(&rule->names, granted);
}

static void add_architecture(struct oci_seccomp *seccomp, const char *name)
{
	struct json_words *list = &seccomp->architectures;
	int64_t number;

	if (!word_to_number(seccomp_arch_words, name, &number))
		return;
	list->items = str_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = number;
}

static void add_architectures(struct oci_seccomp *seccomp)
{
#if defined(__x86_64__)
	add_architecture(seccomp, "SCMP_ARCH_X86_64");
	add_architecture(seccomp, "SCMP_ARCH_X86");
#elif defined(__aarch64__)
	add_architecture(seccomp, "SCMP_ARCH_AARCH64");
	add_architecture(seccomp, "SCMP_ARCH_ARM");
#elif defined(__riscv)
	add_architecture(seccomp, "SCMP_ARCH_RISCV64");
#elif defined(__powerpc64__)
	add_architecture(seccomp, "SCMP_ARCH_PPC64LE");
#elif defined(__s390x__)
	add_architecture(seccomp, "SCMP_ARCH_S390X");
#endif
}

static void add_conditional(struct oci_seccomp *seccomp, const struct strings *granted)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct oci_syscall_argument family = {
			.value = (uint64_t)families[i],
			.op = SECCOMP_OPERATOR_EQ,
		};

		add_argument_rule(seccomp, "socket", family);
	}
	for (size_t i = 0; i < ARRAY_SIZE(personalities); i++) {
		struct oci_syscall_argument value = {
			.value = personalities[i],
			.op = SECCOMP_OPERATOR_EQ,
		};

		add_argument_rule(seccomp, "personality", value);
	}
	if (!strings_contain(granted, "clone")) {
		/* flags are the first argument, but the second on s390 */
		struct oci_syscall_argument flags = {
#if defined(__s390__)
			.index = 1,
#endif
			.value = (uint32_t)CLONE_NAMESPACES,
			.value_two = 0,
			.op = SECCOMP_OPERATOR_MASKED_EQ,
		};

		/* clone3 keeps its flags in memory, where no filter sees them: ENOSYS */
		add_argument_rule(seccomp, "clone", flags);
	}
}

struct oci_seccomp *profile_seccomp(const struct strings *capabilities)
{
	struct oci_seccomp *seccomp = str_alloc(sizeof(*seccomp));
	struct oci_syscall *rule;
	auto_strings granted = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(by_capability); i++) {
		if (strings_contain(capabilities, by_capability[i].capability))
			strings_split(&granted, by_capability[i].names, ' ');
	}
	seccomp->default_action = SECCOMP_RET_ERRNO;
	seccomp->has_default_errno_ret = true;
	seccomp->default_errno_ret = ENOSYS;
	add_architectures(seccomp);
	rule = add_rule(seccomp, allowed, SECCOMP_RET_ALLOW);
	strings_each (item, &granted) {
		if (!strings_contain(&rule->names, *item))
			strings_add(&rule->names, *item);
	}
	add_refused(seccomp, &granted);
	add_conditional(seccomp, &granted);
	return seccomp;
}
