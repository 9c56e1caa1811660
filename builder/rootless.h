/*
 * Without privilege: a command that unpacks, mounts or changes owners becomes root of a
 * user namespace first, in which the user is root and the user's subordinate ids are all
 * other owners. It stays the same process: signals, exit statuses and the terminal are as
 * they were.
 *
 * What such a command leaves on disk belongs to the user and to subordinate ids; from
 * outside of the namespace those files can be looked at and removed by `mocker-builder
 * unshare`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/* At the head of each such command, before it opens anything. With the privilege to mount
 * it does nothing. */
int rootless_enter(struct error *err) must_check;

/* Who called: the user, in the namespace too. */
uid_t rootless_user(void);

/* Whether the user namespace that we are in was entered so. */
bool rootless_entered(void);

/* Whether devices and overlayfs's usual marks are out of reach here: in any user namespace
 * but the machine's. */
bool rootless_here(void);

/* After a device node that could not be made: true where no user namespace can make one.
 * Then a warning has been given, and it is left out. */
bool rootless_leaves_out_node(const char *where, const char *path);

/* After a change of owner that failed: appends what to do where it is the namespace that
 * has no such id. Returns -1. */
int rootless_fail_owner(uint32_t user, uint32_t group, struct error *err);
