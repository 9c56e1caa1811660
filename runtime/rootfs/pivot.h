/* Making a directory of this mount namespace the root of the caller: by pivot_root(2), by
 * moving it over "/" (on an initramfs, which cannot be left), or by chroot(2) alone. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* Each leaves the caller in "/" of its new root. */
int pivot_root_into(int root_fd, struct error *err) must_check;
int pivot_by_move(int root_fd, struct error *err) must_check;
int pivot_by_chroot(int root_fd, struct error *err) must_check;
