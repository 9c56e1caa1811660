/*
 * The way of a packet that a container sends: what each place on it would do, asked of the
 * kernel as it is now, until the packet leaves this host, arrives or is dropped. Nothing
 * is sent.
 */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/table.h"

struct trace {
	const char *container;
	/* An address, ADDRESS:PORT (TCP), a container; NULL: out. */
	const char *destination;
	struct table table; /* WHERE and WHAT of each step, the verdict last */
	bool dropped;
};

int trace_run(
	const struct places *places, struct trace *trace, struct error *err) must_check;
