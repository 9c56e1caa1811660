/*
 * linux.seccomp, and what its listener is told.
 * Source: OCI runtime-spec 1.3.0, config-linux.md: Seccomp.
 *
 * The numbers are the kernel's, so that spec/ needs no libseccomp: actions SECCOMP_RET_*,
 * flags SECCOMP_FILTER_FLAG_*, architectures AUDIT_ARCH_*. libseccomp's SCMP_ACT_* and
 * SCMP_ARCH_* have the same values in their low 32 bits.
 */
#pragma once

#include "base/json.h"
#include "spec/state.h"

/* "SCMP_ACT_KILL" is another word for SCMP_ACT_KILL_THREAD. This bit tells them apart, so
 * that what was read is written again; (uint32_t)action is the kernel's number. */
#define SECCOMP_ACTION_ALIAS (INT64_C(1) << 32)

/* Valued as libseccomp's enum scmp_compare. */
enum seccomp_operator {
	SECCOMP_OPERATOR_NE = 1,
	SECCOMP_OPERATOR_LT,
	SECCOMP_OPERATOR_LE,
	SECCOMP_OPERATOR_EQ,
	SECCOMP_OPERATOR_GE,
	SECCOMP_OPERATOR_GT,
	SECCOMP_OPERATOR_MASKED_EQ, /* argument & value == value_two */
};

struct oci_syscall_argument {
	uint32_t index; /* 0 to 5 */
	uint64_t value;
	uint64_t value_two;
	int64_t op; /* enum seccomp_operator */
};

struct oci_syscall {
	struct strings names;
	int64_t action;
	bool has_errno_ret;
	uint32_t errno_ret;
	struct oci_syscall_argument *args;
	size_t args_count;
};

struct oci_seccomp {
	int64_t default_action;
	bool has_default_errno_ret;
	uint32_t default_errno_ret;
	struct json_words architectures; /* AUDIT_ARCH_* */
	struct json_words flags;         /* SECCOMP_FILTER_FLAG_* bits */
	char *listener_path;             /* of a UNIX stream socket */
	char *listener_metadata;
	struct oci_syscall *syscalls;
	size_t syscalls_count;
};

extern const struct json_type oci_seccomp_type;

/* Whether any system call is handed to a listener. */
bool seccomp_notifies(const struct oci_seccomp *profile);

/* What goes to listenerPath with the seccomp descriptor. */
struct oci_process_state {
	char *oci_version;
	struct strings fds; /* the names of the descriptors, in order: "seccompFd" */
	int32_t pid;
	char *metadata;
	struct oci_state state;
};

extern const struct json_type oci_process_state_type;
