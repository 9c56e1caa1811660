/* The table of a network, and its parsing into what the pool and the steps use. */
#include "netsetup/network.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/netlink.h"

const struct word network_kind_words[] = {
	{ "bridge", NETWORK_BRIDGE },
	{ "macvlan", NETWORK_MACVLAN },
	{ "ipvlan", NETWORK_IPVLAN },
	{ "host-device", NETWORK_DEVICE },
	{ "user", NETWORK_USER },
	{ NULL, 0 },
};

const struct word network_isolation_words[] = {
	{ "strict", NETWORK_STRICT },
	{ "same-bridge", NETWORK_SAME_BRIDGE },
	{ "open", NETWORK_OPEN },
	{ NULL, 0 },
};

/* clang-format off */
static const struct json_field range_fields[] = {
	JSON_STRING(struct network_range, subnet, "subnet", .required = true),
	JSON_STRING(struct network_range, first, "first"),
	JSON_STRING(struct network_range, last, "last"),
	JSON_STRING(struct network_range, gateway, "gateway"),
	JSON_U32(struct network_range, set, "set"),
	JSON_END,
};
static const struct json_type range_type = JSON_TYPE(struct network_range, range_fields);

static const struct json_field route_fields[] = {
	JSON_STRING(struct network_route, destination, "dst", .required = true),
	JSON_STRING(struct network_route, gateway, "gw"),
	JSON_U32(struct network_route, mtu, "mtu"),
	JSON_U32(struct network_route, advmss, "advmss"),
	JSON_U32_OPT(struct network_route, priority, "priority"),
	JSON_U32(struct network_route, table, "table"),
	JSON_U32_OPT(struct network_route, scope, "scope"),
	JSON_END,
};
const struct json_type network_route_type =
	JSON_TYPE(struct network_route, route_fields);

static const struct json_field trunk_fields[] = {
	JSON_U32(struct network_trunk, first, "first", .required = true),
	JSON_U32(struct network_trunk, last, "last", .required = true),
	JSON_END,
};
static const struct json_type trunk_type = JSON_TYPE(struct network_trunk, trunk_fields);

static const struct json_field network_fields[] = {
	JSON_STRING(struct network, name, "name", .required = true),
	JSON_WORD(struct network, kind, "kind", network_kind_words, .required = true),
	JSON_STRING(struct network, interface, "interface", .required = true),
	JSON_ARRAY(struct network, ranges, "ranges", &range_type),
	JSON_ARRAY(struct network, routes, "routes", &network_route_type),
	JSON_BOOL(struct network, gateway, "gateway"),
	JSON_BOOL(struct network, default_route, "defaultRoute"),
	JSON_BOOL(struct network, masquerade, "masquerade"),
	JSON_BOOL(struct network, keep_sources, "keepSources"),
	JSON_BOOL(struct network, hide_sources, "hideSources"),
	JSON_WORD(struct network, isolation, "isolation", network_isolation_words),
	JSON_U32(struct network, mtu, "mtu"),
	JSON_BOOL(struct network, hairpin, "hairpin"),
	JSON_BOOL(struct network, isolated_ports, "isolatedPorts"),
	JSON_BOOL(struct network, promiscuous, "promiscuous"),
	JSON_BOOL(struct network, force_address, "forceAddress"),
	JSON_BOOL(struct network, duplicate_detection, "duplicateDetection"),
	JSON_U32(struct network, vlan, "vlan"),
	JSON_ARRAY(struct network, vlan_trunk, "vlanTrunk", &trunk_type),
	JSON_BOOL(struct network, keep_default_vlan, "keepDefaultVlan"),
	JSON_STRING(struct network, mode, "mode"),
	JSON_BOOL(struct network, check_mac, "checkMac"),
	JSON_BOOL(struct network, dns, "dns"),
	JSON_BOOL(struct network, idle, "idle"),
	JSON_BOOL(struct network, internal, "internal"),
	JSON_BOOL(struct network, unmanaged, "unmanaged"),
	JSON_END,
};
const struct json_type network_type = JSON_TYPE(struct network, network_fields);
/* clang-format on */

void network_free(struct network *network)
{
	json_free(&network_type, network);
}

/* ---- parsing ------------------------------------------------------------------------- */

/* An address of the range's subnet, or what the subnet has in its place. */
static int parse_inside(const char *text, const char *what, const struct address *subnet,
	struct address fallback, struct address *ret, struct error *err)
{
	if (!text) {
		*ret = fallback;
		return 0;
	}
	if (address_parse(text, what, ret, err) < 0)
		return -1;
	if (!address_contains(subnet, ret))
		return fail(err, "%s %s is not in the subnet %s", what, text,
			address_text_prefix(subnet).text);
	return 0;
}

/* An IPv4 subnet's last address is its broadcast address. */
static struct address last_usable(const struct address *subnet)
{
	struct address last = address_last(subnet);

	return subnet->family == AF_INET ? address_previous(&last) : last;
}

/* Where nobody else can be: this host's own, and what is no host's. */
static int refuse_special(const struct address *subnet, struct error *err)
{
	static const struct {
		const char *what;
		struct address subnet;
	} specials[] = {
		{ "no address of a host", { .family = AF_INET, .prefix = 8 } },
		{ "every host's own", { AF_INET, { 127 }, 8 } },
		{ "for multicast", { AF_INET, { 224 }, 4 } },
		{ "every host's own", { .family = AF_INET6, .prefix = 96 } },
		{ "for multicast", { AF_INET6, { 0xff }, 8 } },
		{ "IPv4's in programs", { AF_INET6, { [10] = 0xff, 0xff }, 96 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
		if (address_overlaps(&specials[i].subnet, subnet))
			return fail(err, "the subnet %s has addresses of %s, which is %s",
				address_text_prefix(subnet).text,
				address_text_prefix(&specials[i].subnet).text,
				specials[i].what);
	return 0;
}

/* The subnet's own address, and of IPv4 that for all in it, are nobody's. */
static int check_gateway(const struct pool_range *range, struct error *err)
{
	struct address last = address_last(&range->subnet);

	if (address_compare(&range->gateway, &range->subnet) != 0 &&
		(range->gateway.family != AF_INET ||
			address_compare(&range->gateway, &last) != 0))
		return 0;
	return fail(err, "gateway %s is not an address for a host of %s",
		address_text(&range->gateway).text,
		address_text_prefix(&range->subnet).text);
}

static int parse_range(
	const struct network_range *range, struct pool_range *ret, struct error *err)
{
	struct pool_range parsed = { .set = range->set };
	struct address first;
	struct address last;

	if (address_parse_subnet(range->subnet, "subnet", &parsed.subnet, err) < 0 ||
		refuse_special(&parsed.subnet, err) < 0)
		return -1;
	first = address_next(&parsed.subnet);
	last = last_usable(&parsed.subnet);
	if (parse_inside(range->first, "the range's first address", &parsed.subnet, first,
		    &parsed.first, err) < 0 ||
		parse_inside(range->last, "the range's last address", &parsed.subnet,
			last, &parsed.last, err) < 0 ||
		parse_inside(range->gateway, "gateway", &parsed.subnet, first,
			&parsed.gateway, err) < 0 ||
		check_gateway(&parsed, err) < 0)
		return -1;
	if (address_compare(&parsed.first, &first) < 0)
		parsed.first = first;
	if (address_compare(&parsed.last, &last) > 0)
		parsed.last = last;
	if (address_compare(&parsed.first, &parsed.last) > 0)
		return fail(err, "the range of %s ends before it begins: %s to %s",
			range->subnet, address_text(&parsed.first).text,
			address_text(&parsed.last).text);
	parsed.gateway.prefix = parsed.subnet.prefix;
	*ret = parsed;
	return 0;
}

/* Two ranges give no address twice; a set has one family. */
static int check_pair(
	const struct pool_range *a, const struct pool_range *b, struct error *err)
{
	if (a->set == b->set && a->subnet.family != b->subnet.family)
		return fail(err, "one set of ranges mixes IPv4 and IPv6: %s and %s",
			address_text_prefix(&a->subnet).text,
			address_text_prefix(&b->subnet).text);
	if (a->subnet.family == b->subnet.family &&
		address_compare(&a->first, &b->last) <= 0 &&
		address_compare(&b->first, &a->last) <= 0)
		return fail(err, "the ranges of %s and %s overlap",
			address_text_prefix(&a->subnet).text,
			address_text_prefix(&b->subnet).text);
	return 0;
}

int network_ranges(const struct network *network, struct pool_range **ret,
	size_t *ret_count, struct error *err)
{
	auto_free struct pool_range *ranges =
		str_alloc((network->ranges_count + 1) * sizeof(*ranges));

	for (size_t i = 0; i < network->ranges_count; i++) {
		if (parse_range(&network->ranges[i], &ranges[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (check_pair(&ranges[j], &ranges[i], err) < 0)
				return -1;
	}
	*ret = take_ptr(&ranges);
	*ret_count = network->ranges_count;
	return 0;
}

/* ---- checking ------------------------------------------------------------------------ */

static int check_routes(const struct network *network, struct error *err)
{
	for (size_t i = 0; i < network->routes_count; i++) {
		const struct network_route *route = &network->routes[i];
		struct address to;
		struct address gateway;

		if (address_parse_prefix(
			    route->destination, "route's destination", &to, err) < 0)
			return -1;
		if (route->gateway && address_parse(route->gateway, "route's gateway",
					      &gateway, err) < 0)
			return -1;
		if (route->has_scope && route->scope > 255)
			return fail(
				err, "the route's scope %u is over 255", route->scope);
	}
	return 0;
}

static int check_vlans(const struct network *network, struct error *err)
{
	if (network->vlan > 4094)
		return fail(err, "VLAN %u is not between 1 and 4094", network->vlan);
	for (size_t i = 0; i < network->vlan_trunk_count; i++) {
		const struct network_trunk *trunk = &network->vlan_trunk[i];

		if (trunk->first < 1 || trunk->last > 4094 || trunk->first > trunk->last)
			return fail(err, "VLANs %u to %u: expected 1 to 4094, rising",
				trunk->first, trunk->last);
	}
	return 0;
}

static bool has_inet6(const struct pool_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ranges[i].subnet.family == AF_INET6)
			return true;
	return false;
}

static int check_mtu(const struct network *network, bool inet6, struct error *err)
{
	if (!network->mtu)
		return 0;
	if (network->mtu < 68 || network->mtu > 65535)
		return fail(
			err, "an MTU of %u is not between 68 and 65535", network->mtu);
	if (inet6 && network->mtu < 1280)
		return fail(err, "an MTU of %u is below the 1280 that IPv6 needs",
			network->mtu);
	return 0;
}

int network_check(const struct network *network, struct error *err)
{
	auto_free struct pool_range *ranges = NULL;
	size_t count;

	if (places_check_name(network->name, "network", err) < 0 ||
		netlink_check_name(network->interface, "the network's interface", err) <
			0 ||
		network_ranges(network, &ranges, &count, err) < 0 ||
		check_routes(network, err) < 0 || check_vlans(network, err) < 0)
		return -1;
	if (network->dns && (!network->gateway || network->kind != NETWORK_BRIDGE))
		return fail(err, "names need a bridge with an address of ours to serve "
				 "them on");
	if (network->idle && network->ranges_count > 0)
		return fail(err, "an interface that stays down has no addresses");
	return check_mtu(network, has_inet6(ranges, count), err);
}

/* Asked for and not done: better an error than a silent gap. */
int network_check_kind(const struct network *network, struct error *err)
{
	const struct {
		const char *what;
		bool asked;
	} of_bridges[] = {
		{ "VLANs", network->vlan || network->vlan_trunk_count },
		{ "containers to isolate", network->isolated_ports },
		{ "promiscuous mode", network->promiscuous },
		{ "MAC addresses to check", network->check_mac },
	};

	bool bridge = network->kind == NETWORK_BRIDGE;

	for (size_t i = 0; !bridge && i < ARRAY_SIZE(of_bridges); i++)
		if (of_bridges[i].asked)
			return fail_code(err, EINVAL,
				"a network of the kind %s has no %s, only a bridge",
				word_of_number(network_kind_words, network->kind),
				of_bridges[i].what);
	if (network->internal && (!bridge || network->unmanaged))
		return fail_code(err, EINVAL,
			"only a network with a bridge and rules of ours can be internal");
	return 0;
}
