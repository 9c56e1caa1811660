/*
 * A process between parent and init, where namespaces must be entered that the parent
 * could not leave again: it joins them, clones init as its own sibling (CLONE_PARENT), in
 * namespaces that belong to the joined user namespace, and ends.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/create.h"

/* A joined user namespace; or a new one beside other joined namespaces, over which init is
 * born without privilege; or a joined pid namespace: we could not always leave it again, and
 * init is in the sight of who is there, so that what is ours must be let go before. */
bool relay_is_needed(const struct namespaces *namespaces);

/* Clones init; sets the birth's pid and pidfd. */
int relay_clone(struct creation *creation, struct error *err) must_check;

/* The other half of any relay: what it cloned, once it says so (STAGE_CLONED), becomes the
 * birth's pid and pidfd; and its own end. *relay is process_clone()'s answer, -1 with errno
 * included, and its pidfd is taken; on failure, where it is above 0, it is still the caller's to
 * end. */
int relay_await(
	pid_t *relay, int relay_pidfd, struct birth *birth, struct error *err) must_check;
