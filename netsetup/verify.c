/* Asks the kernel for everything that the record says. */
#include "netsetup/verify.h"

#include <linux/rtnetlink.h>

#include "netsetup/addresses/routes.h"
#include "netsetup/links/bridge.h"
#include "netsetup/links/user.h"
#include "netsetup/names/names.h"
#include "netsetup/netns.h"
#include "netsetup/steps.h"

struct search {
	const struct address *wanted;
	bool found;
	unsigned prefix; /* that it has there */
};

static int see_address(
	void *argument, const struct netlink_address *has, struct error *err)
{
	struct search *search = argument;

	if (address_compare(&has->address, search->wanted) == 0) {
		search->found = true;
		search->prefix = has->address.prefix;
	}
	return 0;
}

/* ---- the host ------------------------------------------------------------------------- */

/* A lease of the pool's that another could get is as bad as an address lost. */
static int verify_leases(
	const struct places *places, const struct attachment *record, struct error *err)
{
	auto_free char *owner = attachment_owner(record);
	auto_pool pool = { 0 };

	/* Those of a network without ranges are another program's. */
	if (record->chained || record->network.ranges_count == 0)
		return 0;
	if (pool_open_existing(places, record->network.name, &pool, err) < 0)
		return fail_while(
			err, "the leases of network \"%s\"", record->network.name);
	for (size_t i = 0; i < record->addresses_count; i++) {
		struct address address;

		if (address_parse_prefix(
			    record->addresses[i].address, "address", &address, err) < 0)
			return -1;
		if (!pool_holds(&pool, address_text(&address).text, owner))
			return fail(err, "its lease of %s is lost",
				address_text(&address).text);
	}
	return 0;
}

/* The addresses that the container's routes lead to. */
static int verify_gateways(
	const struct attachment *record, struct netlink *host, struct error *err)
{
	const struct bridge_carrier carrier = bridge_carrier(&record->network);
	struct netlink_link link;

	if (!record->network.gateway || record->network.unmanaged)
		return 0;
	if (netlink_get_link(host, carrier.name, &link, err) < 0)
		return -1;
	for (size_t i = 0; i < record->addresses_count; i++) {
		struct address gateway;
		struct search search = { .wanted = &gateway };

		if (!record->addresses[i].gateway)
			continue;
		if (address_parse(
			    record->addresses[i].gateway, "gateway", &gateway, err) < 0 ||
			netlink_each_address(
				host, link.index, see_address, &search, err) < 0)
			return -1;
		if (!search.found)
			return fail(err, "%s has lost the gateway's address %s",
				link.name, record->addresses[i].gateway);
	}
	return 0;
}

static int verify_bridge(
	const struct attachment *record, struct netlink *host, struct error *err)
{
	struct netlink_link bridge;
	struct netlink_link link;

	if (record->network.kind != NETWORK_BRIDGE || record->chained)
		return 0;
	if (netlink_get_link(host, record->network.interface, &bridge, err) < 0 ||
		netlink_get_link(host, record->link, &link, err) < 0)
		return -1;
	if (link.master != bridge.index)
		return fail(
			err, "%s is no port of the bridge %s", link.name, bridge.name);
	if (!(bridge.flags & IFF_UP))
		return fail(err, "the bridge %s is down", bridge.name);
	if (record->network.promiscuous && !(bridge.flags & IFF_PROMISC))
		return fail(err, "the bridge %s is not promiscuous", bridge.name);
	if (!(link.flags & IFF_UP))
		return fail(err, "%s, the host's end, is down", link.name);
	return verify_gateways(record, host, err);
}

static int verify_host(const struct attachment *record, struct error *err)
{
	auto_netlink host = NULL;

	if (netlink_open(&host, err) < 0 || verify_bridge(record, host, err) < 0)
		return -1;
	return limits_check(record, host, err);
}

/* ---- the container --------------------------------------------------------------------- */

struct route_search {
	struct netlink *inside;
	const struct netlink_route *wanted;
	bool found;
};

/* Another network of the container's may have been there first, and gives the route. */
static int see_route(void *argument, const struct netlink_route *route, struct error *err)
{
	struct route_search *search = argument;
	const struct netlink_route *wanted = search->wanted;
	uint32_t table = wanted->table ? wanted->table : RT_TABLE_MAIN;

	if (route->table == table &&
		route->destination.family == wanted->destination.family &&
		route->destination.prefix == wanted->destination.prefix &&
		(route->destination.prefix == 0 || address_compare(&route->destination,
							   &wanted->destination) == 0) &&
		(route->index != wanted->index || !wanted->gateway.family ||
			(route->gateway.family &&
				address_compare(&route->gateway, &wanted->gateway) == 0)))
		search->found = true;
	return 0;
}

static int verify_route(
	void *argument, const struct netlink_route *wanted, struct error *err)
{
	struct route_search search = { .inside = argument, .wanted = wanted };

	if (netlink_each_route(search.inside, wanted->destination.family, see_route,
		    &search, err) < 0)
		return -1;
	if (search.found)
		return 0;
	if (wanted->destination.prefix == 0)
		return fail(err, "the default route through %s is lost",
			address_text(&wanted->gateway).text);
	return fail(err, "the route to %s is lost",
		address_text_prefix(&wanted->destination).text);
}

int verify_address(struct netlink *inside, const char *text,
	const struct netlink_link *link, struct error *err)
{
	struct address address;
	struct search search = { .wanted = &address };

	if (address_parse_prefix(text, "address", &address, err) < 0 ||
		netlink_each_address(inside, link->index, see_address, &search, err) < 0)
		return -1;
	if (!search.found || search.prefix != address.prefix)
		return fail(err, "%s has lost the address %s", link->name, text);
	return 0;
}

static int verify_inside(void *argument, struct error *err)
{
	const struct attachment *record = argument;
	struct netlink_link link;
	auto_netlink inside = NULL;

	if (netlink_open(&inside, err) < 0 ||
		netlink_get_link(inside, record->interface, &link, err) < 0)
		return -1;
	if (!(link.flags & IFF_UP) && !record->network.idle)
		return fail(err, "%s is down", link.name);
	if (record->mac && !str_equal(netlink_mac_text(link.mac).text, record->mac))
		return fail(err, "%s has the MAC address %s, not %s", link.name,
			netlink_mac_text(link.mac).text, record->mac);
	for (size_t i = 0; i < record->addresses_count; i++)
		if (verify_address(inside, record->addresses[i].address, &link, err) < 0)
			return -1;
	if (record->chained || record->network.idle)
		return 0;
	if (record->mtu && link.mtu != record->mtu)
		return fail(err, "%s has an MTU of %u, not %u", link.name, link.mtu,
			record->mtu);
	return routes_each(record, link.index, verify_route, inside, err);
}

static int fail_of_namespace(const struct attachment *record, struct error *err)
{
	if (record->has_pid && !attachment_process_alive(record))
		return fail(err,
			"its process %d has ended, and no other is in its network namespace",
			record->pid);
	return fail(err, "its network namespace %s is gone",
		record->netns ? record->netns : "");
}

int verify_attachment(const struct places *places, const struct attachment *record,
	struct netns_users *users, struct error *err)
{
	auto_fd netns = -1;

	if (!record->complete)
		return fail(err, "its making was interrupted");
	if (!attachment_alive(record, users))
		return fail_of_namespace(record, err);
	if (verify_leases(places, record, err) < 0 ||
		names_check(places, record, err) < 0)
		return -1;
	if (record->network.kind == NETWORK_USER)
		return user_runs(places, record)
			       ? 0
			       : fail(err, "its pasta has ended; detach and attach it");
	if (verify_host(record, err) < 0 || netns_open(record->netns, &netns, err) < 0)
		return -1;
	return netns_visit(netns, verify_inside, (void *)(uintptr_t)record, err);
}
