/*
 * Namespaces: which are made by the clone, which are joined, and in which order.
 *
 * Made by clone3 itself are all that it can make as init needs them. Not these: cgroup,
 * whose root is the caller's cgroup, so that init must have entered its own first; time
 * with offsets, which must be written while nobody is in it.
 * Joining a pid namespace concerns the next child only, so the parent does it around the
 * clone. Joining a user namespace cannot be undone, and what is made afterwards must
 * belong to it: then a relay process joins and clones init as its sibling (relay.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_config;

#define NAMESPACE_KINDS 8

struct namespace_join {
	int fd;
	int64_t type; /* CLONE_NEW* */
};

struct namespaces {
	uint64_t clone;   /* flags for clone3 */
	uint64_t unshare; /* what init makes itself, by unshare(2) */
	bool makes_user;  /* its id maps must be written */
	struct namespace_join joins[NAMESPACE_KINDS];
	size_t joins_count;
};

#define auto_namespaces __attribute__((cleanup(namespaces_free))) struct namespaces
void namespaces_free(struct namespaces *namespaces);

/* Opens and verifies what is to be joined. The struct owns the descriptors. */
int namespaces_plan(const struct oci_config *config, struct namespaces *ret,
	struct error *err) must_check;

bool namespaces_joins(const struct namespaces *namespaces, int64_t type);

/* The descriptor of the one to be joined, borrowed; -1 if none of the kind is. */
int namespaces_join_fd(const struct namespaces *namespaces, int64_t type);

/* Joins one kind, if it is among the joins. */
int namespaces_join_kind(
	const struct namespaces *namespaces, int64_t type, struct error *err) must_check;

/* Init, first: joins all but user and pid. */
int namespaces_join(const struct namespaces *namespaces, struct error *err) must_check;

/* Init, once it is in its cgroup and is user 0: makes the rest, with its offsets. Needs
 * the creator's /proc. */
int namespaces_unshare(const struct namespaces *namespaces,
	const struct oci_config *config, struct error *err) must_check;

/* Whether our root is another than our mount namespace's, which is what setns(2) leads to
 * and pivot_root(2) leaves alone then. False where we lack the privilege to find out. */
int namespaces_in_chroot(bool *ret, struct error *err) must_check;

/* Whether we and that process are in the same namespace of this kind. setns(2)
 * refuses to enter the user namespace that one is in. */
bool namespaces_shared(pid_t pid, int64_t type);

/* Of that process's namespace; 0 where the process, the right to look or the kind is
 * missing. Means something as long as the namespace lives. */
uint64_t namespaces_inode(pid_t pid, int64_t type);

/* Our pid as the creator numbers it, by the creator's procfs: its open directory, or -1 for
 * /proc, as long as nothing is mounted or joined. 0 where that is not known. */
pid_t namespaces_outer_pid(int proc_fd);
