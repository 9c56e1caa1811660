/* Resolution beneath a root by hand, for kernels without openat2 (before 5.6) and where a
 * seccomp profile hides it. Only base/path.c calls it; tests do too. */
#pragma once

#include <sys/types.h>

/* As path_try_open_in_root(): a descriptor or -1 with errno. */
int path_walk_open(int root_fd, const char *path, int flags, mode_t mode);
