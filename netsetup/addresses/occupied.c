/* Asked of the kernel, addresses first, then the main table of routes. */
#include "netsetup/addresses/occupied.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "netsetup/netlink/netlink.h"

/* A wider route, to all of 10.0.0.0/8 through a tunnel, would leave nothing to choose. */
#define ROUTE_PREFIX_MIN 16

struct search {
	struct netlink *host;
	const char *but;
	struct occupied *list;
};

void occupied_free(struct occupied *list)
{
	free(list->items);
	*list = (struct occupied){ 0 };
}

static int add(
	struct search *search, const struct address *subnet, int index, struct error *err)
{
	struct occupied *list = search->list;
	struct netlink_link link;

	if (netlink_get_link_by_index(search->host, index, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1; /* it went meanwhile */
	if (str_equal(link.name, search->but))
		return 0;
	list->items = str_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count] = (struct occupied_subnet){
		.subnet = address_subnet(subnet),
	};
	memcpy(list->items[list->count++].interface, link.name, sizeof(link.name));
	return 0;
}

/* An address of the whole width is alone: nobody else is on its link by that. */
static int note_address(
	void *argument, const struct netlink_address *has, struct error *err)
{
	if (has->address.prefix == address_width(&has->address))
		return 0;
	return add(argument, &has->address, has->index, err);
}

static int note_route(
	void *argument, const struct netlink_route *route, struct error *err)
{
	if (route->table != RT_TABLE_MAIN || !route->index ||
		route->destination.prefix < ROUTE_PREFIX_MIN)
		return 0;
	return add(argument, &route->destination, route->index, err);
}

/* The addresses are copied before the kernel is asked for anything else. */
int occupied_load(const char *but, bool routed, struct occupied *ret, struct error *err)
{
	auto_netlink reader = NULL;
	auto_netlink host = NULL;
	struct search search = { .but = but, .list = ret };

	if (netlink_open(&reader, err) < 0 || netlink_open(&host, err) < 0)
		return -1;
	search.host = host;
	if (netlink_each_address(reader, 0, note_address, &search, err) < 0)
		return -1;
	return routed ? netlink_each_route(reader, AF_INET, note_route, &search, err) : 0;
}

const struct occupied_subnet *occupied_find(
	const struct occupied *list, const struct address *subnet)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_overlaps(&list->items[i].subnet, subnet))
			return &list->items[i];
	return NULL;
}
