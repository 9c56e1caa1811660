/* The files of a checkpoint. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/* Lets the group read them, those of the parents too: in a user namespace criu opens them
 * as its root, whom the host knows as somebody who may not read root's files. */
int images_lend(int dir_fd, gid_t group, struct error *err) must_check;
