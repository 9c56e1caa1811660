/*
 * The container's file system, from config.json to the root that its process sees.
 *
 *	parent                               init, in its mount namespace
 *	rootfs_plan   pure: checks, parses
 *	rootfs_open   opens what needs the
 *	              creator's privileges
 *	(clone: the plan and its descriptors are just there)
 *	                                     rootfs_enter   root, mounts, devices
 *	                                     (console, createContainer hooks)
 *	                                     rootfs_pivot   "/" is the container's;
 *	                                                    sysctls, masks, read-only
 *
 * No path is followed by name beneath the container's root, which an image controls: each
 * destination is opened in the root (base/path.h), and mounts are attached to descriptors.
 * Init must be user 0 of its user namespace by then, and in its cgroup namespace if it
 * gets one. Everything that init mounts ends with its mount namespace; the parent leaves
 * nothing behind but descriptors.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

struct oci_config;
struct rootfs;

struct rootfs_request {
	const struct oci_config *config; /* borrowed for the plan's life */
	const char *bundle; /* absolute; relative paths of config are in it */
	bool no_pivot;      /* move the root over "/" instead of pivot_root(2) */
};

#define auto_rootfs __attribute__((cleanup(rootfs_free))) struct rootfs *

/* Errors name the member: "/mounts/3/options/2: ...". Owned by the caller. */
int rootfs_plan(const struct rootfs_request *request, struct rootfs **ret,
	struct error *err) must_check;
void rootfs_free(struct rootfs *const *rootfs);

/* Each step as a line, for people: those of rootfs_enter() and of rootfs_pivot(). */
void rootfs_describe_mounts(const struct rootfs *rootfs, struct str *to);
void rootfs_describe_pivot(const struct rootfs *rootfs, struct str *to);

int rootfs_open(struct rootfs *rootfs, struct error *err) must_check;
/* A relay, in the namespaces that are joined: see sources_open_views(). */
void rootfs_open_views(struct rootfs *rootfs);

int rootfs_enter(struct rootfs *rootfs, struct error *err) must_check;
int rootfs_pivot(struct rootfs *rootfs, struct error *err) must_check;

/* For a restore, in a mount namespace that is already detached from the creator's: puts
 * the root, with what config.json mounts on "/" itself, on a directory, whose name is
 * borrowed. */
int rootfs_attach_root(
	struct rootfs *rootfs, const char *place, struct error *err) must_check;

/* After rootfs_enter(): the container's "/" (O_PATH), to be used with the _in_root
 * functions of base/path.h. Borrowed. */
int rootfs_root_fd(const struct rootfs *rootfs);

/* A procfs in which "self" is the caller: the container's own where it mounts one, else
 * the creator's. Usable before and after the pivot, whatever is masked. Borrowed. */
int rootfs_proc_fd(const struct rootfs *rootfs);
