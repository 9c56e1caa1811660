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

/* Goes on after a failure and reports the first. */
int sweep_run(const struct sweep *sweep, struct error *err) must_check;
