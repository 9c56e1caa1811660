/* Garbage: attachments whose namespace is gone, leases and rules that no attachment has. */
#pragma once

#include "netsetup/attachment.h"

struct sweep {
	const struct places *places;
	const char *network; /* whose leases; NULL: all */
	/* Whether an attachment is garbage, alive or not; NULL: those are that are not. */
	bool (*unwanted)(void *argument, const struct attachment *record);
	/* Told of each attachment that was removed; may be NULL. */
	void (*removed)(void *argument, const struct attachment *record);
	void *argument;
};

/* Leases (of this network; NULL: of all), ports and rules that no attachment has; as
 * sweep_run(), which does it last. */
int sweep_orphans(
	const struct places *places, const char *network, struct error *err) must_check;
/* Goes on after a failure and reports the first, which may be of a record that cannot be
 * read: it is garbage only where its network is a bridge and the host's end is gone. */
int sweep_run(const struct sweep *sweep, struct error *err) must_check;
