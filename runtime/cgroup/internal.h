/* What the files of this room share and no other room needs. */
#pragma once

#include <sys/types.h>

#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/devices.h"
#include "runtime/cgroup/layout.h"
#include "runtime/cgroup/writes.h"

struct cgroup_plan {
	struct cgroup target;  /* the directories to be made */
	size_t *mount_lengths; /* of each: how much of its path is the mount point's */
	struct cgroup_layout layout;
	struct cgroup_writes writes;
	struct cgroup_devices devices;
	bool devices_v2; /* by eBPF; else they are among the writes */
	bool asked;      /* any limit but the built-in devices */
	bool named;      /* linux.cgroupsPath */
	bool rootless;
	bool delegate; /* version 2's directory to be owned by the container's user */
	uid_t uid;
	gid_t gid;
	/* the systemd driver's */
	char *slice;
	const struct oci_resources *resources; /* borrowed from config.json's struct */
	const struct pairs *annotations;       /* likewise */
};

void cgroup_add_dir(struct cgroup *to, const char *hierarchy, char *path, uint32_t made);

/* The directory that has a controller, in version 1; NULL where none has. */
const struct cgroup_dir *cgroup_dir_of(
	const struct cgroup *cgroup, const char *controller);
const struct cgroup_dir *cgroup_unified(const struct cgroup *cgroup);
/* One that tells which processes are in the container; NULL without any. */
const struct cgroup_dir *cgroup_main_dir(const struct cgroup *cgroup);

/* The processes of one directory and of those below it. */
int cgroup_pids_in(
	const char *path, struct cgroup_pids *ret, struct error *err) must_check;

/* path/sub where ".." in sub does not climb over path. Owned by the caller. */
char *cgroup_join_below(const char *path, const char *sub);

/* One directory of version 1, ready to be entered. */
int cgroup_make_v1(const struct cgroup_mount *mount, const char *path, uint32_t *ret_made,
	struct error *err) must_check;

/* Removes what cgroup_create() made, newest first. For undo: keeps silent. */
void cgroup_undo(const struct cgroup *cgroup);

/* Hierarchies, limits and devices of the plan; by both drivers. */
int cgroup_apply_limits(const struct cgroup_plan *plan, const struct cgroup *cgroup,
	struct error *err) must_check;

/* Fails where the directory has processes; one that is absent has none. */
int cgroup_expect_unused(const char *path, struct error *err) must_check;

/* Fails where what joins it would be frozen at once. */
int cgroup_expect_thawed(const struct cgroup *cgroup, struct error *err) must_check;

/* Makes the controllers of version 2 usable below: writes cgroup.subtree_control from
 * the mount point down to the parent of `path`. */
int cgroup_enable_controllers(const struct cgroup_plan *plan, const char *mount,
	const char *path, struct error *err) must_check;

/* The systemd driver (systemd.c): the names in the plan, then the scope. */
int cgroup_systemd_plan(struct cgroup_plan *plan, const char *cgroups_path,
	const char *id, struct error *err) must_check;
int cgroup_systemd_start(const struct cgroup_plan *plan, pid_t pid, struct cgroup *cgroup,
	struct error *err) must_check;
int cgroup_systemd_stop(const struct cgroup *cgroup, struct error *err) must_check;
/* Has systemd move the caller into the scope. */
int cgroup_systemd_attach(const struct cgroup *cgroup, struct error *err) must_check;
/* Tells systemd of new limits, so that it does not put the old ones back. */
int cgroup_systemd_update(const struct cgroup *cgroup,
	const struct oci_resources *resources, struct error *err) must_check;
