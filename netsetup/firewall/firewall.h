/*
 * Rules: masquerade, published ports, isolation, in one nftables table of ours.
 *
 * What differs between containers stands in sets and maps, so that the number of rules a
 * packet meets does not grow with theirs, and attaching one is one transaction that adds
 * elements. Our chains come after those of the administrator at the same hook, and none
 * of ours accepts on behalf of another: what the administrator drops stays dropped.
 *
 *	prerouting, output	to a published port of this host: to the container
 *	postrouting		from a container to the world: the host's own address
 *	forward			between two networks of ours: by their isolation
 *	guard			from a container to 127.0.0.0/8: dropped
 *
 * The only corner that uses libnftables. It makes the tables, and the chains of ports with
 * conditions; what comes and goes with each container is given to the kernel without it
 * (netlink/nftables.c), for it takes longer to load than everything else together.
 */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/netlink/netlink.h"

/* The library, its socket and ours, opened on first use. Closing waits until the kernel has
 * freed what was deleted: do it last, when that is over. */
struct firewall {
	struct nft *nft;
	struct netlink *netlink;
};
#define auto_firewall __attribute__((cleanup(firewall_close))) struct firewall
void firewall_close(struct firewall *firewall);

/* Whether the attachment asks for any rule. */
bool firewall_wanted(const struct attachment *record);

/* The published ports must be the attachment's own (rules.c): maps know no owner. */
int firewall_add(struct firewall *firewall, const struct attachment *record,
	struct error *err) must_check;
/* Rules that are not there, or no table at all, are success. */
int firewall_remove(struct firewall *firewall, const struct attachment *record,
	struct error *err) must_check;

/* The whole table anew, in one transaction, from all records. Refused, with the table left as
 * it is, if one of them could not be read. */
int firewall_reload(struct firewall *firewall, const struct attachments *list,
	struct error *err) must_check;

/* Whether the elements of this record are there. */
int firewall_check(struct firewall *firewall, const struct attachment *record,
	struct error *err) must_check;

/* firewall_sweep.c, under the lock of all records (attachments_lock). Whether the bridge has
 * elements that this network does not ask for; others on it may. */
int firewall_outdated(struct firewall *firewall, const struct network *network, bool *ret,
	struct error *err) must_check;
/* Removes the bridge's elements that no record of the list asks for. */
int firewall_withdraw(struct firewall *firewall, const char *bridge,
	const struct attachments *list, struct error *err) must_check;
/* The same of all elements, of attachments and bridges. */
int firewall_sweep(struct firewall *firewall, const struct attachments *list,
	struct error *err) must_check;

/* Questions of the kernel, for trace.c. Whether a set of interfaces has this one. */
int firewall_has(struct firewall *firewall, const char *set, const char *interface,
	bool *ret, struct error *err) must_check;
int firewall_masquerades(struct firewall *firewall, const struct address *address,
	bool *ret, struct error *err) must_check;

/* A chain of others that the kernel calls at a hook. */
struct firewall_chain {
	char *table; /* with its family: "inet admin" */
	char *name;
	bool drops; /* by its policy */
};

struct firewall_chains {
	struct firewall_chain *items;
	size_t count;
};
#define auto_chains __attribute__((cleanup(firewall_chains_free))) struct firewall_chains
void firewall_chains_free(struct firewall_chains *list);
/* Those of bridges, or those of packets of this family (AF_INET, AF_INET6). */
int firewall_foreign_chains(struct firewall *firewall, const char *hook, int family,
	struct firewall_chains *ret, struct error *err) must_check;
