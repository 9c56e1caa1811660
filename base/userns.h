/*
 * User namespaces: their id maps, what a user has of subordinate ids, and entering a new
 * one. Maps are written directly with privilege or for a single id of one's own, else by
 * newuidmap(1) and newgidmap(1).
 * Source: user_namespaces(7), subuid(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

enum userns_ids { USERNS_USERS, USERNS_GROUPS };

/* `outside` is of the parent namespace, which for most is the host. */
struct userns_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

struct userns_map {
	struct userns_range *items;
	size_t count;
};

#define auto_userns_map __attribute__((cleanup(userns_map_free))) struct userns_map
void userns_map_free(struct userns_map *map);
void userns_map_add(struct userns_map *map, struct userns_range range);

/* The id outside that is this one inside; false: none is. */
bool userns_map_find(const struct userns_map *map, uint32_t inside, uint32_t *ret);

/* Of one namespace. */
struct userns_maps {
	struct userns_map users;
	struct userns_map groups;
};

#define auto_userns_maps __attribute__((cleanup(userns_maps_free))) struct userns_maps
void userns_maps_free(struct userns_maps *maps);

/* Of a process that is in a new user namespace of ours. */
int userns_write_map(pid_t pid, enum userns_ids ids, const struct userns_map *map,
	struct error *err) must_check;

/* That of our own namespace. */
int userns_read_map(
	enum userns_ids ids, struct userns_map *ret, struct error *err) must_check;

/* What a user without privilege may map: 0 is the user (or its group), and from 1 on
 * follows all that /etc/subuid or /etc/subgid gives the user. Where that is nothing, or
 * there is no newuidmap or newgidmap, the one range is all. */
int userns_map_of_user(
	enum userns_ids ids, struct userns_map *ret, struct error *err) must_check;

/* From 0 on, all that /etc/subuid or /etc/subgid gives a user, by name or number. errnum
 * ENOENT: that is nothing. */
int userns_map_of_subordinates(enum userns_ids ids, const char *user,
	struct userns_map *ret, struct error *err) must_check;

/* Lines that the kernel takes of a map. */
#define USERNS_RANGES_MAX 340

/* Makes this process, which has one thread, root of a new user namespace, together with
 * the namespaces of `flags` (CLONE_NEWNS …), which then belong to it. */
int userns_enter(int flags, const struct userns_map *users,
	const struct userns_map *groups, struct error *err) must_check;

/* Whether we are in the first user namespace, the machine's own. */
bool userns_is_initial(void);

/* Whether we have CAP_SYS_ADMIN in our user namespace. */
bool userns_is_administrator(void);
