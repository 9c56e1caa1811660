/*
 * Adding to an OCI layout that is somebody's already: what is new is made in a directory of
 * its own inside, and moved over when all of it is there. The layout is locked meanwhile,
 * against another of us; a failure leaves it as it was.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* Waits for the lock, which is layout_fd's; *ret_fd is an empty directory to make a
 * layout in. */
int layout_stage_begin(int layout_fd, int *ret_fd, struct error *err) must_check;
int layout_stage_commit(int layout_fd, int stage_fd, struct error *err) must_check;
/* After either end; what was moved stays. */
void layout_stage_remove(int layout_fd);
