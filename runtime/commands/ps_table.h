/* The processes of a container as `ps -ef` prints them, without a ps(1). */
#pragma once

#include "base/str.h"
#include "runtime/cgroup/cgroup.h"

/* Appends a title and a line for each that has not ended meanwhile. */
void ps_table(const struct cgroup_pids *pids, struct str *to);
