/*
 * Who the process is: "USER[:GROUP]", names or numbers, looked up in the image's own
 * /etc/passwd and /etc/group. Those files are the image's, so they are opened beneath its
 * root, must be regular, and are read up to a limit.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

#define USER_GROUPS_MAX 256
#define USER_HOME_MAX   256

/* Plain bytes: it comes out of a worker. */
struct user {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[USER_GROUPS_MAX]; /* supplementary */
	uint32_t group_count;
	char home[USER_HOME_MAX]; /* "" where the image does not say */
};

/* Whether the text can be understood without the image's files: empty, or root by number. */
int user_is_plain_root(const char *text);

/* NULL or "" is root. root_fd: the image's root. */
int user_resolve(
	int root_fd, const char *text, struct user *ret, struct error *err) must_check;
