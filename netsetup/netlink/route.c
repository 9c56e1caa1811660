/* Routes: adding, listing, and asking which one a packet would take. */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"

static void put_metrics(struct nl_msg *message, const struct netlink_route *route)
{
	struct nlattr *metrics;

	if (!route->mtu && !route->advmss)
		return;
	metrics = netlink_nest(message, RTA_METRICS);
	if (route->mtu)
		netlink_put_u32(message, RTAX_MTU, route->mtu);
	if (route->advmss)
		netlink_put_u32(message, RTAX_ADVMSS, route->advmss);
	nla_nest_end(message, metrics);
}

static uint8_t scope_of(const struct netlink_route *route)
{
	if (route->has_scope)
		return route->scope;
	if (route->local)
		return RT_SCOPE_HOST;
	return route->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}

void netlink_add_route(struct netlink *netlink, const struct netlink_route *route)
{
	const struct address *to = &route->destination;
	struct rtmsg info = {
		.rtm_family = (unsigned char)to->family,
		.rtm_dst_len = (unsigned char)to->prefix,
		.rtm_table = route->local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = scope_of(route),
		.rtm_type = route->local ? RTN_LOCAL : RTN_UNICAST,
		.rtm_flags = route->on_link ? RTNH_F_ONLINK : 0,
	};
	struct nl_msg *message;

	if (route->table)
		info.rtm_table = route->table < 256 ? (unsigned char)route->table : 0;
	message = netlink_message(
		RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	if (route->table)
		netlink_put_u32(message, RTA_TABLE, route->table);
	if (to->prefix > 0)
		netlink_put(message, RTA_DST, to->bytes, address_length(to));
	if (route->gateway.family)
		netlink_put(message, RTA_GATEWAY, route->gateway.bytes,
			address_length(&route->gateway));
	netlink_put_u32(message, RTA_OIF, (uint32_t)route->index);
	if (route->has_priority)
		netlink_put_u32(message, RTA_PRIORITY, route->priority);
	put_metrics(message, route);
	netlink_queue(netlink, message, "adding the route to %s through %s",
		address_text_prefix(to).text,
		route->gateway.family ? address_text(&route->gateway).text : "the link");
}

/* ---- asking -------------------------------------------------------------------------- */

static void read_address(struct nlattr *attribute, int family, struct address *ret)
{
	struct address address = { .family = family };

	if (!attribute || nla_len(attribute) != (int)address_length(&address))
		return;
	address.prefix = address_width(&address);
	memcpy(address.bytes, nla_data(attribute), (size_t)nla_len(attribute));
	*ret = address;
}

static int read_route(
	struct nlmsghdr *header, struct netlink_route *ret, struct error *err)
{
	const struct rtmsg *info = nlmsg_data(header);
	struct nlattr *parts[RTA_MAX + 1];
	struct netlink_route route = { .table = info->rtm_table,
		.protocol = info->rtm_protocol,
		.scope = info->rtm_scope };

	if (nlmsg_parse(header, sizeof(*info), parts, RTA_MAX, NULL) < 0)
		return fail(err, "the kernel's description of a route is malformed");
	route.destination.family = info->rtm_family;
	read_address(parts[RTA_DST], info->rtm_family, &route.destination);
	route.destination.prefix = info->rtm_dst_len;
	read_address(parts[RTA_GATEWAY], info->rtm_family, &route.gateway);
	if (parts[RTA_OIF])
		route.index = (int)nla_get_u32(parts[RTA_OIF]);
	if (parts[RTA_TABLE])
		route.table = nla_get_u32(parts[RTA_TABLE]);
	if (parts[RTA_PRIORITY])
		route.priority = nla_get_u32(parts[RTA_PRIORITY]);
	*ret = route;
	return 0;
}

struct each_route {
	int (*each)(void *argument, const struct netlink_route *route, struct error *err);
	void *argument;
};

static int give_route(void *argument, struct nlmsghdr *header, struct error *err)
{
	const struct each_route *each = argument;
	struct netlink_route route;

	if (read_route(header, &route, err) < 0)
		return -1;
	return each->each(each->argument, &route, err);
}

int netlink_each_route(struct netlink *netlink, int family,
	int (*each)(void *argument, const struct netlink_route *route, struct error *err),
	void *argument, struct error *err)
{
	struct rtmsg info = { .rtm_family = (unsigned char)family };
	struct each_route all = { each, argument };

	return netlink_ask(netlink,
		netlink_message(RTM_GETROUTE, NLM_F_DUMP, &info, sizeof(info)),
		(struct netlink_answers){ .each = give_route,
			.argument = &all,
			.what = "listing the routes" },
		err);
}

static int keep_route(void *argument, struct nlmsghdr *header, struct error *err)
{
	return read_route(header, argument, err);
}

int netlink_find_route(struct netlink *netlink, const struct address *to,
	struct netlink_route *ret, struct error *err)
{
	struct rtmsg info = {
		.rtm_family = (unsigned char)to->family,
		.rtm_dst_len = (unsigned char)address_width(to),
	};
	struct nl_msg *message = netlink_message(RTM_GETROUTE, 0, &info, sizeof(info));
	char what[96];

	netlink_put(message, RTA_DST, to->bytes, address_length(to));
	snprintf(
		what, sizeof(what), "looking for the route to %s", address_text(to).text);
	return netlink_ask(netlink, message,
		(struct netlink_answers){
			.each = keep_route, .argument = ret, .what = what },
		err);
}
