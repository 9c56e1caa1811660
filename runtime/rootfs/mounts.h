/*
 * Doing the planned mounts, in the order of config.json; those on "/" before all others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/rootfs/mount_plan.h"

/* What the mounts stand on, and what they change of it. */
struct mounts {
	const char *bundle;
	const char *root_path; /* the creator's name of the root directory */
	const char *label;     /* linux.mountLabel or NULL */
	bool names_hidden;     /* the root covers the creator's "/": look up no source */
	uint64_t namespaces;   /* CLONE_NEW*: those that are not the creator's */
	bool shares_with_creator;  /* see attach.h */
	unsigned long propagation; /* for mounts that ask for none */
	int root_fd;               /* replaced by a mount on "/"; owned */
	int proc_fd; /* of the first procfs mounted on /proc; owned, or -1 */
};

int mounts_apply(struct mount_plan *plans, size_t count, struct mounts *mounts,
	struct error *err) must_check;

/* The first half of it: only those on "/". */
int mounts_apply_on_root(struct mount_plan *plans, size_t count, struct mounts *mounts,
	struct error *err) must_check;

/* "ro" of mounts that had to be written to first. */
int mounts_finish(struct mount_plan *plans, size_t count, struct error *err) must_check;

/* Those with a propagation of their own get it once more, after all of them got another. */
int mounts_propagate_again(const struct mounts *mounts, const struct mount_plan *plans,
	size_t count, struct error *err) must_check;
