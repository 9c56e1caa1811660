/*
 * Putting a mount where it belongs, with its attributes and propagation. On kernels with
 * descriptors for mounts the mount is complete before it is attached; before Linux 5.2 it
 * is made on the spot by mount(2) and looked at afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/rootfs/mount_plan.h"

/* Where, and how the container's root wants it. */
struct attach_place {
	int root_fd;
	int target_fd;
	bool target_made; /* it was not there before */
	const char *destination;
	const char *root_path; /* the creator's name of the root, for destination "/" */
	bool nofollow;         /* the destination is the link itself */
	/* For mounts that ask for none: MS_SHARED | MS_REC ... */
	unsigned long propagation;
	bool shares_with_creator; /* a tree opened by the creator stays in its peer group */
};

/* A detached mount with the plan's attributes and propagation. */
int attach_tree(const struct mount_plan *plan, int tree_fd,
	const struct attach_place *place, struct error *err) must_check;

/* Binds by mount(2) what source_fd (O_PATH) is open on. ret_fd: the mount. */
int attach_bind_classic(const struct mount_plan *plan, int source_fd,
	const struct attach_place *place, int *ret_fd, struct error *err) must_check;

/* After a mount(2) on the target: opens what is mounted there now, and verifies that it
 * is not the target itself. */
int attach_reopen(
	const struct attach_place *place, int *ret_fd, struct error *err) must_check;

/* Attributes of a mount that is attached; for a fresh one only what mount(2) or fsmount()
 * did not set already. */
int attach_attributes(
	const struct mount_plan *plan, int fd, struct error *err) must_check;
int attach_propagation(const struct mount_plan *plan, int fd,
	const struct attach_place *place, struct error *err) must_check;

/* Makes an attached mount read-only, with more attributes (MOUNT_ATTR_*; 0: nothing else). */
int attach_read_only(int fd, uint64_t more, struct error *err) must_check;
