/* The text of the table and of each record's elements, in nft's language. */
#include "netsetup/firewall.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "netsetup/address.h"
#include "netsetup/firewall_nft.h"

#define TABLE  "inet " FIREWALL_TABLE
#define BRIDGE "bridge " FIREWALL_TABLE

/* Chains are emptied and filled again, so that two processes that both found no table do
 * not leave each rule twice. */
static const char base_text[] =
	"table " TABLE " {\n"
	"	set bridges { type ifname; }\n"
	"	set strict { type ifname; }\n"
	"	set isolated { type ifname; }\n"
	"	set bridged { type ifname . ifname; }\n"
	"	set attached4 { type ipv4_addr . ifname; }\n"
	"	set attached6 { type ipv6_addr . ifname; }\n"
	"	set masquerade4 { type ipv4_addr; }\n"
	"	set masquerade6 { type ipv6_addr; }\n"
	"	map publish4 { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	"	map publish6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	"	map publish4_at {\n"
	"		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;\n"
	"	}\n"
	"	map publish6_at {\n"
	"		type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service;\n"
	"	}\n"
	"	map chosen4 { type inet_proto . inet_service : verdict; }\n"
	"	map chosen6 { type inet_proto . inet_service : verdict; }\n"
	"	map chosen4_at { type ipv4_addr . inet_proto . inet_service : verdict; }\n"
	"	map chosen6_at { type ipv6_addr . inet_proto . inet_service : verdict; }\n"
	"	map inward4 { type ipv4_addr : verdict; }\n"
	"	map inward6 { type ipv6_addr : verdict; }\n"
	"	chain publish { }\n"
	"	chain hide { }\n"
	"	chain inward { }\n"
	"	chain guard { type filter hook prerouting priority raw + 10; }\n"
	"	chain prerouting { type nat hook prerouting priority dstnat + 10; }\n"
	"	chain output { type nat hook output priority -90; }\n"
	"	chain postrouting { type nat hook postrouting priority srcnat + 10; }\n"
	"	chain forward { type filter hook forward priority filter + 10; }\n"
	"}\n"
	"flush chain " TABLE " publish\n"
	"flush chain " TABLE " hide\n"
	"flush chain " TABLE " inward\n"
	"flush chain " TABLE " guard\n"
	"flush chain " TABLE " prerouting\n"
	"flush chain " TABLE " output\n"
	"flush chain " TABLE " postrouting\n"
	"flush chain " TABLE " forward\n"
	"table " TABLE " {\n"
	/* Ports with conditions lead to a chain of their attachment's. */
	"	chain publish {\n"
	"		ip daddr . meta l4proto . th dport vmap @chosen4_at\n"
	"		meta nfproto ipv4 meta l4proto . th dport vmap @chosen4\n"
	"		ip6 daddr . meta l4proto . th dport vmap @chosen6_at\n"
	"		meta nfproto ipv6 meta l4proto . th dport vmap @chosen6\n"
	"		dnat ip to ip daddr . meta l4proto . th dport map @publish4_at\n"
	"		dnat ip to meta l4proto . th dport map @publish4\n"
	"		dnat ip6 to ip6 daddr . meta l4proto . th dport map @publish6_at\n"
	"		dnat ip6 to meta l4proto . th dport map @publish6\n"
	"	}\n"
	/* route_localnet, which lets the host's 127.0.0.1:PORT lead to a container, would
	 * let containers reach what listens on the host's loopback. */
	"	chain guard {\n"
	"		iifname @bridges ip daddr 127.0.0.0/8 counter drop\n"
	"	}\n"
	"	chain prerouting { fib daddr type local jump publish; }\n"
	"	chain output { fib daddr type local jump publish; }\n"
	"	chain hide { masquerade; }\n"
	/* A published port reached from the same bridge, or from the host's loopback: the
	 * answer must come back this way. Unless the container wants every source hidden, or
	 * none. */
	"	chain inward {\n"
	"		ip daddr vmap @inward4\n"
	"		ip6 daddr vmap @inward6\n"
	"		ip saddr . oifname @attached4 masquerade\n"
	"		ip6 saddr . oifname @attached6 masquerade\n"
	"		ip saddr 127.0.0.0/8 oifname @bridges masquerade\n"
	"		ip6 saddr ::1 oifname @bridges masquerade\n"
	"	}\n"
	"	chain postrouting {\n"
	"		ct status dnat jump inward\n"
	"		ip daddr 224.0.0.0/4 return\n"
	"		ip daddr 255.255.255.255 return\n"
	"		ip6 daddr ff00::/8 return\n"
	"		ip saddr . oifname @attached4 return\n"
	"		ip6 saddr . oifname @attached6 return\n"
	"		ip saddr @masquerade4 masquerade\n"
	"		ip6 saddr @masquerade6 masquerade\n"
	"	}\n"
	"	chain forward {\n"
	"		iifname . oifname @bridged accept\n"
	"		ct state established,related accept\n"
	"		ct status dnat accept\n"
	"		iifname @strict oifname @bridges counter drop\n"
	"		iifname @bridges oifname @strict counter drop\n"
	"		iifname @isolated oifname @isolated counter drop\n"
	"	}\n"
	"}\n";

/* Of its own, since many kernels have no rules for bridges, and few networks need them. */
static const char bridge_text[] =
	"table " BRIDGE " {\n"
	"	set ports { type ifname; }\n"
	"	set macs { type ifname . ether_addr; }\n"
	"	chain prerouting { type filter hook prerouting priority -290; }\n"
	"}\n"
	"flush chain " BRIDGE " prerouting\n"
	"table " BRIDGE " {\n"
	"	chain prerouting {\n"
	"		iifname . ether saddr @macs accept\n"
	"		iifname @ports counter drop\n"
	"	}\n"
	"}\n";

bool firewall_wanted(const struct attachment *record)
{
	const struct network *network = &record->network;

	if (network->kind == NETWORK_USER)
		return false;
	if (record->publish_count > 0 || network->masquerade || network->check_mac)
		return true;
	/* An entry for the firewall alone, after another plugin's bridge. */
	if (record->chained)
		return network->isolation != NETWORK_OPEN;
	return network->kind == NETWORK_BRIDGE && !network->unmanaged &&
	       (network->isolation == NETWORK_STRICT ||
		       network->isolation == NETWORK_SAME_BRIDGE);
}

/* ---- elements ------------------------------------------------------------------------ */

static void element(struct str *out, const char *verb, const char *set, const char *text)
{
	str_appendf(out, "%s element " TABLE " %s { %s }\n", verb, set, text);
}

static bool checks_mac(const struct attachment *record)
{
	return record->network.check_mac && record->link && record->mac;
}

static void append_mac(struct str *out, const char *verb, const struct attachment *record)
{
	if (!checks_mac(record))
		return;
	str_appendf(out, "%s element " BRIDGE " macs { \"%s\" . %s }\n", verb,
		record->link, record->mac);
	str_appendf(out, "%s element " BRIDGE " ports { \"%s\" }\n", verb, record->link);
}

/* Of the network: they stay when a container goes, and say nothing about it. */
static void append_network(struct str *out, const struct network *network)
{
	auto_free char *name = str_format("\"%s\"", network->interface);
	auto_free char *pair = str_format("%s . %s", name, name);

	element(out, "add", "bridges", name);
	element(out, "add", "bridged", pair);
	if (network->isolation == NETWORK_STRICT)
		element(out, "add", "strict", name);
	if (network->isolation == NETWORK_SAME_BRIDGE)
		element(out, "add", "isolated", name);
}

static void append_address(struct str *out, const char *verb, const char *ip, bool inet6,
	const struct network *network)
{
	auto_free char *attached = str_format("%s . \"%s\"", ip, network->interface);

	element(out, verb, inet6 ? "attached6" : "attached4", attached);
	if (network->masquerade)
		element(out, verb, inet6 ? "masquerade6" : "masquerade4", ip);
}

/* What the senders to a container's published ports are seen as, where that is not usual. */
static void append_inward(struct str *out, const char *verb, const char *ip, bool inet6,
	const struct attachment *record)
{
	const struct network *network = &record->network;
	auto_str text = { 0 };

	if (record->publish_count == 0 ||
		(!network->keep_sources && !network->hide_sources))
		return;
	str_append(&text, ip);
	if (str_equal(verb, "add"))
		str_append(&text, network->keep_sources ? " : return" : " : goto hide");
	element(out, verb, inet6 ? "inward6" : "inward4", text.data);
}

/* A container's address of one family, and what its published ports ask for there. */
struct leading {
	const struct attachment *record;
	const char *ip;
	bool inet6;
	const struct strings *conditions;
	char *chain; /* that of the conditions */
};

/* 0.0.0.0 and :: are every address, but of one family. */
static bool has_any_host(const struct attachment_port *port)
{
	return !port->host_ip || str_equal(port->host_ip, "0.0.0.0") ||
	       str_equal(port->host_ip, "::");
}

static bool leads(const struct leading *leading, const struct attachment_port *port)
{
	return !port->host_ip || !!strchr(port->host_ip, ':') == leading->inet6;
}

/* "tcp . 80", or with the host's address before it. */
static void append_key(struct str *out, const struct attachment_port *port)
{
	if (!has_any_host(port))
		str_appendf(out, "%s . ", port->host_ip);
	str_appendf(out, "%s . %u",
		word_of_number(attachment_protocol_words, port->protocol),
		port->host_port);
}

static void append_port(struct str *out, const char *verb, const struct leading *leading,
	const struct attachment_port *port)
{
	bool chosen = leading->conditions->count > 0;
	auto_str text = { 0 };
	char set[16];

	if (!leads(leading, port))
		return;
	snprintf(set, sizeof(set), "%s%d%s", chosen ? "chosen" : "publish",
		leading->inet6 ? 6 : 4, has_any_host(port) ? "" : "_at");
	append_key(&text, port);
	if (str_equal(verb, "add") && chosen)
		str_appendf(&text, " : jump %s", leading->chain);
	else if (str_equal(verb, "add"))
		str_appendf(&text, " : %s . %u", leading->ip, port->container_port);
	element(out, verb, set, text.data);
}

/* One rule for the ports at any address of the host, one for those at a certain one. */
static void append_chosen_rule(struct str *out, const struct leading *leading, bool any)
{
	const struct attachment *record = leading->record;
	const char *family = leading->inet6 ? "ip6" : "ip";
	auto_free char *conditions = strings_join(leading->conditions, " ");
	auto_str ports = { 0 };

	for (size_t i = 0; i < record->publish_count; i++) {
		const struct attachment_port *port = &record->publish[i];

		if (!leads(leading, port) || has_any_host(port) != any)
			continue;
		str_append(&ports, ports.length ? ", " : "");
		append_key(&ports, port);
		str_appendf(&ports, " : %s . %u", leading->ip, port->container_port);
	}
	if (!ports.length)
		return;
	str_appendf(out, "add rule " TABLE " %s %s dnat %s to ", leading->chain,
		conditions, family);
	if (!any)
		str_appendf(out, "%s daddr . ", family);
	str_appendf(out, "meta l4proto . th dport map { %s }\n", ports.data);
}

/* The chain must be there before an element leads to it, and as long as one does. */
static void append_chosen(
	struct str *out, const char *verb, const struct leading *leading)
{
	if (str_equal(verb, "get")) {
		str_appendf(out, "list chain " TABLE " %s\n", leading->chain);
		return;
	}
	if (str_equal(verb, "add"))
		str_appendf(out, "add chain " TABLE " %s\n", leading->chain);
	str_appendf(out, "flush chain " TABLE " %s\n", leading->chain);
	if (str_equal(verb, "delete")) {
		str_appendf(out, "delete chain " TABLE " %s\n", leading->chain);
		return;
	}
	append_chosen_rule(out, leading, false);
	append_chosen_rule(out, leading, true);
}

static void append_ports(struct str *out, const char *verb, const char *ip, bool inet6,
	const struct attachment *record)
{
	const struct leading leading = {
		.record = record,
		.ip = ip,
		.inet6 = inet6,
		.conditions = inet6 ? &record->conditions_v6 : &record->conditions_v4,
		.chain = attachment_link_name(inet6 ? "only6" : "only4",
			record->network.name, record->container, record->interface),
	};
	bool chosen = leading.conditions->count > 0;

	if (chosen && !str_equal(verb, "delete"))
		append_chosen(out, verb, &leading);
	for (size_t i = 0; i < record->publish_count; i++)
		append_port(out, verb, &leading, &record->publish[i]);
	if (chosen && str_equal(verb, "delete"))
		append_chosen(out, verb, &leading);
	free(leading.chain);
}

/* A container's published ports lead to its first address of each family. */
static void append_record(
	struct str *out, const char *verb, const struct attachment *record)
{
	bool published[2] = { false, false };

	append_mac(out, verb, record);
	for (size_t i = 0; i < record->addresses_count; i++) {
		const char *address = record->addresses[i].address;
		auto_free char *ip = str_dup_n(address, strcspn(address, "/"));
		bool inet6 = strchr(ip, ':');

		append_address(out, verb, ip, inet6, &record->network);
		append_inward(out, verb, ip, inet6, record);
		if (!published[inet6])
			append_ports(out, verb, ip, inet6, record);
		published[inet6] = true;
	}
}

/* ---- transactions -------------------------------------------------------------------- */

int firewall_add(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_str text = { 0 };
	auto_str whole = { 0 };

	if (!firewall_wanted(record))
		return 0;
	append_network(&text, &record->network);
	append_record(&text, "add", record);
	if (nft_run(firewall, text.data, err) == 0)
		return 0;
	if (err->errnum == ENOENT) {
		str_appendf(&whole, "%s%s%s", base_text,
			checks_mac(record) ? bridge_text : "", text.data);
		if (nft_run(firewall, whole.data, err) == 0)
			return 0;
	}
	return -1;
}

/* One element that is missing refuses the whole transaction: then one by one. */
int firewall_remove(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_str text = { 0 };
	auto_strings lines = { 0 };
	int result = 0;

	if (!firewall_wanted(record))
		return 0;
	append_record(&text, "delete", record);
	if (!text.data)
		return 0;
	if (nft_run(firewall, text.data, err) == 0)
		return 0;
	if (err->errnum != ENOENT)
		return -1;
	strings_split(&lines, text.data, '\n');
	strings_each (line, &lines) {
		if (**line && nft_run(firewall, *line, err) < 0 && err->errnum != ENOENT)
			result = -1;
	}
	return result;
}

static bool any_checks_mac(const struct attachments *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (checks_mac(&list->items[i]))
			return true;
	return false;
}

int firewall_reload(
	struct firewall *firewall, const struct attachments *list, struct error *err)
{
	auto_str text = { 0 };

	str_append(&text, "add table " TABLE "\ndelete table " TABLE "\n");
	str_append(&text, base_text);
	if (any_checks_mac(list))
		str_append(&text, "add table " BRIDGE "\ndelete table " BRIDGE "\n");
	if (any_checks_mac(list))
		str_append(&text, bridge_text);
	for (size_t i = 0; i < list->count; i++) {
		if (!firewall_wanted(&list->items[i]))
			continue;
		append_network(&text, &list->items[i].network);
		append_record(&text, "add", &list->items[i]);
	}
	return nft_run(firewall, text.data, err);
}

int firewall_check(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_str text = { 0 };

	if (!firewall_wanted(record))
		return 0;
	append_record(&text, "get", record);
	if (!text.data)
		return 0;
	if (nft_run(firewall, text.data, err) < 0)
		return fail(err, "its firewall rules are lost; mocker-netsetup reload "
				 "restores them");
	return 0;
}
