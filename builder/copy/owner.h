/*
 * "USER[:GROUP]" of --chown and USER: numbers, or names of the image's own /etc/passwd and
 * /etc/group, which are read beneath its root, regular files of bounded size only.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct owner {
	uid_t uid;
	gid_t gid;
};

/* Without a group: a named user's own, or the number of the user. */
int owner_resolve(
	int root_fd, const char *text, struct owner *ret, struct error *err) must_check;
