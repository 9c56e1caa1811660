/* The place of a mount in a container that lives: what was there before, whether something
 * is mounted on it, and taking that away. All by descriptors beneath the root. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct mount_plan;

/* Of a fixed size, to lie in memory that processes share. */
struct live_point {
	bool noted;
	int mount_id; /* of the mount that it, or its existing part, was in; -1: unknown */
	size_t missing; /* length of its first part that did not exist; 0: it all did */
};

/* Where all looking up begins. self_fd is /proc/self of a procfs that the container has no
 * hand in. */
struct live_root {
	int root_fd;
	int self_fd;
};

/* Before something is mounted there. */
void live_point_note(const struct live_root *root, const struct mount_plan *plan,
	struct live_point *ret);

/* Takes away what was not there when it was noted: a mount, and then directories or a
 * file, as far as they are empty. */
void live_point_undo(const struct live_root *root, const struct mount_plan *plan,
	const struct live_point *point);

/* Fails unless something is mounted exactly there. */
int live_point_expect_mount(
	int root_fd, const struct mount_plan *plan, struct error *err) must_check;

/* -1 with errno; what is busy is detached. */
int live_point_unmount(const struct live_root *root, const struct mount_plan *plan);
