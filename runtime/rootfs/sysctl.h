/*
 * Kernel parameters of the namespaces that the container has for itself.
 * Source: OCI runtime-spec 1.3.0, config-linux.md: Sysctl.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* Writes each beneath /proc/sys, given as an open directory of a procfs. Names are
 * separated as sysctl(8) has it: by whichever of "." and "/" comes first. */
int sysctl_apply(
	const struct pairs *sysctl, int proc_sys_fd, struct error *err) must_check;
