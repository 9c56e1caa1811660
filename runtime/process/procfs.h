/* What /proc says of one process, for those who tell a person about it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* /proc/PID/FILE, of at most some megabytes; NULL where the process or the right to read
 * it is gone. Owned by the caller. */
char *procfs_read(pid_t pid, const char *file);

/* The words after "NAME:" in /proc/PID/status. NULL where there is none. Owned by the
 * caller. */
char *procfs_field(const char *status, const char *name);
uint64_t procfs_number(const char *status, const char *name, int base); /* 0: absent */

/* Appends "123 (name, state D in nfs_wait_bit_killable)": what it does not end for. */
void procfs_describe(pid_t pid, struct str *to);

/* The command line with spaces between the words, or "[NAME]" of a process without one;
 * what a terminal would take for a command of its own is shown as "?". Owned by the
 * caller. */
char *procfs_command(pid_t pid);
