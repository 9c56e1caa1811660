/*
 * A CNI network configuration as it comes on standard input: the keys of the reference
 * plugins bridge, host-local, portmap, firewall, bandwidth and tuning, all in one struct,
 * so that one entry of ours can stand for each of them or for the whole chain.
 * Source: CNI specification 1.1.0, sections 1 to 5; the plugins' documentation.
 */
#pragma once

#include "base/json.h"
#include "netsetup/attach.h"

struct cni_range {
	char *subnet;
	char *range_start;
	char *range_end;
	char *gateway;
};

struct cni_dns {
	struct strings nameservers;
	char *domain;
	struct strings search;
	struct strings options;
};

struct cni_ipam {
	char *type;
	char *ranges; /* [[{range}, …], …] as text: an array a set */
	char *subnet; /* the old way: one range */
	char *range_start;
	char *range_end;
	char *gateway;
	struct network_route *routes;
	size_t routes_count;
	char *resolv_conf; /* a file whose servers the result names */
	char *data_dir;    /* host-local's own leases: its own program keeps them */
};

struct cni_trunk {
	bool has_min_id;
	uint32_t min_id;
	bool has_max_id;
	uint32_t max_id;
	bool has_id;
	uint32_t id;
};

struct cni_port {
	bool has_host_port;
	uint32_t host_port;
	bool has_container_port;
	uint32_t container_port;
	uint32_t range; /* so many ports from these on; 0: one */
	char *protocol;
	char *host_ip;
};

struct cni_runtime {
	struct cni_port *ports;
	size_t ports_count;
	struct attachment_bandwidth *bandwidth;
	char *mac;
	struct strings ips;
	char *ranges;  /* as ipam.ranges, before those */
	char *aliases; /* as text: a list, or podman's lists by network */
};

/* Of the whole network's list: each goes before the configuration's own key. */
struct cni_args_cni {
	char *mac;
	struct strings ips;
	struct pairs sysctl;
	bool has_promisc;
	bool promisc;
	bool has_all_multicast;
	bool all_multicast;
	uint32_t mtu;
	bool has_txqlen;
	uint32_t txqlen;
};

struct cni_args {
	struct cni_args_cni cni;
};

struct cni_valid {
	char *container;
	char *interface;
};

struct cni_config {
	char *version;
	char *name;
	char *type;
	char *prev_result; /* as text */
	struct cni_ipam *ipam;
	struct cni_dns dns;
	struct cni_runtime runtime;
	struct cni_args args;
	struct cni_valid *valid; /* NULL: no list, which is not an empty one */
	size_t valid_count;
	struct cni_valid *valid_old;
	size_t valid_old_count;
	/* bridge */
	char *bridge;
	bool gateway;
	bool default_gateway;
	bool force_address;
	bool masquerade;
	char *masquerade_backend;
	uint32_t mtu;
	bool hairpin;
	bool promiscuous;
	uint32_t vlan;
	struct cni_trunk *vlan_trunk;
	size_t vlan_trunk_count;
	bool has_keep_default_vlan;
	bool keep_default_vlan;
	bool mac_check;
	bool dad;
	bool isolated_ports;
	bool has_disable_interface;
	bool disable_interface;
	/* portmap */
	bool has_snat;
	bool snat;
	bool masquerade_all;
	char *backend; /* of the firewall plugin too */
	struct strings conditions_v4;
	struct strings conditions_v6;
	/* firewall */
	char *ingress_policy;
	char *admin_chain;
	char *zone;
	/* bandwidth */
	uint64_t ingress_rate;
	uint64_t ingress_burst;
	uint64_t egress_rate;
	uint64_t egress_burst;
	struct strings unshaped;
	struct strings shaped;
	/* macvlan, ipvlan, host-device */
	char *kind;
	char *master;
	char *mode;
	char *device;
	/* our own: the network's containers find each other by name */
	bool names;
	/* tuning */
	char *mac;
	struct pairs sysctl;
	bool promisc;
	bool all_multicast;
	bool has_txqlen;
	uint32_t txqlen;
};

extern const struct json_type cni_config_type;
extern const struct json_type cni_dns_type;

#define auto_cni_config __attribute__((cleanup(cni_config_free))) struct cni_config
void cni_config_free(struct cni_config *config);

/* What args.cni says, but for addresses, in the place of the configuration's own. */
void cni_config_take_args(struct cni_config *config);

/* Whether this entry is of those that make the interface, not of those that come after them
 * in a chain. */
bool cni_makes_interface(const struct cni_config *config);

/* Whether another plugin gives the addresses (ipam.c). */
bool cni_ipam_is_delegated(const struct cni_config *config);

/* The configuration as a network of ours. errnum ENOTSUP: a field that we do not support,
 * EINVAL: a wrong one. */
int cni_network(const struct cni_config *config, struct network *ret,
	struct error *err) must_check;
/* The zone of firewalld's that is asked for, or follows from firewalld's being there where
 * this entry stands for the firewall plugin: as that without "backend". errnum ENOTSUP: this
 * build cannot. */
int cni_zone(const struct cni_config *config, bool stands_for_firewall,
	struct attachment *record, struct error *err) must_check;
/* Its published ports, bandwidth, MAC address, aliases and requested addresses, the
 * latter also from CNI_ARGS. */
int cni_requests(const struct cni_config *config, const char *arguments,
	struct attach *attach, struct error *err) must_check;
