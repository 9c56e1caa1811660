/*
 * Another process in a container that exists.
 *
 *	parent                        relay                     the new process
 *	plan: process, filter, pidfd
 *	clone
 *	                              cgroup, namespaces, root
 *	                              clone, as its sibling
 *	                              STAGE_CLONED: pidfd
 *	                                                        terminal, settle
 *	                                                        STAGE_TERMINAL: fd
 *	pid file, pidfd
 *	STAGE_RECORDED
 *	                                                        execute_program
 *	(end of file)
 *
 * The relay is out of the container's sight. Who is born in it has the container's root, and
 * nothing by which a process that may trace others comes to the host: no descriptor of the
 * host's directories, no environment of the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "runtime/birth.h"
#include "runtime/container.h"
#include "runtime/process/execute.h"

struct tools;

struct exec_request {
	const struct container *container; /* borrowed, all of these */
	const struct oci_config *config;
	const struct oci_process *process;
	const char *filter_cache; /* for seccomp_prepare() */
	const struct strings *cgroups;
	struct birth_request birth;
	uint32_t preserve_fds;
	bool seccomp_log;
	bool paused; /* the container is: it may take long, see exec_abandon() */
	const struct tools *tools; /* exec --tools; NULL: a process like the others */
};

/* What the new process is born with. */
struct joining {
	const struct exec_request *request;
	struct execute execute;
	struct seccomp_filter filter;
	struct oci_state state; /* the container's, for a listener */
	struct cgroup cgroup;
	int cgroup_fd;  /* to clone into; -1 */
	int target;     /* pidfd of the container's first process */
	int root;       /* its root, where no mount namespace leads to that; -1 */
	int proc;       /* our own procfs, where labels or a listener need it; else -1 */
	int namespaces; /* CLONE_NEW*: what it has other than we, without pid and user */
	bool joins_pid;
	bool joins_user;
	struct birth birth;
};

#define JOINING_NONE                                                          \
	{                                                                     \
		.filter = SECCOMP_FILTER_NONE, .cgroup_fd = -1, .target = -1, \
		.root = -1, .proc = -1, .birth = BIRTH_NONE                   \
	}
#define auto_joining __attribute__((cleanup(joining_free))) struct joining
void joining_free(struct joining *joining);

/* Comes back once the program is executed. The caller then has its birth: pid, pidfd and, of
 * a foreground terminal, its master. On failure no process is left, or after a signal one that
 * is killed: in a paused container it ends with the pause. */
int exec_container(const struct exec_request *request, struct joining *ret,
	struct error *err) must_check;
