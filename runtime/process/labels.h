/* AppArmor profile and SELinux label of the process. What is asked for and not active on
 * this machine, or unknown to its policy, fails: a container never runs less confined than
 * its config says. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_process;

/* Whether any is asked for. */
bool labels_wanted(const struct oci_process *process);

/* Parent: is what was asked for possible here? */
int labels_check(const struct oci_process *process, struct error *err) must_check;

/* The same for a profile or a label by itself; what: where it is asked for. */
int labels_check_apparmor(
	const char *what, const char *profile, struct error *err) must_check;
int labels_check_selinux(
	const char *what, const char *label, struct error *err) must_check;

/* Init, with a /proc in sight: takes effect at each execve from here on, that of a hook's
 * program too. proc_fd: an open procfs in which "self" is the caller; -1: /proc. */
int labels_apply(
	const struct oci_process *process, int proc_fd, struct error *err) must_check;

/* Keys that the caller makes from here to its execve have the process's label. */
int labels_apply_keys(
	const struct oci_process *process, int proc_fd, struct error *err) must_check;

/* The process of another, whose labels somebody else has set: fails unless they are these.
 * NULL and "": whatever they are. */
struct labels {
	const char *apparmor;
	const char *selinux;
};
int labels_expect(pid_t pid, const struct labels *labels, struct error *err) must_check;

bool labels_apparmor_active(void);
bool labels_selinux_active(void);
