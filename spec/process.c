/* The table of the process. */
#include "spec/process.h"

#include "spec/names.h"

static const struct json_field console_size_fields[] = {
	JSON_U16(struct oci_console_size, height, "height", .required = true),
	JSON_U16(struct oci_console_size, width, "width", .required = true),
	JSON_END,
};
static const struct json_type console_size_type =
	JSON_TYPE(struct oci_console_size, console_size_fields);

static const struct json_field user_fields[] = {
	JSON_U32(struct oci_user, uid, "uid", .always = true),
	JSON_U32(struct oci_user, gid, "gid", .always = true),
	JSON_U32_OPT(struct oci_user, umask, "umask"),
	JSON_U32S(struct oci_user, additional_gids, "additionalGids"),
	JSON_STRING(struct oci_user, username, "username"),
	JSON_END,
};
static const struct json_type user_type = JSON_TYPE(struct oci_user, user_fields);

static const struct json_field capabilities_fields[] = {
	JSON_STRINGS(struct oci_capabilities, bounding, "bounding"),
	JSON_STRINGS(struct oci_capabilities, effective, "effective"),
	JSON_STRINGS(struct oci_capabilities, inheritable, "inheritable"),
	JSON_STRINGS(struct oci_capabilities, permitted, "permitted"),
	JSON_STRINGS(struct oci_capabilities, ambient, "ambient"),
	JSON_END,
};
static const struct json_type capabilities_type =
	JSON_TYPE(struct oci_capabilities, capabilities_fields);

static const struct json_field rlimit_fields[] = {
	JSON_WORD(struct oci_rlimit, type, "type", rlimit_words, .required = true),
	JSON_U64(struct oci_rlimit, hard, "hard", .required = true),
	JSON_U64(struct oci_rlimit, soft, "soft", .required = true),
	JSON_END,
};
static const struct json_type rlimit_type = JSON_TYPE(struct oci_rlimit, rlimit_fields);

static const struct json_field scheduler_fields[] = {
	JSON_WORD(struct oci_scheduler, policy, "policy", scheduler_policy_words,
		.required = true),
	JSON_I32(struct oci_scheduler, nice, "nice"),
	JSON_I32(struct oci_scheduler, priority, "priority"),
	JSON_WORDS(struct oci_scheduler, flags, "flags", scheduler_flag_words),
	JSON_U64(struct oci_scheduler, runtime, "runtime"),
	JSON_U64(struct oci_scheduler, deadline, "deadline"),
	JSON_U64(struct oci_scheduler, period, "period"),
	JSON_END,
};
static const struct json_type scheduler_type =
	JSON_TYPE(struct oci_scheduler, scheduler_fields);

static const struct json_field io_priority_fields[] = {
	JSON_WORD(
		struct oci_io_priority, class, "class", io_class_words, .required = true),
	JSON_I32(struct oci_io_priority, priority, "priority", .always = true),
	JSON_END,
};
static const struct json_type io_priority_type =
	JSON_TYPE(struct oci_io_priority, io_priority_fields);

static const struct json_field exec_cpu_affinity_fields[] = {
	JSON_STRING(struct oci_exec_cpu_affinity, initial, "initial"),
	JSON_STRING(struct oci_exec_cpu_affinity, final, "final"),
	JSON_END,
};
static const struct json_type exec_cpu_affinity_type =
	JSON_TYPE(struct oci_exec_cpu_affinity, exec_cpu_affinity_fields);

static const struct json_field process_fields[] = {
	JSON_BOOL(struct oci_process, terminal, "terminal"),
	JSON_POINTER(struct oci_process, console_size, "consoleSize", &console_size_type),
	JSON_STRUCT(struct oci_process, user, "user", &user_type, .always = true),
	JSON_STRINGS(struct oci_process, args, "args"),
	JSON_STRING(struct oci_process, command_line, "commandLine"),
	JSON_STRINGS(struct oci_process, env, "env"),
	JSON_STRING(struct oci_process, cwd, "cwd", .required = true),
	JSON_POINTER(
		struct oci_process, capabilities, "capabilities", &capabilities_type),
	JSON_ARRAY(struct oci_process, rlimits, "rlimits", &rlimit_type),
	JSON_BOOL(struct oci_process, no_new_privileges, "noNewPrivileges"),
	JSON_STRING(struct oci_process, apparmor_profile, "apparmorProfile"),
	JSON_I32_OPT(struct oci_process, oom_score_adj, "oomScoreAdj"),
	JSON_POINTER(struct oci_process, scheduler, "scheduler", &scheduler_type),
	JSON_STRING(struct oci_process, selinux_label, "selinuxLabel"),
	JSON_POINTER(struct oci_process, io_priority, "ioPriority", &io_priority_type),
	JSON_POINTER(struct oci_process, exec_cpu_affinity, "execCPUAffinity",
		&exec_cpu_affinity_type),
	JSON_END,
};
const struct json_type oci_process_type = JSON_TYPE(struct oci_process, process_fields);

void process_free(struct oci_process *process)
{
	json_free(&oci_process_type, process);
}
