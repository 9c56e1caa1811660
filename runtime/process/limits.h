/* Resource limits of the process and its place in the queue of the OOM killer. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_process;

/* Those of the caller, which execve keeps. Before the change of user: raising a hard
 * limit needs CAP_SYS_RESOURCE. */
int limits_rlimits(const struct oci_process *process, struct error *err) must_check;

/* pid 0: the caller. Needs the host's /proc; lowering needs CAP_SYS_RESOURCE in the
 * initial user namespace, so that the parent does it for an init in a new one. */
int limits_oom_score_adj(
	const struct oci_process *process, pid_t pid, struct error *err) must_check;
