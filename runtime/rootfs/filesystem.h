/*
 * New file systems: by fsopen(2) and its kin, so that what comes out is a descriptor that
 * nobody could exchange, and the kernel tells what it dislikes; by mount(2) where the
 * kernel is older or an option is longer than fsconfig(2) takes.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/rootfs/attach.h"
#include "runtime/rootfs/mount_plan.h"

/* Makes the plan's file system and attaches it to the place; ret_fd is its root. `label`:
 * SELinux context for its files, or NULL. */
int filesystem_mount(const struct mount_plan *plan, const struct attach_place *place,
	const char *label, int *ret_fd, struct error *err) must_check;

/* Makes it and leaves it detached. For those that take no label, and none of whose options
 * depends on the place. */
int filesystem_make(
	const struct mount_plan *plan, int *ret_fd, struct error *err) must_check;

/* The two ways, for overlays, which have their own. The context is one of fsopen() on
 * which all options are set. */
int filesystem_create(const struct mount_plan *plan, int fs_fd, int *ret_fd,
	struct error *err) must_check;
int filesystem_mount_classic(const struct mount_plan *plan, const char *data,
	const struct attach_place *place, int *ret_fd, struct error *err) must_check;

/* Sets the flags of the superblock, and the options of `plan` of which want() says so
 * (NULL: all). */
int filesystem_configure(const struct mount_plan *plan, int fs_fd,
	bool (*want)(const char *option), struct error *err) must_check;

int filesystem_set_label(int fs_fd, const char *label, struct error *err) must_check;

/* fail_errno() with what the kernel wrote about this context. */
int filesystem_fail(int fs_fd, const char *what, struct error *err);

/* An option is at most this long for fsconfig(2), with its end. */
#define FILESYSTEM_VALUE_MAX 256
