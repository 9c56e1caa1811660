/*
 * The process of config.json, also what exec --process reads.
 * Source: OCI runtime-spec 1.3.0, config.md: Process.
 */
#pragma once

#include "base/json.h"

struct oci_console_size {
	uint16_t height;
	uint16_t width;
};

struct oci_user {
	uint32_t uid;
	uint32_t gid;
	bool has_umask;
	uint32_t umask;
	struct json_u32s additional_gids;
	char *username; /* Windows */
};

/* Names are kept as strings: one that this kernel does not know is left out with a
 * warning, as the specification asks. capability_number() of spec/names.h. */
struct oci_capabilities {
	struct strings bounding;
	struct strings effective;
	struct strings inheritable;
	struct strings permitted;
	struct strings ambient;
};

struct oci_rlimit {
	int64_t type; /* RLIMIT_* */
	uint64_t soft;
	uint64_t hard;
};

/* sched_setattr(2) */
struct oci_scheduler {
	int64_t policy; /* SCHED_* */
	int32_t nice;
	int32_t priority;
	struct json_words flags; /* SCHED_FLAG_* bits */
	uint64_t runtime;        /* the next three in nanoseconds */
	uint64_t deadline;
	uint64_t period;
};

struct oci_io_priority {
	int64_t class; /* IOPRIO_CLASS_* of <linux/ioprio.h> */
	int32_t priority;
};

/* CPU lists such as "0-3,7" */
struct oci_exec_cpu_affinity {
	char *initial; /* of the runtime's process that enters the container */
	char *final;   /* of the program it executes */
};

struct oci_process {
	bool terminal;
	struct oci_console_size *console_size;
	struct oci_user user;
	struct strings args;
	char *command_line; /* Windows */
	struct strings env;
	char *cwd;
	struct oci_capabilities *capabilities;
	struct oci_rlimit *rlimits;
	size_t rlimits_count;
	bool no_new_privileges;
	char *apparmor_profile;
	bool has_oom_score_adj;
	int32_t oom_score_adj;
	struct oci_scheduler *scheduler;
	char *selinux_label;
	struct oci_io_priority *io_priority;
	struct oci_exec_cpu_affinity *exec_cpu_affinity;
};

extern const struct json_type oci_process_type;

#define auto_oci_process __attribute__((cleanup(process_free))) struct oci_process
void process_free(struct oci_process *process);
