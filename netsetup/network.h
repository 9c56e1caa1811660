/*
 * Networks: what they are on disk, and checked and parsed for use. A definition has a
 * name and a file /var/lib/mocker/networks/NAME.json; the CNI face fills the same struct
 * from its configuration, without a file.
 */
#pragma once

#include "base/json.h"
#include "netsetup/addresses/pool.h"
#include "netsetup/places.h"

#define NETWORK_DEFAULT "default"

enum network_kind {
	NETWORK_BRIDGE = 1, /* a veth into a bridge that we make if it is missing */
	NETWORK_MACVLAN,
	NETWORK_IPVLAN,
	NETWORK_USER,   /* pasta, which needs no privilege */
	NETWORK_DEVICE, /* a device of the host itself, while the container has it */
};
extern const struct word network_kind_words[];

#define NETWORK_USER_INTERFACE "pasta" /* where another network names its interface */

/* What may pass between this network and the others of ours. Published ports always. */
enum network_isolation {
	NETWORK_STRICT = 1,  /* nothing */
	NETWORK_SAME_BRIDGE, /* nothing to or from others that are isolated too */
	NETWORK_OPEN,        /* everything */
};
extern const struct word network_isolation_words[];

struct network_range {
	char *subnet;
	char *first;   /* NULL: the subnet's first that may be given */
	char *last;    /* NULL: its last */
	char *gateway; /* NULL: the subnet's first address */
	uint32_t set;  /* ranges of one set continue each other */
};

struct network_route {
	char *destination;
	char *gateway; /* NULL: the range's */
	uint32_t mtu;
	uint32_t advmss;
	bool has_priority;
	uint32_t priority;
	uint32_t table;
	bool has_scope;
	uint32_t scope;
};

struct network {
	char *name;
	int64_t kind;
	char *interface; /* the bridge; of the other kinds the parent or the device */
	struct network_range *ranges;
	size_t ranges_count;
	struct network_route *routes;
	size_t routes_count;
	bool gateway;       /* the bridge has the gateway's addresses */
	bool default_route; /* the container's goes to the gateway */
	bool masquerade;
	bool keep_sources; /* of what reaches published ports, even where no answer can */
	bool hide_sources; /* of all that reaches them */
	int64_t isolation;
	uint32_t mtu; /* 0: of the host's default route */
	bool hairpin;
	bool isolated_ports; /* containers of this bridge do not reach each other */
	bool promiscuous;
	bool force_address;
	bool duplicate_detection; /* IPv6, costs a second and more */
	uint32_t vlan;            /* 0: none */
	bool has_vlan_trunk;
	struct network_trunk *vlan_trunk;
	size_t vlan_trunk_count;
	bool keep_default_vlan;
	char *mode;     /* of macvlan and ipvlan */
	bool check_mac; /* what a container sends from another MAC address is dropped */
	bool dns;       /* its containers find each other by name */
	bool idle;      /* the container's interface stays down */
	bool internal;  /* no way out, and none in but by published ports */
	bool unmanaged; /* the bridge is somebody else's: no address, no rules */
};

struct network_trunk {
	uint32_t first;
	uint32_t last;
};

extern const struct json_type network_type;
extern const struct json_type network_route_type;

#define auto_network __attribute__((cleanup(network_free))) struct network
void network_free(struct network *network);

/* Of the file. The default network is made on first use; a bridge's name finds its
 * network. errnum ENOENT: none of that name. */
int network_load(const struct places *places, const char *name, struct network *ret,
	struct error *err) must_check;
/* Held until the descriptor is closed: by whoever makes a network, from the look for what is
 * free on, and by whoever removes one. Taken after that of all records. */
int networks_lock(const struct places *places, int *ret_fd, struct error *err) must_check;
/* What `network create` starts from, with the first subnet of 10.x.0.0/24 that overlaps
 * no other network's and nothing of the host's; without ranges if `no_subnet`. */
struct network_defaults {
	bool no_subnet;
};
int network_fill(const struct places *places, const char *name,
	struct network_defaults defaults, struct network *ret,
	struct error *err) must_check;
/* Checks, and fails with errnum EEXIST where one of that name, bridge or an overlapping
 * subnet exists, be it of another interface of the host. */
int network_create(const struct places *places, const struct network *network,
	struct error *err) must_check;
int network_remove(
	const struct places *places, const char *name, struct error *err) must_check;
bool network_exists(const struct places *places, const char *name);
/* Sorted names of all definitions. */
int network_list(
	const struct places *places, struct strings *ret, struct error *err) must_check;

/* Everything of it is well-formed and in reach of each other. */
int network_check(const struct network *network, struct error *err) must_check;
/* Nothing is asked of its kind that cannot be had there. Apart from the other, so that a
 * definition of an older version that asks it can be listed and removed. */
int network_check_kind(const struct network *network, struct error *err) must_check;
/* The ranges, parsed, in their order: owned by the caller. NULL gateways are filled. */
int network_ranges(const struct network *network, struct pool_range **ret,
	size_t *ret_count, struct error *err) must_check;
