/* Files that stand for a namespace: /proc/PID/ns/KIND, or what such a one is mounted on. */
#pragma once

#include "base/macros.h"

/* Nothing is trusted about the path: opening a FIFO would block, opening a device would act.
 * Returns a descriptor, owned by the caller, and its kind (CLONE_NEW*, ret_kind may be NULL);
 * -1 with errno, EINVAL where there is something else. */
int namespace_open(const char *path, int *ret_kind) must_check;
