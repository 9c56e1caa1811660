/* The tables of results, and writing them as each version wants it. */
#include "netsetup/cni/result.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* clang-format off */
static const struct json_field interface_fields[] = {
	JSON_STRING(struct cni_interface, name, "name"),
	JSON_STRING(struct cni_interface, mac, "mac"),
	JSON_U32(struct cni_interface, mtu, "mtu"),
	JSON_STRING(struct cni_interface, sandbox, "sandbox"),
	JSON_STRING(struct cni_interface, socket_path, "socketPath"),
	JSON_STRING(struct cni_interface, pci_id, "pciID"),
	JSON_END,
};
static const struct json_type interface_type =
	JSON_TYPE(struct cni_interface, interface_fields);

static const struct json_field ip_fields[] = {
	JSON_STRING(struct cni_ip, version, "version"),
	JSON_U32_OPT(struct cni_ip, interface, "interface"),
	JSON_STRING(struct cni_ip, address, "address", .required = true),
	JSON_STRING(struct cni_ip, gateway, "gateway"),
	JSON_END,
};
static const struct json_type ip_type = JSON_TYPE(struct cni_ip, ip_fields);

static const struct json_field result_fields[] = {
	JSON_STRING(struct cni_result, version, "cniVersion"),
	JSON_ARRAY(struct cni_result, interfaces, "interfaces", &interface_type),
	JSON_ARRAY(struct cni_result, ips, "ips", &ip_type),
	JSON_ARRAY(struct cni_result, routes, "routes", &network_route_type),
	JSON_STRUCT(struct cni_result, dns, "dns", &cni_dns_type, .always = true),
	JSON_U32(struct cni_result, error_code, "code"),
	JSON_END,
};
const struct json_type cni_result_type = JSON_TYPE(struct cni_result, result_fields);
/* clang-format on */

void cni_result_free(struct cni_result *result)
{
	json_free(&cni_result_type, result);
}

/* ---- versions ------------------------------------------------------------------------ */

static const struct word versions[] = {
	{ "0.3.0", 300 },
	{ "0.3.1", 301 },
	{ "0.4.0", 400 },
	{ "1.0.0", 10000 },
	{ "1.1.0", 10100 },
	{ NULL, 0 },
};

unsigned cni_version(const char *text)
{
	int64_t number;

	return text && word_to_number(versions, text, &number) ? (unsigned)number : 0;
}

void cni_append_versions(struct str *out, const char *version)
{
	str_append(out, "{\"cniVersion\":");
	json_append_string(out, version && version[0] ? version : "1.1.0");
	str_append(out, ",\"supportedVersions\":[");
	for (const struct word *known = versions; known->word; known++)
		str_appendf(out, "%s\"%s\"", known == versions ? "" : ",", known->word);
	str_append(out, "]}\n");
}

void cni_append_error(
	struct str *out, const char *version, enum cni_code code, const char *text)
{
	str_append(out, "{\"cniVersion\":");
	json_append_string(out, cni_version(version) ? version : "1.1.0");
	str_appendf(out, ",\"code\":%d,\"msg\":", (int)code);
	json_append_string(out, text);
	str_append(out, "}\n");
}

/* ---- results ------------------------------------------------------------------------- */

static void add_interface(struct cni_result *result, unsigned version,
	const struct cni_interface *interface)
{
	struct cni_interface *last;

	result->interfaces = str_realloc(result->interfaces, result->interfaces_count + 1,
		sizeof(*result->interfaces));
	last = &result->interfaces[result->interfaces_count++];
	*last = (struct cni_interface){
		.name = str_dup(interface->name),
		.mac = str_dup(interface->mac),
		.mtu = version >= 10100 ? interface->mtu : 0,
		.sandbox = str_dup(interface->sandbox),
	};
}

static void add_ips(
	struct cni_result *result, unsigned version, const struct attachment *record)
{
	result->ips = str_alloc((record->addresses_count + 1) * sizeof(*result->ips));
	for (size_t i = 0; i < record->addresses_count; i++) {
		const struct attachment_address *has = &record->addresses[i];

		result->ips[i] = (struct cni_ip){
			.has_interface = true,
			.interface = (uint32_t)result->interfaces_count - 1,
			.address = str_dup(has->address),
			.gateway = str_dup(has->gateway),
		};
		if (version < 10000)
			result->ips[i].version = str_dup(
				address_family(has->address) == AF_INET6 ? "6" : "4");
	}
	result->ips_count = record->addresses_count;
}

static void add_route(struct cni_result *result, const struct network_route *route)
{
	result->routes = str_realloc(
		result->routes, result->routes_count + 1, sizeof(*result->routes));
	result->routes[result->routes_count++] = *route;
}

/* Whether the configuration's routes say it already. */
static bool has_route(const struct cni_result *result, const char *destination)
{
	for (size_t i = 0; i < result->routes_count; i++)
		if (str_equal(result->routes[i].destination, destination))
			return true;
	return false;
}

static void add_routes(
	struct cni_result *result, unsigned version, const struct attachment *record)
{
	for (size_t i = 0; i < record->network.routes_count; i++) {
		const struct network_route *has = &record->network.routes[i];
		struct network_route route = { 0 };

		if (version >= 10100)
			route = *has;
		route.destination = str_dup(has->destination);
		route.gateway = str_dup(has->gateway);
		add_route(result, &route);
	}
	for (size_t i = 0; record->network.default_route && i < record->addresses_count;
		i++) {
		const struct attachment_address *has = &record->addresses[i];
		const char *everywhere =
			address_family(has->address) == AF_INET6 ? "::/0" : "0.0.0.0/0";

		if (has_route(result, everywhere))
			continue;
		add_route(result,
			&(struct network_route){ .destination = str_dup(everywhere),
				.gateway = str_dup(has->gateway) });
	}
}

void cni_dns_add_line(struct cni_dns *dns, const char *line)
{
	auto_strings words = { 0 };
	auto_free char *copy = str_dup(line);
	struct strings *list = NULL;

	for (char *c = copy; *c; c++)
		*c = *c == '\t' || *c == '\r' ? ' ' : *c;
	strings_split(&words, copy, ' ');
	if (words.count < 2)
		return;
	if (str_equal(words.items[0], "nameserver"))
		list = &dns->nameservers;
	else if (str_equal(words.items[0], "search"))
		list = &dns->search;
	else if (str_equal(words.items[0], "options"))
		list = &dns->options;
	for (size_t i = 1; list && i < words.count; i++)
		if (words.items[i][0])
			strings_add(list, words.items[i]);
	if (!list && str_equal(words.items[0], "domain") && !dns->domain)
		dns->domain = str_dup(words.items[words.count - 1]);
}

/* names.c serves them on the bridge. */
static void add_own_servers(struct strings *servers, const struct attachment *record)
{
	for (size_t i = 0; i < record->addresses_count; i++)
		if (record->addresses[i].gateway)
			strings_add(servers, record->addresses[i].gateway);
}

void cni_append_result(struct str *out, const char *version,
	const struct attachment *record, const struct netlink_link *bridge,
	const char *host_mac, const struct cni_dns *dns)
{
	unsigned number = cni_version(version);
	struct netlink_mac_text bridge_mac = netlink_mac_text(bridge->mac);
	auto_cni_result result = { .version = str_dup(version) };
	struct cni_dns own = result.dns;
	auto_strings servers = { 0 };

	if (bridge->index) {
		add_interface(&result, number,
			&(struct cni_interface){ .name = record->network.interface,
				.mac = bridge_mac.text,
				.mtu = bridge->mtu });
		add_interface(&result, number,
			&(struct cni_interface){ .name = record->link,
				.mac = (char *)(uintptr_t)host_mac,
				.mtu = record->mtu });
	}
	add_interface(&result, number,
		&(struct cni_interface){ .name = record->interface,
			.mac = record->mac,
			.mtu = record->mtu,
			.sandbox = record->netns });
	add_ips(&result, number, record);
	add_routes(&result, number, record);
	result.dns = *dns; /* lent */
	if (record->network.dns && !dns->nameservers.count)
		add_own_servers(&servers, record);
	if (servers.count)
		result.dns.nameservers = servers;
	json_write(out, &cni_result_type, &result,
		(struct json_write_options){ .pretty = true });
	result.dns = own;
}
