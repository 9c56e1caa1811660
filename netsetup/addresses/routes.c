/* From a network's routes and an attachment's gateways to those of its namespace. */
#include "netsetup/addresses/routes.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

struct routes {
	const struct attachment *record;
	int index;
	int (*each)(void *argument, const struct netlink_route *route, struct error *err);
	void *argument;
};

/* The gateway of the first address of this family. */
static int gateway_of(const struct attachment *record, int family, struct address *ret,
	struct error *err)
{
	*ret = (struct address){ 0 };
	for (size_t i = 0; i < record->addresses_count && !ret->family; i++) {
		if (!record->addresses[i].gateway)
			continue;
		if (address_parse(record->addresses[i].gateway, "gateway", ret, err) < 0)
			return -1;
		if (ret->family != family)
			*ret = (struct address){ 0 };
	}
	return 0;
}

static int default_routes(const struct routes *routes, struct error *err)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct netlink_route route = {
			.destination = { .family = families[i] },
			.index = routes->index,
		};

		if (gateway_of(routes->record, families[i], &route.gateway, err) < 0)
			return -1;
		if (route.gateway.family &&
			routes->each(routes->argument, &route, err) < 0)
			return -1;
	}
	return 0;
}

static int asked_route(
	const struct routes *routes, const struct network_route *asked, struct error *err)
{
	struct netlink_route route = {
		.index = routes->index,
		.mtu = asked->mtu,
		.advmss = asked->advmss,
		.priority = asked->priority,
		.has_priority = asked->has_priority,
		.table = asked->table,
		.scope = (uint8_t)asked->scope,
		.has_scope = asked->has_scope,
	};

	if (address_parse_prefix(asked->destination, "route's destination",
		    &route.destination, err) < 0)
		return -1;
	if (asked->gateway) {
		if (address_parse(
			    asked->gateway, "route's gateway", &route.gateway, err) < 0)
			return -1;
	} else if ((!asked->has_scope || asked->scope < RT_SCOPE_LINK) &&
		   gateway_of(routes->record, route.destination.family, &route.gateway,
			   err) < 0) {
		return -1;
	}
	return routes->each(routes->argument, &route, err);
}

int routes_each(const struct attachment *record, int index,
	int (*each)(void *argument, const struct netlink_route *route, struct error *err),
	void *argument, struct error *err)
{
	const struct routes routes = { record, index, each, argument };
	const struct network *network = &record->network;

	for (size_t i = 0; i < network->routes_count; i++)
		if (asked_route(&routes, &network->routes[i], err) < 0)
			return -1;
	return network->default_route ? default_routes(&routes, err) : 0;
}
