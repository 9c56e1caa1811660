/* exec, the relay's and the new process's side: into the container, and on to its program. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/exec/exec.h"

/* Parent: clones a relay, which enters all namespaces and clones the new process; sets the
 * birth's pid and pidfd. */
int join_relay(struct joining *joining, struct error *err) must_check;

/* After a failure, which it returns: if it was a signal that asks us to end, *pid is killed
 * and nobody to wait for any more. */
int exec_abandon(const struct joining *joining, pid_t *pid, struct error *err) must_check;
