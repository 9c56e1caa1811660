/* Who a container's process is: its user, groups, umask, and the home directory that its
 * image gives to that user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

struct oci_process;
struct oci_user;

/* "uid" or "uid:gid", decimal and nothing else; gid stays as it is where none is given. */
int identity_parse(const char *text, struct oci_user *user, struct error *err) must_check;

/* HOME from the caller's /etc/passwd, or "/", unless env has one. Never fails: whatever
 * an image puts there is no reason not to start. */
void identity_set_home(uint32_t uid, struct strings *env);

/* User and group 0 of the user namespace that we are in, with all its capabilities. Where its
 * map lacks one of the two, that one stays as it is. dumpable: what PR_SET_DUMPABLE is set to
 * afterwards, which a change of ids has changed. */
int identity_become_root(bool dumpable, struct error *err) must_check;

/* Groups, gid, uid, umask. setgroups(2) may be denied in a user namespace, which leaves its
 * groups out with a warning. keep_groups: those of the caller stay. */
int identity_become(const struct oci_process *process, bool keep_groups,
	struct error *err) must_check;
