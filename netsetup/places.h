/*
 * Where the program keeps what it knows: definitions of networks, which survive a reboot,
 * and attachments and leases, which do not.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct places {
	char *networks;    /* /var/lib/mocker/networks */
	char *attachments; /* /run/mocker/networks/attachments */
	char *pools;       /* /run/mocker/networks/pools */
	char *names;       /* /run/mocker/networks/names */
	bool own;          /* beneath a root that was named: there may be others */
};

/* Names the root where no command line does: CNI, tests. */
#define PLACES_ENVIRONMENT "MOCKER_NETSETUP_ROOT"

#define auto_places        __attribute__((cleanup(places_free))) struct places

/* All beneath `root` instead, if it is not NULL. Without root privilege: beneath
 * $XDG_DATA_HOME and $XDG_RUNTIME_DIR. Makes nothing. */
int places_find(const char *root, struct places *ret, struct error *err) must_check;
void places_free(struct places *places);

/* What files have until they are whole and get their names (file_replace_at). */
#define PLACES_UNFINISHED ".new"

/* Names of networks and containers: they become file names. Letters, digits, "_", ".",
 * "-" and "+", the first a letter or a digit, as the CNI and runc have it, not ending as
 * unfinished files do; errnum EINVAL. `what` is "network" or "container". */
int places_check_name(const char *name, const char *what, struct error *err) must_check;
/* Of a network that is new here, and of containers of the CNI: not "+" either, as the CNI
 * has it. In the name of a network it separates that from what an entry of a chain does
 * (cni/chain.c). */
int places_check_strictly(
	const char *name, const char *what, struct error *err) must_check;
