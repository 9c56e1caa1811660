/* When and where the process runs: scheduling policy, I/O priority, CPU affinity. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_process;

/* The caller's own; before the change of user, for most need CAP_SYS_NICE. */
int scheduler_policy(const struct oci_process *process, struct error *err) must_check;
int scheduler_io_priority(const struct oci_process *process, pid_t tid,
	struct error *err) must_check; /* 0: the caller */

/* exec: before the process enters the container's cgroup, and after. */
int scheduler_affinity_initial(
	const struct oci_process *process, struct error *err) must_check;
int scheduler_affinity_final(
	const struct oci_process *process, struct error *err) must_check;

/* Checks all of the above without effects: names, ranges, CPU lists. */
int scheduler_check(const struct oci_process *process, struct error *err) must_check;
