/*
 * The container's cgroups, for the rest of the runtime: planned from config.json without
 * side effects, made with their limits, entered, frozen, signalled, measured, removed.
 *
 * A machine has one hierarchy (version 2), several (version 1, one per controller or
 * group of controllers), or both beside each other (hybrid). The container has one
 * directory in each of them, at the same path; struct cgroup lists those directories and
 * is what state.json keeps.
 *
 *	parent                                         init
 *	cgroup_plan     pure: where and what
 *	cgroup_create   directories and limits
 *	cgroup_clone_fd for CLONE_INTO_CGROUP
 *	                                               cgroup_enter   first thing it does
 *	cgroup_adopt    systemd driver only
 *	                                               unshare(CLONE_NEWCGROUP)
 *
 * CLONE_NEWCGROUP cannot be a flag of the clone itself: the kernel takes the cgroup of
 * the caller, not the one cloned into, as the root of the new namespace.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/str.h"

struct oci_config;
struct oci_resources;

enum cgroup_driver {
	CGROUP_DRIVER_CGROUPFS, /* we make the directories */
	CGROUP_DRIVER_SYSTEMD,  /* systemd makes a scope for us */
	CGROUP_DRIVER_DISABLED, /* the container stays where its creator is */
};

extern const struct word cgroup_driver_words[]; /* of --cgroup-manager */

/* Whether there is the systemd driver: in this executable or in its twin. */
bool cgroup_has_systemd(void);

/* Returns in an executable that has the systemd driver: another executes its twin, with the
 * same arguments, and all of a command begins again. So before a command's first act; what
 * is open and locked is not inherited. */
int cgroup_need_systemd(struct error *err) must_check;

/* One directory of the container. */
struct cgroup_dir {
	char *hierarchy; /* "unified", or version 1's controllers: "cpu,cpuacct" */
	char *path;      /* "/sys/fs/cgroup/memory/mocker/web" */
	uint32_t made;   /* how many directories, from the leaf upwards, are ours */
};

/* What state.json keeps. Empty (no dirs) for the disabled driver, and for a rootless
 * container that may not make cgroups and asked for no limits. */
struct cgroup {
	int64_t driver; /* enum cgroup_driver */
	char *unit;     /* systemd's scope, else NULL */
	bool user;      /* that of the user's manager, not of the system's */
	struct cgroup_dir *dirs;
	size_t dirs_count;
};

extern const struct json_type cgroup_type;

#define auto_cgroup __attribute__((cleanup(cgroup_free))) struct cgroup

void cgroup_free(struct cgroup *cgroup);

/* ---- creation ---------------------------------------------------------------------- */

struct cgroup_plan;

#define auto_cgroup_plan __attribute__((cleanup(cgroup_plan_free))) struct cgroup_plan *

struct cgroup_request {
	const char *id;
	enum cgroup_driver driver;
	bool rootless;    /* permission denied is no failure where no limits were asked */
	const char *root; /* for tests: stands for "/"; NULL */
};

/* Reads where the hierarchies are, and checks everything that can be checked before the
 * first mkdir. Owned by the caller. */
int cgroup_plan(const struct oci_config *config, const struct cgroup_request *request,
	struct cgroup_plan **ret, struct error *err) must_check;
void cgroup_plan_free(struct cgroup_plan *const *plan);

/* Each directory and each write as a line, for people. */
void cgroup_plan_describe(const struct cgroup_plan *plan, struct str *to);

/* What cgroup_create() is going to make, to be written down before it does. */
int cgroup_intended(
	const struct cgroup_plan *plan, struct cgroup *ret, struct error *err) must_check;

/* Makes the directories and writes the limits; on failure nothing is left. Does nothing
 * where the plan has none or systemd makes them. */
int cgroup_create(
	const struct cgroup_plan *plan, struct cgroup *ret, struct error *err) must_check;

/* The version 2 directory to clone into; -1 (and success) where there is none. */
int cgroup_clone_fd(
	const struct cgroup *cgroup, int *ret_fd, struct error *err) must_check;

/* Moves the calling process, which must have one thread, into the version 1 directories,
 * and with CGROUP_ENTER_UNIFIED into the version 2 one too (where it was not cloned into
 * it). To be called first: it needs the host's view of /sys/fs/cgroup and the identity
 * of the creator. */
enum cgroup_enter { CGROUP_ENTER_V1 = 0, CGROUP_ENTER_UNIFIED = 1 };
int cgroup_enter(const struct cgroup *cgroup, enum cgroup_enter flags,
	struct error *err) must_check;

/* The systemd driver puts a process that exists into its scope: true if cgroup_adopt()
 * must be called between clone and whatever init does with cgroups. */
bool cgroup_wants_adopt(const struct cgroup_plan *plan);
int cgroup_adopt(const struct cgroup_plan *plan, pid_t pid, struct cgroup *cgroup,
	struct error *err) must_check;

/* For exec --cgroup: the directories below the container's own, as "PATH" (all) or
 * "CONTROLLER[,CONTROLLER]:PATH". They must exist. */
int cgroup_below(const struct cgroup *cgroup, const struct strings *below,
	struct cgroup *ret, struct error *err) must_check;

/* ---- life -------------------------------------------------------------------------- */

/* Waits until the kernel says that all are frozen. */
int cgroup_freeze(const struct cgroup *cgroup, struct error *err) must_check;
int cgroup_thaw(const struct cgroup *cgroup, struct error *err) must_check;
/* What was frozen in directories below, too: version 1 lets nobody die who is frozen. */
void cgroup_thaw_below(const struct cgroup *cgroup);
bool cgroup_is_frozen(const struct cgroup *cgroup);
/* The directory in which they are frozen; NULL without one. Borrowed. */
const char *cgroup_freezer(const struct cgroup *cgroup);
/* Whose state it is that keeps it frozen: its own directory, or one above, which is not
 * ours to thaw. NULL where it is not frozen. Owned by the caller. */
char *cgroup_frozen_by(const struct cgroup *cgroup);
/* False for the disabled driver: nothing can be frozen or listed. */
bool cgroup_exists(const struct cgroup *cgroup);

/* Every process in the container's directories and those below. Owned by the caller. */
struct cgroup_pids {
	pid_t *items;
	size_t count;
	bool hidden; /* there are others, of PID namespaces that are not below ours */
};

#define auto_cgroup_pids __attribute__((cleanup(cgroup_pids_free))) struct cgroup_pids

void cgroup_pids_free(struct cgroup_pids *pids);
void cgroup_pids_add(struct cgroup_pids *pids, pid_t pid);
bool cgroup_pids_have(const struct cgroup_pids *pids, pid_t pid);
int cgroup_pids(const struct cgroup *cgroup, struct cgroup_pids *ret,
	struct error *err) must_check;

/* Signals every process; none is forked past it. Thaws after SIGKILL. */
int cgroup_signal(
	const struct cgroup *cgroup, int signal_number, struct error *err) must_check;

/* Removes the directories, waiting up to timeout_ms for processes that are leaving; the
 * error says what holds them. What is gone already is success. */
int cgroup_remove(
	const struct cgroup *cgroup, int timeout_ms, struct error *err) must_check;

/* ---- limits and figures ------------------------------------------------------------ */

int cgroup_update(const struct cgroup *cgroup, const struct oci_resources *resources,
	struct error *err) must_check;

/* Appends the "data" object of `events --stats`. */
int cgroup_stats(
	const struct cgroup *cgroup, struct str *to, struct error *err) must_check;

/* A descriptor to poll for POLLIN | POLLPRI; cgroup_oom_count() then acknowledges it and
 * says how many times the container ran out of memory up to now. */
struct cgroup_oom {
	int fd;         /* eventfd (version 1) or inotify (version 2) */
	int control_fd; /* memory.oom_control (version 1), memory.events (version 2) */
	bool unified;
	uint64_t count;
};
int cgroup_oom_open(const struct cgroup *cgroup, struct cgroup_oom *ret,
	struct error *err) must_check;
int cgroup_oom_count(struct cgroup_oom *oom, uint64_t *ret, struct error *err) must_check;
void cgroup_oom_close(struct cgroup_oom *oom);

/* How many of its processes the kernel has killed for want of memory. */
uint64_t cgroup_oom_kills(const struct cgroup *cgroup);
