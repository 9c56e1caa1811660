/*
 * One container on disk: ROOT/ID, its lock, its state.json, and what can be verified of
 * it at this moment.
 *
 *	state.json   struct container_state, replaced atomically
 *	config.json  a copy of the bundle's, as it was at create
 *	starting     the socket that init listens on, until init is ready for `start`
 *	start        the same from then on; gone once started
 *
 * The directory itself is the lock (flock): creators and changers hold it, readers do not
 * need it, so that a hook may ask for the state of the container that it is called for.
 *
 *	creating ──▶ created ──▶ running ◀──▶ paused
 *	    └───────────┴───────────┴───────────┴──▶ stopped ──▶ (removed)
 *
 * No status is ever written down: it follows from the process (pid and start time), the
 * socket's name and the freezer, which kill -9 of anybody leaves telling the truth.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/macros.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/resctrl.h"
#include "spec/config.h"
#include "spec/state.h"

struct container_state {
	char *oci_version;
	char *id;
	int32_t pid;         /* 0 before clone */
	uint64_t start_time; /* of the pid, as process_stat() has it */
	char *bundle;
	char *rootfs;
	char *created;
	struct pairs annotations;
	struct cgroup cgroup;
	struct resctrl resctrl;
	struct strings descriptors; /* what 0, 1 and 2 were; see criu/descriptors.h */
	bool shares_pids;           /* no pid namespace of its own dies with init */
	bool keep_keyring;          /* --no-new-keyring */
	bool in_chroot;             /* its root is not that of its mount namespace */
	bool systemd_cgroup;
};

struct container {
	char *root;  /* the directory of all containers */
	int root_fd; /* the same */
	int dir_fd;  /* ROOT/ID; holds the lock if one was taken */
	int pidfd;   /* of the first process, if it lived when this was opened; else -1 */
	uid_t owner; /* of ROOT/ID */
	struct container_state state;
};

#define CONTAINER_NONE                                   \
	{                                                \
		.root_fd = -1, .dir_fd = -1, .pidfd = -1 \
	}
#define auto_container __attribute__((cleanup(container_free))) struct container
void container_free(struct container *container);

/* 1 to 255 of letters, digits, "_+.-", and neither "." nor "..". */
int container_check_id(const char *id, struct error *err) must_check;

/* Fails if the id is no id, or is taken. */
int container_expect_none(const char *root, const char *id, struct error *err) must_check;

/* Makes ROOT/ID, exclusively and locked. */
int container_make(const char *root, const char *id, struct container *ret,
	struct error *err) must_check;

enum container_open {
	CONTAINER_READ,    /* no lock */
	CONTAINER_CHANGE,  /* locked; waits a while for another command to end */
	CONTAINER_REMNANT, /* locked; may have no state.json: what a killed create left */
};

/* Fails with errnum ENOENT and "container does not exist" where there is none, and where it
 * cannot be told whether the first process lives: nobody may take it for ended then. */
int container_open(const char *root, const char *id, enum container_open how,
	struct container *ret, struct error *err) must_check;

/* Whether both are the same directory, and not one that was made anew under its name. */
bool container_same(const struct container *a, const struct container *b);

int container_save(const struct container *container, struct error *err) must_check;
int container_config(const struct container *container, struct oci_config *ret,
	struct error *err) must_check;

/* Removes ROOT/ID; the last step of every delete. */
int container_remove(const struct container *container, struct error *err) must_check;

/* The pidfd of the first process, borrowed; -1 once it has ended. */
int container_process(const struct container *container);
/* Whether it has ended, or does now: what a process had goes before it can be seen to have
 * ended. Waits for 0.1 s at most. */
bool container_ends(const struct container *container);
enum container_status container_status(const struct container *container);
const char *container_status_word(enum container_status status);

/* Every process of the container that can be told: container_pids.c. Owned by the caller. */
int container_pids(const struct container *container, struct cgroup_pids *ret,
	struct error *err) must_check;
/* To have no process any more is no failure. */
int container_signal_all(
	const struct container *container, int number, struct error *err) must_check;

/* What `state` prints and hooks read. Owned by the caller. */
void container_describe(const struct container *container, enum container_status status,
	struct oci_state *ret);

/* The name of a user of the host, or the number in digits. As runc, by /etc/passwd alone: a
 * directory service's module cannot be loaded into a static executable, and is not worth
 * waiting for in each `list`. Owned by the caller. */
char *container_user_name(uid_t uid);

/* The ids beneath root, sorted; no root is no containers. */
int container_ids(const char *root, struct strings *ret, struct error *err) must_check;
