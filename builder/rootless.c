/* Entering the namespace, and telling afterwards who entered. */
#include "builder/rootless.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "base/userns.h"

/* Tells programs of ours that this one starts, in the namespace, whose it is. */
#define USER_VARIABLE "MOCKER_ROOTLESS_UID"

/* Every id that we have, as it is: for root of a container, who may not mount. */
static int map_same(enum userns_ids ids, struct userns_map *ret, struct error *err)
{
	if (userns_read_map(ids, ret, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->count; i++)
		ret->items[i].outside = ret->items[i].inside;
	return 0;
}

static int make_map(enum userns_ids ids, struct userns_map *ret, struct error *err)
{
	return geteuid() == 0 ? map_same(ids, ret, err)
			      : userns_map_of_user(ids, ret, err);
}

int rootless_enter(struct error *err)
{
	auto_free char *user = str_format("%u", geteuid());
	auto_userns_map users = { 0 };
	auto_userns_map groups = { 0 };

	if (userns_is_administrator())
		return 0;
	if (make_map(USERNS_USERS, &users, err) < 0 ||
		make_map(USERNS_GROUPS, &groups, err) < 0)
		return -1;
	if (userns_enter(CLONE_NEWNS, &users, &groups, err) < 0)
		return fail_while(err, "becoming root of a user namespace");
	if (setenv(USER_VARIABLE, user, 1) < 0)
		return fail_errno(err, "setting %s", USER_VARIABLE);
	return 0;
}

/* The variable is believed only where the namespace says the same. */
static bool read_user(uid_t *ret)
{
	const char *text = getenv(USER_VARIABLE);
	auto_userns_map users = { 0 };
	struct error ignored;
	uint32_t user;

	if (!text || userns_is_initial() ||
		str_to_u32(text, USER_VARIABLE, &user, &ignored) < 0 ||
		userns_read_map(USERNS_USERS, &users, &ignored) < 0 || users.count == 0 ||
		users.items[0].inside != 0 || users.items[0].outside != user)
		return false;
	*ret = user;
	return true;
}

uid_t rootless_user(void)
{
	uid_t user = geteuid();

	(void)read_user(&user); /* stays where nobody entered */
	return user;
}

bool rootless_entered(void)
{
	uid_t user;

	return read_user(&user);
}

bool rootless_here(void)
{
	return !userns_is_initial();
}

bool rootless_leaves_out_node(const char *where, const char *path)
{
	if (errno != EPERM || !rootless_here())
		return false;
	log_warning("%s: the device node %s is left out: only root can make one", where,
		path);
	return true;
}

/* Whether our user namespace has the id. */
static bool has(enum userns_ids ids, uint32_t id)
{
	auto_userns_map map = { 0 };
	struct error ignored;
	uint32_t outside;

	if (userns_read_map(ids, &map, &ignored) < 0)
		return true; /* without /proc: the kernel will tell */
	return userns_map_find(&map, id, &outside);
}

/* EINVAL is the kernel's word for an id that is not mapped. */
int rootless_fail_owner(uint32_t user, uint32_t group, struct error *err)
{
	bool no_user = !has(USERNS_USERS, user);

	if (err->errnum != EINVAL || (!no_user && has(USERNS_GROUPS, group)))
		return -1;
	return fail_hint(err,
		"the user namespace has no %s %u: give yourself more ids in /etc/subuid "
		"and /etc/subgid, and install the package uidmap",
		no_user ? "user" : "group", no_user ? user : group);
}
