/* The session keyring of a container: one of its own, shared by all that is executed in
 * it, so that the caller's keys stay the caller's. It has the process's SELinux label. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct oci_process;

/* proc_fd: as for labels_apply(). */
int keyring_join(const char *id, const struct oci_process *process, int proc_fd,
	struct error *err) must_check;
