/*
 * Creating a container, init's side: from the clone to the user's program.
 *
 *	enter      cgroup, namespaces, user 0 in them, host name
 *	mount      the file system; hooks; terminal; pivot
 *	settle     keyring, controlling terminal, limits, the program's path
 *	wait       for `start`, or for run's word
 *	become     startContainer hooks, identity, filters, execve
 */
#pragma once

#include "base/macros.h"
#include "runtime/create.h"

/* What init must not have: by a relay before it makes init, else by init itself, first. */
void init_let_go(struct creation *creation);

no_return void init_main(struct creation *creation);
