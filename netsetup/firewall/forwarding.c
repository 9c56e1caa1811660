/*
 * A host that forwards IPv6 is a router to the kernel, and takes no default route from
 * another router's advertisements unless it is told to: those that it has go at once. Where it
 * has one, it is told to before it forwards.
 */
#include "netsetup/firewall/forwarding.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "netsetup/links/bridge.h"
#include "netsetup/links/sysctl.h"

#define FORWARDING4 "ipv4/ip_forward"
#define FORWARDING6 "ipv6/conf/all/forwarding"

struct interfaces {
	int *items;
	size_t count;
};

static int note_router(
	void *argument, const struct netlink_route *route, struct error *err)
{
	struct interfaces *list = argument;

	if (route->destination.prefix > 0 || route->protocol != RTPROT_RA ||
		!route->index)
		return 0;
	list->items = str_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = route->index;
	return 0;
}

/* 1: where the host is no router; 2: in any case. */
static int heed_always(struct netlink *host, int index, struct error *err)
{
	auto_free char *path = NULL;
	struct netlink_link link;
	bool heeds;

	if (netlink_get_link_by_index(host, index, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1; /* it went meanwhile */
	path = str_format("ipv6/conf/%s/accept_ra", link.name);
	if (sysctl_has(path, "1", &heeds, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (!heeds)
		return 0;
	log_info("%s keeps the default route that a router advertises: net/%s is 2 now",
		link.name, path);
	return sysctl_set(path, "2", NULL, err);
}

static int keep_routers(struct netlink *host, struct error *err)
{
	struct interfaces list = { 0 };
	int result = netlink_each_route(host, AF_INET6, note_router, &list, err);

	for (size_t i = 0; i < list.count && result == 0; i++)
		result = heed_always(host, list.items[i], err);
	free(list.items);
	return result;
}

static int enable(const struct network *network, const char *path, struct error *err)
{
	bool changed;

	if (sysctl_set(path, "1", &changed, err) < 0)
		return -1;
	if (changed)
		log_info(
			"network \"%s\" needs the host to forward packets: net/%s is on now",
			network->name, path);
	return 0;
}

static int enable_inet6(
	struct netlink *host, const struct network *network, struct error *err)
{
	bool on;

	if (sysctl_has(FORWARDING6, "1", &on, err) < 0)
		return err->errnum == ENOENT ? 0 : -1; /* a kernel without IPv6 */
	if (on)
		return 0;
	if (keep_routers(host, err) < 0)
		return -1;
	return enable(network, FORWARDING6, err);
}

int forwarding_ensure(struct netlink *host, const struct network *network,
	const struct pool_range *ranges, size_t count, struct error *err)
{
	if (bridge_has_family(ranges, count, AF_INET) &&
		enable(network, FORWARDING4, err) < 0)
		return -1;
	if (bridge_has_family(ranges, count, AF_INET6) &&
		enable_inet6(host, network, err) < 0)
		return -1;
	return 0;
}
