/* From an attachment's record to elements. A container's published ports lead to its first
 * address of each family. */
#include "netsetup/firewall/firewall_elements.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/firewall/publish.h"
#include "netsetup/netlink/netlink.h"

static void add_bridge(struct elements *elements, const char *set, const char *bridge)
{
	element_key_interface(elements_add(elements, set), bridge);
}

void firewall_network_elements(const struct network *network, struct elements *elements)
{
	const char *bridge = network->interface;
	struct element *pair;

	if (network->kind != NETWORK_BRIDGE || network->unmanaged)
		return; /* what passes there is not ours to forbid */
	add_bridge(elements, "bridges", bridge);
	pair = elements_add(elements, "bridged");
	element_key_interface(pair, bridge);
	element_key_interface(pair, bridge);
	if (network->isolation == NETWORK_STRICT)
		add_bridge(elements, "strict", bridge);
	if (network->isolation == NETWORK_SAME_BRIDGE)
		add_bridge(elements, "isolated", bridge);
	if (network->internal)
		add_bridge(elements, "internal", bridge);
}

void firewall_bridge_elements(const char *bridge, struct elements *elements)
{
	const struct network network = {
		.kind = NETWORK_BRIDGE,
		.interface = (char *)(uintptr_t)bridge,
		.isolation = NETWORK_STRICT,
		.internal = true,
	};

	firewall_network_elements(&network, elements);
	add_bridge(elements, "isolated", bridge);
}

/* A routed pair's end in the place of a bridge: it goes with the container, and what names
 * it has to as well. */
static bool is_alone(const struct attachment *record)
{
	return record->chained && str_equal(record->link, record->network.interface);
}

bool firewall_checks_mac(const struct attachment *record)
{
	return record->network.check_mac && record->network.kind == NETWORK_BRIDGE &&
	       record->link && record->mac;
}

static int add_mac(
	const struct attachment *record, struct elements *elements, struct error *err)
{
	struct element *element;
	struct netlink_mac mac;

	if (!firewall_checks_mac(record))
		return 0;
	if (netlink_mac_parse(record->mac, &mac, err) < 0)
		return -1;
	element = elements_add(elements, "macs");
	element->bridge = true;
	element_key_interface(element, record->link);
	element_key_mac(element, mac.bytes);
	element = elements_add(elements, "ports");
	element->bridge = true;
	element_key_interface(element, record->link);
	return 0;
}

/* A container's address of one family, and what its published ports ask for there. */
struct leading {
	const struct attachment *record;
	struct address address;
	const struct strings *conditions;
	const char *chain; /* that of the conditions; NULL: there are none */
};

/* Appends the one of the family, such as publish4, publish4_at. */
static struct element *add_to(struct elements *elements, const char *set,
	const struct leading *leading, const char *suffix)
{
	char name[16];

	snprintf(name, sizeof(name), "%s%d%s", set,
		leading->address.family == AF_INET6 ? 6 : 4, suffix);
	return elements_add(elements, name);
}

static void add_address(struct elements *elements, const struct leading *leading)
{
	const struct network *network = &leading->record->network;
	struct element *attached = add_to(elements, "attached", leading, "");

	element_key_address(attached, &leading->address);
	element_key_interface(attached, network->interface);
	if (network->masquerade)
		element_key_address(
			add_to(elements, "masquerade", leading, ""), &leading->address);
}

/* What the senders to a container's published ports are seen as, where that is not usual. */
static void add_inward(struct elements *elements, const struct leading *leading)
{
	const struct network *network = &leading->record->network;
	struct element *inward;

	if (leading->record->publish_count == 0 ||
		(!network->keep_sources && !network->hide_sources))
		return;
	inward = add_to(elements, "inward", leading, "");
	element_key_address(inward, &leading->address);
	inward->verdict = network->keep_sources ? ELEMENT_RETURN : ELEMENT_GOTO;
	inward->chain = "hide";
}

/* ---- ports --------------------------------------------------------------------------- */

/* 0.0.0.0 and :: are every address, but of one family. */
static bool has_any_host(const struct attachment_port *port)
{
	return !port->host_ip || str_equal(port->host_ip, "0.0.0.0") ||
	       str_equal(port->host_ip, "::");
}

static int add_port(struct elements *elements, const struct leading *leading,
	const struct attachment_port *port, struct error *err)
{
	struct address host;
	struct element *element;

	if (!publish_leads(port, leading->address.family))
		return 0;
	element = add_to(elements, leading->chain ? "chosen" : "publish", leading,
		has_any_host(port) ? "" : "_at");
	if (!has_any_host(port)) {
		if (address_parse(port->host_ip, "the host's address", &host, err) < 0)
			return -1;
		element_key_address(element, &host);
	}
	element_key_protocol(element, port->protocol);
	element_key_port(element, port->host_port);
	if (leading->chain) {
		element->verdict = ELEMENT_JUMP;
		element->chain = leading->chain;
	} else {
		element_leads_to(element, &leading->address, port->container_port);
	}
	return 0;
}

static char *chain_name(const struct attachment *record, int family)
{
	return attachment_link_name(family == AF_INET6 ? "only6" : "only4",
		record->network.name, record->container, record->interface);
}

/* One rule for the ports at any address of the host, one for those at a certain one. */
static void append_chain_rule(struct str *out, const struct leading *leading, bool any)
{
	const struct attachment *record = leading->record;
	const char *family = leading->address.family == AF_INET6 ? "ip6" : "ip";
	auto_free char *conditions = strings_join(leading->conditions, " ");
	auto_str ports = { 0 };

	for (size_t i = 0; i < record->publish_count; i++) {
		const struct attachment_port *port = &record->publish[i];

		if (!publish_leads(port, leading->address.family) ||
			has_any_host(port) != any)
			continue;
		str_append(&ports, ports.length ? ", " : "");
		if (!any)
			str_appendf(&ports, "%s . ", port->host_ip);
		str_appendf(&ports, "%s . %u : %s . %u",
			word_of_number(port_protocol_words, port->protocol),
			port->host_port, address_text(&leading->address).text,
			port->container_port);
	}
	if (!ports.length)
		return;
	str_appendf(out, "add rule inet " FIREWALL_TABLE " %s %s dnat %s to ",
		leading->chain, conditions, family);
	if (!any)
		str_appendf(out, "%s daddr . ", family);
	str_appendf(out, "meta l4proto . th dport map { %s }\n", ports.data);
}

static void append_chain(
	struct str *out, enum element_verb verb, const struct leading *leading)
{
	const char *chain = leading->chain;

	if (verb == ELEMENT_ADD)
		str_appendf(out, "add chain inet " FIREWALL_TABLE " %s\n", chain);
	str_appendf(out, "flush chain inet " FIREWALL_TABLE " %s\n", chain);
	if (verb == ELEMENT_DELETE) {
		str_appendf(out, "delete chain inet " FIREWALL_TABLE " %s\n", chain);
		return;
	}
	append_chain_rule(out, leading, false);
	append_chain_rule(out, leading, true);
}

/* ---- all ----------------------------------------------------------------------------- */

/* Of the record's address at i; ret_first: it is the first of its family. */
static int read_leading(const struct attachment *record, size_t i, struct leading *ret,
	bool *ret_first, struct error *err)
{
	struct leading leading = { .record = record };

	*ret_first = true;
	if (address_parse_prefix(
		    record->addresses[i].address, "address", &leading.address, err) < 0)
		return -1;
	for (size_t j = 0; j < i; j++)
		if (address_family(record->addresses[j].address) ==
			leading.address.family)
			*ret_first = false;
	leading.conditions = leading.address.family == AF_INET6 ? &record->conditions_v6
								: &record->conditions_v4;
	*ret = leading;
	return 0;
}

static int add_ports(
	struct elements *elements, struct leading *leading, struct error *err)
{
	const struct attachment *record = leading->record;

	if (leading->conditions->count > 0) {
		strings_add_take(
			&elements->chains, chain_name(record, leading->address.family));
		leading->chain = elements->chains.items[elements->chains.count - 1];
	}
	for (size_t i = 0; i < record->publish_count; i++)
		if (add_port(elements, leading, &record->publish[i], err) < 0)
			return -1;
	return 0;
}

int firewall_record_elements(
	const struct attachment *record, struct elements *elements, struct error *err)
{
	if (add_mac(record, elements, err) < 0)
		return -1;
	if (is_alone(record))
		firewall_network_elements(&record->network, elements);
	for (size_t i = 0; i < record->addresses_count; i++) {
		struct leading leading;
		bool first;

		if (read_leading(record, i, &leading, &first, err) < 0)
			return -1;
		add_address(elements, &leading);
		add_inward(elements, &leading);
		if (first && add_ports(elements, &leading, err) < 0)
			return -1;
	}
	return 0;
}

int firewall_append_chains(struct str *out, enum element_verb verb,
	const struct attachment *record, struct error *err)
{
	for (size_t i = 0; i < record->addresses_count; i++) {
		auto_free char *chain = NULL;
		struct leading leading;
		bool first;

		if (read_leading(record, i, &leading, &first, err) < 0)
			return -1;
		if (!first || leading.conditions->count == 0)
			continue;
		chain = chain_name(record, leading.address.family);
		leading.chain = chain;
		append_chain(out, verb, &leading);
	}
	return 0;
}
