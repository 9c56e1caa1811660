/* AppArmor profile and SELinux label of the process. What is asked for and not active on
 * this machine fails: a container never runs less confined than its config says. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_process;

/* Parent: is what was asked for possible here? */
int labels_check(const struct oci_process *process, struct error *err) must_check;

/* Init, with a /proc in sight, before seccomp: takes effect at execve. proc_fd: an open
 * procfs in which "self" is the caller; -1: /proc. */
int labels_apply(
	const struct oci_process *process, int proc_fd, struct error *err) must_check;

/* The process of another, whose labels somebody else has set: fails unless they are these.
 * NULL and "": whatever they are. */
struct labels {
	const char *apparmor;
	const char *selinux;
};
int labels_expect(pid_t pid, const struct labels *labels, struct error *err) must_check;

/* For features and for mount labels. */
bool labels_apparmor_active(void);
bool labels_selinux_active(void);
