/*
 * Network namespaces: opened and verified, visited, and given a name under /run/netns as
 * iproute2 does it, so that `ip netns exec NAME` finds them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

#define NETNS_DIRECTORY "/run/netns"

/* What stays the same while the namespace lives, by whatever path it is reached; one that is
 * made later may get it again. */
struct netns_identity {
	uint64_t device;
	uint64_t inode;
};

/* Fails with errnum ENOENT where nothing is there, EINVAL where something else is: a
 * file, a FIFO, another kind of namespace, or the caller's own network. */
int netns_open(const char *path, int *ret_fd, struct error *err) must_check;
int netns_open_pid(pid_t pid, int *ret_fd, struct error *err) must_check;
/* The caller's own. */
int netns_open_own(int *ret_fd, struct error *err) must_check;
/* A new one, of which only the descriptor knows. */
int netns_create(int *ret_fd, struct error *err) must_check;

int netns_identify(int fd, struct netns_identity *ret, struct error *err) must_check;
/* Whether the path leads to that very namespace now. */
bool netns_is(const char *path, struct netns_identity identity);

/* The namespaces in which processes are that we may look at: asked for once, when the first
 * is looked for. */
struct netns_user {
	struct netns_identity identity;
	pid_t pid; /* one of them */
};
struct netns_users {
	bool asked;
	bool unknown; /* /proc could not be read to its end: any may be in use */
	struct netns_user *items;
	size_t count;
};
#define auto_netns_users __attribute__((cleanup(netns_users_free))) struct netns_users
void netns_users_free(struct netns_users *users);
bool netns_find_user(
	struct netns_users *users, struct netns_identity identity, pid_t *ret_pid);

/* A number that no other namespace gets until the next boot (Linux 5.14): of one to which the
 * caller may go, and of that in which it is. */
int netns_cookie(int fd, uint64_t *ret, struct error *err) must_check;
int netns_own_cookie(uint64_t *ret, struct error *err) must_check;

/* Calls the function in the namespace and returns to ours. A process that cannot return
 * ends itself: whatever it did next would be done to somebody else's network. */
int netns_visit(int fd, int (*function)(void *argument, struct error *err),
	void *argument, struct error *err) must_check;

/* NETNS_DIRECTORY/NAME; bind mounts the namespace there. Fails with errnum EEXIST where
 * the name is taken. */
int netns_bind(const char *name, int fd, struct error *err) must_check;
/* Success where there is no such name, or it is another namespace's by now. */
int netns_unbind(
	const char *name, struct netns_identity identity, struct error *err) must_check;
char *netns_path(const char *name);

/* One component, no "/", not "." or "..", not longer than 255. */
int netns_check_name(const char *name, struct error *err) must_check;
