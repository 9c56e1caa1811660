/* The tables of seccomp. */
#include "spec/seccomp.h"

#include <linux/seccomp.h>

#include "spec/names.h"

static const struct json_field argument_fields[] = {
	JSON_U32(struct oci_syscall_argument, index, "index", .required = true),
	JSON_U64(struct oci_syscall_argument, value, "value", .required = true),
	JSON_U64(struct oci_syscall_argument, value_two, "valueTwo"),
	JSON_WORD(struct oci_syscall_argument, op, "op", seccomp_operator_words,
		.required = true),
	JSON_END,
};
static const struct json_type argument_type =
	JSON_TYPE(struct oci_syscall_argument, argument_fields);

static const struct json_field syscall_fields[] = {
	JSON_STRINGS(struct oci_syscall, names, "names", .required = true),
	JSON_WORD(struct oci_syscall, action, "action", seccomp_action_words,
		.required = true),
	JSON_U32_OPT(struct oci_syscall, errno_ret, "errnoRet"),
	JSON_ARRAY(struct oci_syscall, args, "args", &argument_type),
	JSON_END,
};
static const struct json_type syscall_type =
	JSON_TYPE(struct oci_syscall, syscall_fields);

static const struct json_field seccomp_fields[] = {
	JSON_WORD(struct oci_seccomp, default_action, "defaultAction",
		seccomp_action_words, .required = true),
	JSON_U32_OPT(struct oci_seccomp, default_errno_ret, "defaultErrnoRet"),
	JSON_WORDS(
		struct oci_seccomp, architectures, "architectures", seccomp_arch_words),
	JSON_WORDS(struct oci_seccomp, flags, "flags", seccomp_flag_words),
	JSON_STRING(struct oci_seccomp, listener_path, "listenerPath"),
	JSON_STRING(struct oci_seccomp, listener_metadata, "listenerMetadata"),
	JSON_ARRAY(struct oci_seccomp, syscalls, "syscalls", &syscall_type),
	JSON_END,
};
const struct json_type oci_seccomp_type = JSON_TYPE(struct oci_seccomp, seccomp_fields);

static const struct json_field process_state_fields[] = {
	JSON_STRING(
		struct oci_process_state, oci_version, "ociVersion", .required = true),
	JSON_STRINGS(struct oci_process_state, fds, "fds", .required = true),
	JSON_I32(struct oci_process_state, pid, "pid", .required = true),
	JSON_STRING(struct oci_process_state, metadata, "metadata"),
	JSON_STRUCT(struct oci_process_state, state, "state", &oci_state_type,
		.required = true),
	JSON_END,
};
const struct json_type oci_process_state_type =
	JSON_TYPE(struct oci_process_state, process_state_fields);

bool seccomp_notifies(const struct oci_seccomp *profile)
{
	if (profile->default_action == SECCOMP_RET_USER_NOTIF)
		return true;
	for (size_t i = 0; i < profile->syscalls_count; i++) {
		if (profile->syscalls[i].action == SECCOMP_RET_USER_NOTIF)
			return true;
	}
	return false;
}
