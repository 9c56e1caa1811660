/*
 * One mount of config.json, understood: its options sorted into what the kernel's calls
 * want, its paths made absolute. Pure: nothing is opened or changed here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "runtime/rootfs/idmap_option.h"

struct oci_config;
struct oci_mount;

enum mount_plan_kind {
	MOUNT_PLAN_BIND,       /* what `source` names, a second time */
	MOUNT_PLAN_FILESYSTEM, /* a new one of `type` */
	MOUNT_PLAN_CGROUPS,    /* the container's cgroups, in the machine's layout */
	MOUNT_PLAN_REMOUNT,    /* other options for what is mounted there */
};

struct mount_plan {
	const struct oci_mount *mount; /* borrowed */
	size_t index;                  /* of /mounts/N */
	enum mount_plan_kind kind;
	char *destination; /* absolute and clean; symbolic links are not resolved */
	char *source;      /* of a bind: absolute. Otherwise as it stands, or the type */
	const char *type;  /* of a file system */

	uint64_t set, clear;                     /* MOUNT_ATTR_* of this mount */
	uint64_t recursive_set, recursive_clear; /* and of all below */
	struct strings superblock;      /* words for all of the file system: "sync" */
	unsigned long superblock_flags; /* their MS_* for mount(2) */
	struct strings data;            /* the file system's own: "size=64m" */

	bool on_root;         /* destination "/": stacks on the root, before all others */
	bool bind_recursive;  /* rbind */
	bool idmap;           /* either of the two words, or mappings of its own */
	bool idmap_recursive; /* ridmap */
	/* idmap=…; empty: the mount's own, or inherited. */
	struct idmap_option idmap_words;
	bool copy_up;
	bool copy_symlink;
	bool source_nofollow;
	bool destination_nofollow;
	bool late_read_only; /* "ro" comes last: mount points and devices go in first */
	bool has_propagation;

	/* Opened on the way, -1 until then. */
	int tree_fd;   /* the creator's, detached: a bind's source, or a view */
	int userns_fd; /* the id mappings */
	int late_fd;   /* the mount that late_read_only is for */
};

/* config->mounts; the array is owned by the caller. */
int mount_plans_make(const struct oci_config *config, const char *bundle,
	struct mount_plan **ret, size_t *ret_count, struct error *err) must_check;
void mount_plans_free(struct mount_plan *plans, size_t count);

/* The options that have the form KEY=...: what follows the "="; NULL where none has. */
const char *mount_plan_value(const struct mount_plan *plan, const char *key);

/* A file system that shows a namespace: that of who makes it, who has to own it. */
struct mount_view {
	const char *type;
	uint64_t namespace;   /* CLONE_NEW* */
	const char *creators; /* where the creator has it */
};

/* NULL for all others. */
const struct mount_view *mount_plan_view(const struct mount_plan *plan);

/* "tmpfs on /run", for errors and explanations; owned by the caller. */
char *mount_plan_describe(const struct mount_plan *plan);

/* Each option that sets propagation, in order. */
void mount_plan_each_propagation(const struct mount_plan *plan,
	void (*each)(void *argument, unsigned long flag, bool recursive), void *argument);
