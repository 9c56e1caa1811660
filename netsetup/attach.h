/*
 * Attaching a container to a network, and detaching it.
 *
 * A face (command line, hook, CNI) fills struct attach from its input; attach_plan() checks
 * and parses all of it, attach_run() walks the table of steps. Each step that makes
 * something has its undo beside it: a failure runs those of the steps done, in reverse;
 * detaching runs all of them from the record alone, and each takes "it is not there" as
 * success.
 */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/firewall/firewall.h"
#include "netsetup/links/tune.h"
#include "netsetup/netlink/netlink.h"

/* An address that is asked for, and of which set of the network's ranges it is. */
struct attach_wanted {
	struct address address;
	uint32_t set; /* found by attach_plan() */
};

struct attach {
	const struct places *places; /* borrowed */

	/* What is asked for. */
	struct attachment record; /* key, network, mac, publish … */
	int netns_fd;             /* -1: gone, or never known */
	struct attach_wanted *wanted;
	size_t wanted_count;
	struct tune tune;
	/* A directory whose files' names are addresses that another program gave. */
	char *other_leases;
	/* Instead of our pool; NULL: that. */
	int (*ipam_take)(struct attach *attach, struct error *err);
	int (*ipam_release)(struct attach *attach, struct error *err);
	void *ipam;      /* theirs */
	bool idempotent; /* attached already, to the same namespace: success */
	bool defined;    /* the network is of a definition, which may be gone by now */

	/* What the steps find and make. */
	struct attachment_store store;
	struct attachments_lock lock; /* from when the first goes until the record has */
	struct pool_range *ranges;
	size_t ranges_count;
	struct netlink *host;   /* opened on first use */
	struct netlink *inside; /* of the container's namespace, the same */
	struct firewall firewall;
	int host_index;   /* of the host's end */
	int inside_index; /* of the container's */
	struct netlink_link bridge;
	bool mac_follows; /* from its only address */
};

#define auto_attach __attribute__((cleanup(attach_close))) struct attach
void attach_close(struct attach *attach);

/* Asks for an address; asked for twice, it is asked for once. */
int attach_want(struct attach *attach, const char *text, const char *what,
	struct error *err) must_check;

/* Limits of what it receives and sends, "8M" bits a second; NULL: none. */
int attach_limit(struct attach *attach, const char *ingress, const char *egress,
	struct error *err) must_check;

/* All that can be refused, before the first side effect. */
int attach_plan(struct attach *attach, struct error *err) must_check;

/* After the plan. The record is complete afterwards: addresses, MAC address, MTU. Fails with errnum
 * EEXIST where this attachment exists. */
int attach_run(struct attach *attach, struct error *err) must_check;

/* Takes back what the record says, or where there is none what follows from its key:
 * container, interface and network's name. Goes on after a failure, reports the first and
 * keeps the record and its leases, so that it can be tried again. */
int attach_undo(struct attach *attach, struct error *err) must_check;

/* Of a damaged record, whose key alone is known: its network as the definition has it, if
 * there is one. */
void attach_recall(const struct places *places, struct attachment *record);

/* Detaches a container from one network, or from all (NULL); the store must not be
 * locked by the caller. ret_count: how many attachments there were. */
struct detach {
	const struct places *places;
	const char *container;
	const char *network;   /* NULL: all */
	const char *interface; /* NULL: all */
	/* Only those of which this is true; NULL: all. */
	bool (*wanted)(void *argument, const struct attachment *record);
	void *argument;
	/* If it is not NULL: also those whose records are damaged, by what follows from their
	 * keys. Counts them; sweep_orphans() removes the rest of theirs afterwards. */
	size_t *ret_damaged;
};
int attach_detach(
	const struct detach *detach, size_t *ret_count, struct error *err) must_check;

/* What the host's ends are called by, before what follows from their keys. */
#define ATTACH_LINK_PREFIX "veth"

/* The socket of the host's namespace. */
int attach_host(
	struct attach *attach, struct netlink **ret, struct error *err) must_check;
