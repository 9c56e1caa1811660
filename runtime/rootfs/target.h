/*
 * Where a mount goes: its destination opened beneath the container's root, made if it is
 * not there. Symbolic links of the image are followed inside the root only; for procfs
 * and sysfs none is.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

enum target_flags {
	TARGET_DIRECTORY =
		0,           /* what is made if it is missing, and must be if it is not */
	TARGET_FILE = 1,     /* anything but a directory */
	TARGET_NOFOLLOW = 2, /* the last component may be a link, and is meant itself */
	TARGET_NO_SYMLINKS = 4, /* no component may be one: /proc, /sys */
};

struct target {
	int fd;    /* O_PATH */
	bool made; /* it was not there before */
};

int target_open(int root_fd, const char *destination, enum target_flags flags,
	struct target *ret, struct error *err) must_check;

/* Opens or makes the directory that the destination is in. */
int target_open_parent(
	int root_fd, const char *destination, int *ret_fd, struct error *err) must_check;
