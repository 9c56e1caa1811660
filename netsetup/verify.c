/* Asks the kernel for everything that the record says. */
#include "netsetup/verify.h"

#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/netlink.h"
#include "netsetup/netns.h"
#include "netsetup/user.h"

static int verify_host(const struct attachment *record, struct error *err)
{
	struct netlink_link bridge;
	struct netlink_link link;
	auto_netlink host = NULL;

	if (record->network.kind != NETWORK_BRIDGE || record->chained)
		return 0;
	if (netlink_open(&host, err) < 0 ||
		netlink_get_link(host, record->network.interface, &bridge, err) < 0 ||
		netlink_get_link(host, record->link, &link, err) < 0)
		return -1;
	if (link.master != bridge.index)
		return fail(
			err, "%s is no port of the bridge %s", link.name, bridge.name);
	if (!(bridge.flags & IFF_UP))
		return fail(err, "the bridge %s is down", bridge.name);
	if (!(link.flags & IFF_UP))
		return fail(err, "%s, the host's end, is down", link.name);
	return 0;
}

struct search {
	const struct address *wanted;
	int index;
	bool found;
};

static int see_address(
	void *argument, const struct netlink_address *has, struct error *err)
{
	struct search *search = argument;

	if (address_compare(&has->address, search->wanted) == 0 &&
		has->address.prefix == search->wanted->prefix)
		search->found = true;
	return 0;
}

static int see_default_route(
	void *argument, const struct netlink_route *route, struct error *err)
{
	struct search *search = argument;

	if (route->destination.prefix == 0 && route->gateway.family &&
		address_compare(&route->gateway, search->wanted) == 0)
		search->found = true;
	return 0;
}

static int verify_address(struct netlink *inside, const struct attachment_address *has,
	const struct netlink_link *link, struct error *err)
{
	struct address address;
	struct search search = { .wanted = &address, .index = link->index };

	if (address_parse_prefix(has->address, "address", &address, err) < 0 ||
		netlink_each_address(inside, link->index, see_address, &search, err) < 0)
		return -1;
	if (!search.found)
		return fail(err, "%s has lost the address %s", link->name, has->address);
	return 0;
}

static int verify_route(struct netlink *inside, const struct attachment *record,
	const struct attachment_address *has, struct error *err)
{
	struct address gateway;
	struct search search = { .wanted = &gateway };

	if (!record->network.default_route || !has->gateway)
		return 0;
	if (address_parse(has->gateway, "gateway", &gateway, err) < 0 ||
		netlink_each_route(
			inside, gateway.family, see_default_route, &search, err) < 0)
		return -1;
	if (!search.found)
		return fail(err, "the default route through %s is lost", has->gateway);
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
		if (verify_address(inside, &record->addresses[i], &link, err) < 0 ||
			verify_route(inside, record, &record->addresses[i], err) < 0)
			return -1;
	return 0;
}

int verify_attachment(
	const struct places *places, const struct attachment *record, struct error *err)
{
	auto_fd netns = -1;

	if (!record->complete)
		return fail(err, "its making was interrupted");
	if (!attachment_alive(record))
		return fail(err, "its network namespace %s is gone",
			record->netns ? record->netns : "");
	if (record->network.kind == NETWORK_USER)
		return user_runs(places, record)
			       ? 0
			       : fail(err, "its pasta has ended; detach and attach it");
	if (verify_host(record, err) < 0 || netns_open(record->netns, &netns, err) < 0)
		return -1;
	return netns_visit(netns, verify_inside, (void *)(uintptr_t)record, err);
}
