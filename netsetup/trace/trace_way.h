/* The way of a packet in the making, shared by the files that follow it. */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/firewall/firewall.h"
#include "netsetup/netlink/netlink.h"
#include "netsetup/trace/trace.h"

struct way {
	struct trace *trace;
	struct attachments all;
	const struct attachment *from; /* whose interface the packet takes */
	struct address to;
	uint32_t port; /* 0: none */
	bool published;
	struct netlink *host;
	struct firewall firewall;
	bool ended;
};

/* A row of the answer. */
void way_say(struct way *way, const char *where, const char *format, ...)
	printf_like(3, 4);
#define way_arrives(way, ...) ((way)->ended = true, way_say(way, "verdict", __VA_ARGS__))
#define way_dropped(way, ...) \
	((way)->trace->dropped = true, way_arrives(way, __VA_ARGS__))

/* The record's first address of this family; 0: of any. */
bool way_address_of(const struct attachment *record, int family, struct address *ret);

/* trace_foreign.c: the rules of others, at a place of the way. */
struct way_place {
	const char *hook;
	const char *in;
	const char *out; /* NULL: not known yet, or none */
	int family;      /* of the chains: AF_BRIDGE, or 0: the packet's own */
};
int way_meet_foreign(
	struct way *way, const struct way_place *place, struct error *err) must_check;
/* Whether a switch of /proc/sys is there and on. */
bool way_switched_on(const char *file);
