/*
 * Links, addresses and routes of one network namespace, asked of the kernel by netlink.
 *
 * Requests that change something are queued, sent as one message by netlink_commit() and
 * answered together: a wake-up less for each. A failure names the request and says what
 * the kernel said (extended acknowledgements).
 *
 * This is the only room that includes libnl. Its base library builds and reads the
 * messages; the objects of libnl-route would send them one by one.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "netsetup/addresses/address.h"
#include "netsetup/firewall/element.h"

struct netlink;

/* In the caller's namespace of the moment; later visits elsewhere do not move it. */
int netlink_open(struct netlink **ret, struct error *err) must_check;
/* In another; in that at a path, as netns_open() opens it. */
int netlink_open_in(int netns_fd, struct netlink **ret, struct error *err) must_check;
int netlink_open_at(
	const char *netns, struct netlink **ret, struct error *err) must_check;
void netlink_close(struct netlink *const *netlink);
#define auto_netlink __attribute__((cleanup(netlink_close))) struct netlink *

/* Sends what was queued. The first failure is reported; the rest was tried as well. */
int netlink_commit(struct netlink *netlink, struct error *err) must_check;
/* The next queued request may fail with this errno: EEXIST of what may be there. */
void netlink_tolerate(struct netlink *netlink, int errnum);

/* ---- links -------------------------------------------------------------------------- */

struct netlink_mac {
	unsigned char bytes[6];
};

struct netlink_mac_text {
	char text[18];
};

int netlink_mac_parse(
	const char *text, struct netlink_mac *ret, struct error *err) must_check;
struct netlink_mac_text netlink_mac_text(struct netlink_mac mac);

/* 1 to 15 bytes, no "/", ":" or white space, not "." or ".."; errnum EINVAL. */
int netlink_check_name(const char *name, const char *what, struct error *err) must_check;

struct netlink_link {
	int index;
	char name[IFNAMSIZ];
	char kind[32]; /* "bridge", "veth"; "" of hardware */
	struct netlink_mac mac;
	uint32_t mtu;
	uint32_t flags; /* IFF_… */
	int master;     /* index; 0: none */
	int peer;       /* index of a veth's other end, where that is */
	uint32_t txqlen;
	bool vlan_filtering; /* of a bridge */
	bool operating;      /* up, with a carrier, and the kernel has seen to that */
	uint32_t group;      /* a number that somebody gave it; 0: none */
};

/* Fails with errnum ENODEV where there is none. */
int netlink_get_link(struct netlink *netlink, const char *name, struct netlink_link *ret,
	struct error *err) must_check;
int netlink_get_link_by_index(struct netlink *netlink, int index,
	struct netlink_link *ret, struct error *err) must_check;
int netlink_each_link(struct netlink *netlink,
	int (*each)(void *argument, const struct netlink_link *link, struct error *err),
	void *argument, struct error *err) must_check;

/* Without multicast snooping: nobody of ours asks who listens, a container could, and each
 * new port makes the kernel look at all of them. */
struct netlink_bridge {
	const char *name;
	uint32_t group;
	struct netlink_mac mac; /* fixed: else it changes with the ports */
	uint32_t mtu;           /* 0: the kernel's */
	bool vlan_filtering;
	bool no_default_pvid;
};
void netlink_add_bridge(struct netlink *netlink, const struct netlink_bridge *bridge);

/* Both ends at once: ours as a port of the bridge, theirs in the other namespace with its
 * final name, down. */
struct netlink_veth {
	const char *name;
	const char *peer_name;
	int peer_netns_fd;
	int master; /* 0: none */
	bool up;    /* ours */
	uint32_t mtu;
	bool has_mac;
	struct netlink_mac peer_mac;
};
void netlink_add_veth(struct netlink *netlink, const struct netlink_veth *veth);

/* A link on top of another (macvlan, ipvlan, vlan), made in another namespace. */
struct netlink_upper {
	const char *kind;
	const char *name;
	int parent;
	int netns_fd;  /* -1: here */
	uint32_t mode; /* MACVLAN_MODE_…, IPVLAN_MODE_…, or the VLAN's number */
	uint32_t mtu;
	bool has_mac;
	struct netlink_mac mac;
};
void netlink_add_upper(struct netlink *netlink, const struct netlink_upper *upper);
void netlink_add_ifb(struct netlink *netlink, const char *name, uint32_t mtu);

void netlink_delete_link(struct netlink *netlink, const char *name);

struct netlink_change {
	uint32_t flags; /* IFF_… to set */
	uint32_t clear; /* IFF_… to clear */
	uint32_t mtu;
	const char *name;
	const struct netlink_mac *mac;
	int netns_fd; /* > 0: moved there */
	uint32_t txqlen;
	bool has_txqlen;
	uint32_t group; /* 0: as it is */
};
void netlink_change_link(
	struct netlink *netlink, int index, const struct netlink_change *change);

/* A bridge port's switches. */
struct netlink_port {
	bool hairpin;
	bool isolated;
};
void netlink_set_port(
	struct netlink *netlink, int index, const struct netlink_port *port);

/* The bridge sends what is for this MAC address there, as if a frame had come from it. */
void netlink_teach_port(
	struct netlink *netlink, int index, const struct netlink_mac *mac);

/* Lets nothing through from now on; EBUSY where the bridge runs STP. */
void netlink_disable_port(struct netlink *netlink, int index);

struct netlink_vlan {
	uint16_t first;
	uint16_t last;
	bool untagged; /* leaves untagged, and is what untagged packets belong to */
	bool self;     /* of the bridge itself, not of a port */
};
void netlink_add_vlan(
	struct netlink *netlink, int index, const struct netlink_vlan *vlan);

/* ---- limits -------------------------------------------------------------------------- */

/* Of what the link sends. */
struct netlink_limit {
	uint64_t bits;  /* a second */
	uint64_t burst; /* bits; 0: a hundredth of a second */
	const struct address *subnets;
	size_t count;   /* 0: everything is limited */
	bool only;      /* what is of the subnets is limited, else what is not */
	bool by_source; /* the subnets are the sender's, else the receiver's */
};
void netlink_limit_rate(
	struct netlink *netlink, int index, const struct netlink_limit *limit);
/* What the one receives is sent by the other first. */
void netlink_redirect_incoming(struct netlink *netlink, int from, int to);
/* What the two made on that link; that it is not there is success. */
void netlink_unlimit_rate(struct netlink *netlink, int index);
void netlink_stop_redirecting(struct netlink *netlink, int from);

/* Whether either was done to the link. */
int netlink_find_limits(struct netlink *netlink, int index, bool *ret_limited,
	bool *ret_redirected, struct error *err) must_check;

/* ---- firewall ------------------------------------------------------------------------ */

/* For these two, in the caller's namespace of the moment. */
int netlink_open_netfilter(struct netlink **ret, struct error *err) must_check;
/* Adds them to sets and maps that are there, or deletes them from there, all or none. One
 * that is there already is success. errnum ENOENT: a table, a set or an element to delete is
 * not there; EEXIST: an element is there with another value. */
int netlink_change_elements(struct netlink *netlink, enum element_verb verb,
	const struct elements *elements, struct error *err) must_check;
/* errnum ENOENT: it is not there. What it leads to is not compared. */
int netlink_find_element(struct netlink *netlink, const struct element *element,
	struct error *err) must_check;
/* Appends those of all sets and maps of a table, each with key and value as ELEMENT_BYTES;
 * of a verdict nothing is told. No table, or a kernel without nftables, is success. */
int netlink_list_elements(struct netlink *netlink, bool bridge, struct elements *ret,
	struct error *err) must_check;

/* ---- connections --------------------------------------------------------------------- */

/* Those by UDP that lead to the address, so that the next packet is looked at anew. */
int netlink_forget_udp(const struct address *container, struct error *err) must_check;
/* Those by UDP that go to one of the ports, on whatever address, untranslated. */
struct netlink_ports {
	const uint16_t *items;
	size_t count;
};
int netlink_forget_udp_ports(
	int family, const struct netlink_ports *ports, struct error *err) must_check;

/* ---- addresses ---------------------------------------------------------------------- */

struct netlink_address {
	struct address address;
	int index;
	bool dad; /* IPv6: probe for a duplicate first, which takes a second */
};
void netlink_add_address(struct netlink *netlink, const struct netlink_address *address);
void netlink_delete_address(
	struct netlink *netlink, const struct netlink_address *address);
int netlink_each_address(struct netlink *netlink, int index,
	int (*each)(
		void *argument, const struct netlink_address *address, struct error *err),
	void *argument, struct error *err) must_check;

/* What this host remembers of a neighbour's MAC address, if it does, is this from now on. */
void netlink_correct_neighbour(struct netlink *netlink, int index,
	const struct address *neighbour, const struct netlink_mac *mac);

/* ---- routes ------------------------------------------------------------------------- */

struct netlink_route {
	struct address destination; /* prefix 0: the default route */
	struct address gateway;     /* family 0: none, it is on the link */
	int index;
	uint32_t mtu;
	uint32_t advmss;
	uint32_t priority;
	bool has_priority;
	uint32_t table;   /* 0: main */
	uint8_t protocol; /* RTPROT_…: who made one that is listed */
	uint8_t scope;
	bool has_scope;
	bool on_link; /* the gateway is on the link even where no subnet says so */
	bool local;   /* the destination is this host: of the table for that */
};
void netlink_add_route(struct netlink *netlink, const struct netlink_route *route);
int netlink_each_route(struct netlink *netlink, int family,
	int (*each)(void *argument, const struct netlink_route *route, struct error *err),
	void *argument, struct error *err) must_check;
/* The route that a packet to there would take; errnum ENETUNREACH where there is none. */
int netlink_find_route(struct netlink *netlink, const struct address *to,
	struct netlink_route *ret, struct error *err) must_check;
