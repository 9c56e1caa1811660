/* exec, the new process's side: into the container, and on to its program. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/exec/exec.h"

no_return void join_main(struct joining *joining);

/* Parent: clones a relay, which enters all namespaces and clones the new process; sets
 * joining->pid and pidfd. */
int join_relay(struct joining *joining, struct error *err) must_check;

/* In a paused container: waits until the new process says something, or gives it up, *pid
 * then being nobody to wait for. */
int exec_await(const struct joining *joining, pid_t *pid, struct error *err) must_check;
