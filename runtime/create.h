/*
 * Creating a container, the parent's side: from a bundle to an init that waits for its
 * start, or with `start` that has become the user's program.
 *
 *	plan     read and check everything; open what is opened outside
 *	make     state directory, state.json, cgroup
 *	clone    init, in its namespaces and cgroup
 *	place    id maps, systemd's scope, interfaces: what init must wait for
 *	hooks    prestart, createRuntime, while init has its mounts and not yet its root
 *	record   state.json with the pid, pid file
 *	settle   init's "ready", or its execve
 *
 * What was made is undone in reverse if anything fails, and after kill -9 at any place
 * state.json names all that `delete --force` has to remove.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/birth.h"
#include "runtime/bundle.h"
#include "runtime/container.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/namespaces/net_devices.h"
#include "runtime/rootfs/rootfs.h"
#include "runtime/seccomp/seccomp.h"

struct steps;

struct create_request {
	const char *root; /* of all containers */
	const char *id;
	struct bundle_request bundle;
	enum cgroup_driver driver;
	struct birth_request birth;
	uint32_t preserve_fds;
	bool rootless;
	bool no_pivot;
	bool no_new_keyring;
	bool seccomp_log;
	bool notify;          /* what NOTIFY_SOCKET asks for is done; notify.h */
	bool start;           /* run: does not wait for the command `start` */
	int64_t memory_floor; /* > 0: only tries this memory limit; memory_floor.h */
	struct steps *steps;  /* --explain: the plan is told, and times are taken */
};

/* All that init needs is in here: it is born with a copy of it. */
struct creation {
	const struct create_request *request;
	struct bundle bundle;
	struct namespaces namespaces;
	struct rootfs *rootfs;
	struct cgroup_plan *cgroup_plan;
	struct seccomp_filter filter;
	struct net_devices net_devices;
	struct container container;
	struct birth birth; /* init's */
	int start_sock;     /* where init listens for `start`; -1 with run */
	int cgroup_fd;      /* to clone into; -1 */
	bool relayed;       /* a relay has joined and entered for init */
	bool waits_placed;
	bool waits_hooked;
	bool hides_init;  /* before `start` nobody but who may trace us looks into init */
	bool hooks_begun; /* poststop is due if it fails */
	int notify_fd;    /* where the container says that it is ready; -1 */
};

#define CREATION_NONE                                                                   \
	{                                                                               \
		.bundle = BUNDLE_NONE, .container = CONTAINER_NONE,                     \
		.filter = SECCOMP_FILTER_NONE, .net_devices = NET_DEVICES_NONE,         \
		.birth = BIRTH_NONE, .start_sock = -1, .cgroup_fd = -1, .notify_fd = -1 \
	}
#define auto_creation __attribute__((cleanup(creation_free))) struct creation
void creation_free(struct creation *creation);

/* Only the plan: creation->request is set, and nothing is made or asked of others. */
int create_plan(struct creation *creation, struct error *err) must_check;

/* On failure nothing is left. On success the caller has the container (locked), and of a
 * foreground one its pidfd and terminal. */
int create_container(const struct create_request *request, struct creation *ret,
	struct error *err) must_check;

/* Steps of it that a restore has too. */
int creation_plan_birth(struct creation *creation, struct error *err) must_check;
int creation_make(struct creation *creation, struct error *err) must_check;
int creation_name_process(struct creation *creation, struct error *err) must_check;

/* prestart and createRuntime, for the container's first process: they end with it, and when
 * we are asked to end. */
int creation_run_hooks(
	struct creation *creation, pid_t pid, int pidfd, struct error *err) must_check;

void creation_undo(struct creation *creation, const struct error *failure);
