/* The place of a mount in a container that lives: what was there before, whether something
 * is mounted on it, and taking that away. All by descriptors beneath the root. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct mount_plan;

struct live_point {
	char *destination;
	char *missing; /* the first part of it that did not exist; NULL: it all did */
	bool nofollow;
	bool mounted;
};

void live_points_free(struct live_point *points, size_t count);

/* Before something is mounted there. */
void live_point_note(int root_fd, const char *destination, struct live_point *ret);

/* numbers_fd is /proc/self/fd of a procfs that the container has no hand in. -1 with errno;
 * what is busy is detached. */
int live_point_unmount(int root_fd, int numbers_fd, const struct live_point *point);

/* Removes what was not there when it was noted, as far as it is empty. */
void live_point_unmake(int root_fd, const struct live_point *point);

/* Fails unless something is mounted exactly there. */
int live_point_expect_mount(
	int root_fd, const struct mount_plan *plan, struct error *err) must_check;
