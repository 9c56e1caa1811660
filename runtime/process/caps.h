/*
 * Capabilities: five sets of config.json as bit masks, applied around the change of user.
 *
 *	caps_plan          parent: names become masks
 *	caps_drop_bounding init, as root: needs CAP_SETPCAP; keeps the rest over setuid
 *	(setgroups, setgid, setuid)
 *	caps_apply         init: effective, permitted, inheritable, ambient
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_process;
struct strings;

struct caps {
	bool asked; /* false: process.capabilities is absent, and all sets are empty */
	uint64_t bounding;
	uint64_t effective;
	uint64_t inheritable;
	uint64_t permitted;
	uint64_t ambient;
};

/* Unknown names are warned of and left out, as the specification asks. */
struct caps caps_plan(const struct oci_process *process);

/* What this process cannot grant is warned of and left out too: a runtime in a restricted
 * environment still runs what it can. */
int caps_drop_bounding(struct caps *caps, struct error *err) must_check;
int caps_apply(const struct caps *caps, struct error *err) must_check;

/* Whether this process has it (CAP_*) among its permitted ones. */
bool caps_has(unsigned capability);

/* The names of all that this process can hand on; in a user namespace that it is about to
 * join it has them all, but for what its bounding set lacks. */
void caps_held(bool joins_user, struct strings *ret);

int caps_last(void); /* the highest number that this kernel knows */
