/*
 * What a container is at this moment, in the kernel's terms: read from /proc and the
 * cgroup file systems, not from what was once asked for. Each part is a file of its own
 * here; one table writes all of it as JSON, write.c tells it to a person.
 *
 * What changes or ends while it is read is left out; nothing here is a reason to fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "runtime/container.h"

/* A process outside the container that is in one of its namespaces. */
struct inspect_companion {
	int32_t pid;
	char *command;
	char *container; /* whose it is, of those beneath the same --root */
};

struct inspect_namespace {
	int64_t type; /* CLONE_NEW* */
	uint64_t inode;
	char *path; /* to join it by */
	bool host;  /* it is the one that we are in ourselves */
	struct inspect_companion *others;
	size_t others_count;
	uint32_t more; /* that are not listed */
};

struct inspect_mount {
	char *destination;
	char *type;
	char *source;
	char *root; /* what of the file system is there */
	struct strings options;
	struct strings propagation; /* "shared:7" */
};

/* One directory, with the files that tell its limits and what is used, as they stand. */
struct inspect_cgroup {
	char *hierarchy;
	char *path;
	struct pairs limits;
	struct pairs use;
};

struct inspect_process {
	int32_t pid;
	int32_t inside; /* its number in its own pid namespace */
	uint32_t uid;
	char *state; /* a letter */
	uint64_t rss;
	char *command;
};

struct inspect_security {
	uint32_t uid;
	uint32_t gid;
	struct strings bounding;
	struct strings effective;
	struct strings permitted;
	struct strings inheritable;
	struct strings ambient;
	char *seccomp; /* disabled, strict, filter */
	uint32_t filters;
	bool no_new_privileges;
	char *label; /* AppArmor's or SELinux's */
	int32_t oom_score_adj;
};

struct inspect_interface {
	char *name;
	bool up;
	struct strings addresses; /* "10.0.0.2/24" */
};

/* An address at which somebody can be reached. */
struct inspect_socket {
	char *protocol; /* tcp, tcp6, udp, udp6 */
	char *address;
	uint32_t port;
	int32_t pid; /* who has it open in the container; 0: nobody */
	uint64_t inode;
};

struct inspection {
	struct oci_state state;
	struct inspect_namespace *namespaces;
	size_t namespaces_count;
	struct inspect_mount *mounts;
	size_t mounts_count;
	struct inspect_cgroup *cgroups;
	size_t cgroups_count;
	struct inspect_security security;
	struct inspect_interface *interfaces;
	size_t interfaces_count;
	struct inspect_socket *sockets;
	size_t sockets_count;
	struct inspect_process *processes;
	size_t processes_count;
};

extern const struct json_type inspection_type;

#define auto_inspection __attribute__((cleanup(inspection_free))) struct inspection
void inspection_free(struct inspection *inspection);

/* Of the first process and those of the cgroup; for a container that has ended only its
 * state and its cgroups. Enters the container's network namespace for good. */
int inspect_container(const struct container *container, struct inspection *ret,
	struct error *err) must_check;

/* For people. */
void inspection_tell(const struct inspection *inspection, struct str *to);

/* ---- the parts ---------------------------------------------------------------------- */

void inspect_processes(const struct cgroup_pids *pids, struct inspection *to);
void inspect_security(pid_t pid, struct inspect_security *to);
void inspect_namespaces(const struct container *container, const struct cgroup_pids *pids,
	struct inspection *to);
void inspect_mounts(pid_t pid, struct inspection *to);
void inspect_cgroups(const struct cgroup *cgroup, struct inspection *to);
void inspect_sockets(pid_t pid, const struct cgroup_pids *pids, struct inspection *to);
void inspect_interfaces(pid_t pid, struct inspection *to);
