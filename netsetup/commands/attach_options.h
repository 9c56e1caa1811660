/*
 * What people ask for of an attachment, by hand (add) and in the arguments of a hook: one
 * struct, a member `attach` of the command's options, and ATTACH_OPTIONS in its table.
 */
#pragma once

#include "base/command.h"
#include "netsetup/attach.h"

struct attach_options {
	const char *network;
	const char *interface;
	struct strings ips;
	const char *mac;
	struct strings publish;
	struct strings aliases;
	const char *ingress;
	const char *egress;
};

/* clang-format off */
#define ATTACH_OPTIONS(S)                                                                \
	OPTION_STRING(S, attach.network, "network", 'n', "NETWORK",                      \
		"the network to attach to", .initial = NETWORK_DEFAULT),                 \
	OPTION_STRING(S, attach.interface, "interface", 'i', "NAME",                     \
		"its interface in the container", .initial = "eth0"),                    \
	OPTION_STRINGS(S, attach.ips, "ip", 0, "ADDRESS",                                \
		"an address of the network's, instead of the next free one"),            \
	OPTION_STRING(S, attach.mac, "mac", 0, "MAC", "the interface's MAC address"),    \
	OPTION_STRINGS(S, attach.publish, "publish", 'p', "[IP:]PORT:PORT[/PROTOCOL]",   \
		"a port of the host that leads to one inside, or FIRST-LAST to as many"), \
	OPTION_STRINGS(S, attach.aliases, "alias", 0, "NAME",                            \
		"another name of the container on this network"),                        \
	OPTION_STRING(S, attach.ingress, "ingress", 0, "RATE",                           \
		"what it may receive: bits a second, or with K, M or G thousands of them"), \
	OPTION_STRING(S, attach.egress, "egress", 0, "RATE", "what it may send")
/* clang-format on */

/* Parses them into what is asked for, and loads the network. */
int attach_options_fill(const struct attach_options *options, struct attach *attach,
	struct error *err) must_check;
/* The namespace of a process; for root it will be named as the container, unless it is. */
int attach_use_process(struct attach *attach, pid_t pid, struct error *err) must_check;
/* attach_plan(), and that each published port can lead to an address. */
int attach_options_plan(struct attach *attach, struct error *err) must_check;
