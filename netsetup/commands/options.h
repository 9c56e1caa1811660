/* What each command's options are read into; their tables stand in commands.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "netsetup/commands/attach_options.h"

struct add_options {
	struct attach_options attach;
	const char *netns;
	uint32_t pid;
	bool has_pid;
	bool json;
};

struct del_options {
	const char *network;
	const char *interface;
	bool force;
};

struct list_options {
	bool json;
};

struct hook_options {
	struct attach_options attach;
	const char *name;
	const char *hosts;
	const char *resolv_conf;
};

struct create_options {
	struct strings subnets;
	struct strings gateways;
	struct strings ranges;
	const char *interface;
	const char *kind;
	const char *isolation;
	const char *mode;
	uint32_t mtu;
	uint32_t vlan;
	bool internal;
	bool no_masquerade;
	bool isolated_ports;
	bool check_mac;
	bool dns;
	bool detect_duplicates;
	bool unmanaged;
};
