/*
 * Our own binary, out of the container's reach: a process inside sees the runtime's file
 * as /proc/PID/exe, and what is executed as "#!/proc/self/exe" is the host's program, to
 * be written to once nobody executes it. So whoever enters a container does so from a
 * read-only, detached mount of the file, or else from a sealed copy in memory.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* Executes ourselves once more from such a place, with the same arguments; returns if we
 * are there already, or if nobody inside could write to the file anyway. First thing of a
 * command: nothing may be open that must survive. */
int protect_self(struct error *err) must_check;

/* A descriptor of the same program in such a place, for execveat(2). */
int protect_file(int file, const char *name, int *ret_fd, struct error *err) must_check;
