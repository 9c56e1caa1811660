/* The table of commands and of the options that all of them have. */
#include "netsetup/commands/commands.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "netsetup/commands/options.h"
#include "netsetup/network.h"
#include "netsetup/settings.h"

/* clang-format off */
static const struct option_spec global_options[] = {
	OPTION_STRING(struct settings, root, "root", 0, "DIR",
		"keep all state there instead of /var/lib/mocker and /run/mocker"),
	OPTION_STRING(struct settings, log, "log", 0, "FILE",
		"append the log there instead of standard error"),
	OPTION_STRING(struct settings, log_format, "log-format", 0, "FORMAT",
		"of the log", .initial = "text", .values = "text|json"),
	OPTION_FLAG(struct settings, debug, "debug", 0, "log what is done"),
	OPTION_END,
};

static const struct option_spec add_options[] = {
	ATTACH_OPTIONS(struct add_options),
	OPTION_U32(struct add_options, pid, "pid", 0, "PID",
		"the namespace of this process, named NAME", OPTION_HAS(struct add_options, pid)),
	OPTION_STRING(struct add_options, netns, "netns", 0, "PATH",
		"the namespace at this path, attached as NAME"),
	OPTION_FLAG(struct add_options, json, "json", 0, "print the whole record"),
	OPTION_END,
};

static const struct option_spec del_options[] = {
	OPTION_STRING(struct del_options, network, "network", 'n', "NETWORK",
		"only from this network"),
	OPTION_STRING(struct del_options, interface, "interface", 'i', "NAME",
		"only this interface"),
	OPTION_FLAG(struct del_options, force, "force", 'f',
		"succeed where nothing is attached"),
	OPTION_END,
};

static const struct option_spec list_options[] = {
	OPTION_FLAG(struct list_options, json, "json", 0, "print JSON"),
	OPTION_END,
};

static const struct option_spec inspect_options[] = {
	OPTION_FLAG(struct list_options, json, "json", 0, "print JSON, as it does anyway"),
	OPTION_END,
};

static const struct option_spec hook_options[] = {
	ATTACH_OPTIONS(struct hook_options),
	OPTION_STRING(struct hook_options, name, "name", 0, "NAME",
		"the namespace's name under /run/netns; without it the container's id"),
	OPTION_STRING(struct hook_options, hosts, "hosts", 0, "FILE",
		"the container's /etc/hosts, which gets its addresses; relative to the bundle"),
	OPTION_STRING(struct hook_options, resolv_conf, "resolv-conf", 0, "FILE",
		"its /etc/resolv.conf, which gets the network's name servers; the same"),
	OPTION_END,
};

static const struct option_spec create_options[] = {
	OPTION_STRINGS(struct create_options, subnets, "subnet", 's', "ADDRESS/PREFIX",
		"where addresses come from; without it a free one of 10.x.x.0/24"),
	OPTION_STRINGS(struct create_options, gateways, "gateway", 'g', "ADDRESS",
		"the bridge's own, one for each subnet; without it the subnet's first"),
	OPTION_STRINGS(struct create_options, ranges, "range", 0, "ADDRESS-ADDRESS",
		"the part of the subnet that is given out, one for each subnet"),
	OPTION_STRING(struct create_options, interface, "interface", 'i', "NAME",
		"the bridge, made on first use; of other kinds the host's interface"),
	OPTION_STRING(struct create_options, kind, "kind", 'k', "KIND", "what connects it: bridge for root, else user (pasta)",
		.values = "bridge|macvlan|ipvlan|host-device|user"),
	OPTION_STRING(struct create_options, isolation, "isolation", 0, "HOW",
		"what other networks may reach", .initial = "strict",
		.values = "strict|same-bridge|open"),
	OPTION_STRING(struct create_options, mode, "mode", 0, "MODE",
		"of macvlan (bridge, private, vepa, passthru) or ipvlan (l2, l3, l3s)"),
	OPTION_U32(struct create_options, mtu, "mtu", 0, "BYTES",
		"without it that of the host's default route"),
	OPTION_U32(struct create_options, vlan, "vlan", 0, "NUMBER",
		"containers are in this VLAN of the bridge"),
	OPTION_FLAG(struct create_options, internal, "internal", 0,
		"no way out: no default route, and nothing is forwarded"),
	OPTION_FLAG(struct create_options, no_masquerade, "no-masquerade", 0,
		"packets leave with the container's own address"),
	OPTION_FLAG(struct create_options, isolated_ports, "isolate-containers", 0,
		"containers of this network do not reach each other"),
	OPTION_FLAG(struct create_options, check_mac, "check-mac", 0,
		"drop what a container sends with another MAC address than its own"),
	OPTION_FLAG(struct create_options, dns, "dns", 0,
		"containers find each other by name and alias; needs dnsmasq"),
	OPTION_FLAG(struct create_options, detect_duplicates, "detect-duplicates", 0,
		"look for duplicates of IPv6 addresses, which takes a second and more"),
	OPTION_FLAG(struct create_options, unmanaged, "unmanaged", 0,
		"the bridge is somebody else's: it gets no address and no rules"),
	OPTION_END,
};

static const struct command network_commands[] = {
	{ .name = "create", .operands = "NAME", .summary = "define a network",
	  .details = "The bridge is made when the first container is attached. The network "
		"\"default\" needs no definition: it is mocker0 with 10.0.0.1/24.",
	  .options = create_options, .options_size = sizeof(struct create_options),
	  .operands_min = 1, .operands_max = 1, .permute = true,
	  .run = cmd_network_create },
	{ .name = "rm", .operands = "NAME...", .summary = "remove networks and their bridges",
	  .operands_min = 1, .operands_max = -1, .run = cmd_network_rm },
	{ .name = "ls", .summary = "list the networks",
	  .options = list_options, .options_size = sizeof(struct list_options),
	  .run = cmd_network_ls },
	{ .name = "inspect", .operands = "NAME", .summary = "print a network as JSON",
	  .options = inspect_options, .options_size = sizeof(struct list_options),
	  .operands_min = 1, .operands_max = 1, .permute = true,
	  .run = cmd_network_inspect },
	{ .name = "prune", .summary = "remove the networks that nothing is attached to",
	  .options = list_options, .options_size = sizeof(struct list_options),
	  .run = cmd_network_prune },
	{ 0 },
};

static const struct command commands[] = {
	{ .name = "add", .operands = "NAME|PID|NETNS",
	  .summary = "attach a network namespace to a network and print its address",
	  .details = "NAME is a network namespace under /run/netns, made there if there is "
		"none; PID is that of a process, NETNS the path of a namespace. With --pid, the "
		"process's namespace will be called NAME: `ip netns exec NAME` finds it. With "
		"--netns, NAME is only what it is attached as.",
	  .options = add_options, .options_size = sizeof(struct add_options),
	  .operands_min = 1, .operands_max = 1, .permute = true, .run = cmd_add },
	{ .name = "del", .operands = "NAME", .summary = "detach it and free its addresses",
	  .options = del_options, .options_size = sizeof(struct del_options),
	  .operands_min = 1, .operands_max = 1, .permute = true, .run = cmd_del },
	{ .name = "list", .summary = "list what is attached",
	  .options = list_options, .options_size = sizeof(struct list_options),
	  .run = cmd_list },
	{ .name = "inspect", .operands = "NAME", .summary = "print its attachments as JSON",
	  .options = inspect_options, .options_size = sizeof(struct list_options),
	  .operands_min = 1, .operands_max = 1, .permute = true, .run = cmd_inspect },
	{ .name = "check", .operands = "[NAME]",
	  .summary = "compare attachments with what the kernel has",
	  .details = "Prints a line for each that is damaged, in JSON an object for every one, and "
		"exits with 1 if any is.",
	  .options = list_options, .options_size = sizeof(struct list_options),
	  .operands_max = 1, .permute = true, .run = cmd_check },
	{ .name = "gc", .summary = "remove what belongs to namespaces that are gone",
	  .details = "Interfaces, rules, ports and addresses, also of attachments that were "
		"interrupted. Prints a line for each that it removes.",
	  .options = list_options, .options_size = sizeof(struct list_options),
	  .run = cmd_gc },
	{ .name = "status", .summary = "say how full the networks are",
	  .details = "Exits with 1 if one is exhausted.",
	  .options = list_options, .options_size = sizeof(struct list_options), .run = cmd_status },
	{ .name = "reload", .summary = "set all firewall rules anew",
	  .details = "After somebody else flushed the ruleset, in one transaction. Name "
		"servers that ended are started again, and firewalld is told of its zones.",
	  .run = cmd_reload },
	{ .name = "trace", .operands = "NAME [DESTINATION]",
	  .summary = "explain the way of a packet from a container",
	  .details = "DESTINATION is an address, ADDRESS:PORT (TCP) or another container's "
		"name; without one it is the world. Routes, bridge and rules are asked as "
		"they are now; nothing is sent. Rules of others are evaluated where they match "
		"by interface, address, port, protocol and state, else named as what may be "
		"met. Exits with 1 if the packet is dropped.",
	  .options = list_options, .options_size = sizeof(struct list_options),
	  .operands_min = 1, .operands_max = 2, .permute = true, .run = cmd_trace },
	{ .name = "hook", .summary = "be an OCI hook: attach or detach by the state on "
		"standard input",
	  .details = "As createRuntime it attaches the container, as poststop it detaches "
		"what a hook attached for it; the same command line serves both.",
	  .options = hook_options, .options_size = sizeof(struct hook_options),
	  .run = cmd_hook },
	{ .name = "network", .summary = "define networks", .commands = network_commands },
	{ 0 },
};
/* clang-format on */

int command_places(const struct command_call *call, struct places *ret, struct error *err)
{
	const struct settings *settings = call->global;

	return places_find(
		settings->root ? settings->root : getenv(PLACES_ENVIRONMENT), ret, err);
}

bool command_is_number(const char *text)
{
	return text[0] && text[strspn(text, "0123456789")] == '\0';
}

char *command_container(const struct places *places, const char *operand)
{
	auto_free char *path = path_join(places->attachments, path_base(operand));

	if (!command_is_number(operand) || access(path, F_OK) == 0)
		return str_dup(path_base(operand));
	return str_format("pid-%s", operand);
}

static int prepare(const void *global, struct error *err)
{
	const struct settings *settings = global;

	return log_open(
		&(struct log_options){
			.program = "mocker-netsetup",
			.file = settings->log,
			.json = str_equal(settings->log_format, "json"),
			.debug = settings->debug,
		},
		err);
}

const struct program netsetup_program = {
	.name = "mocker-netsetup",
	.summary =
		"Wires network namespaces onto bridges: by hand, as an OCI hook, as a CNI "
		"plugin",
	.version = VERSION,
	.options = global_options,
	.options_size = sizeof(struct settings),
	.commands = commands,
	.prepare = prepare,
};
