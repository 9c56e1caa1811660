/*
 * The step inside the container's namespace: switches while the interface is down, then
 * lo, addresses, the interface, routes in one message; then the host's end comes up, and
 * last is the announcement of its addresses to the neighbours, which the kernel makes
 * (arp_notify, ndisc_notify).
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "netsetup/addresses/routes.h"
#include "netsetup/links/bridge.h"
#include "netsetup/links/sysctl.h"
#include "netsetup/netns.h"
#include "netsetup/steps.h"

#define LOOPBACK_INDEX 1       /* the first link of every namespace */
#define CARRIER_US     5000000 /* until attaching goes on without one */

static int set_switches(const struct attach *attach, struct error *err)
{
	const char *name = attach->record.interface;
	bool inet6 = bridge_has_family(attach->ranges, attach->ranges_count, AF_INET6);

	if (attach->ranges_count > 0 && !inet6)
		return sysctl_set_interface("ipv6", name, "disable_ipv6", "1", err);
	if (sysctl_set_interface("ipv6", name, "disable_ipv6", "0", err) < 0 ||
		sysctl_set_interface("ipv6", name, "accept_ra", "0", err) < 0)
		return -1;
	/* Also of the link-local address, which is made when the interface comes up. */
	if (attach->record.network.duplicate_detection)
		return 0;
	return sysctl_set_interface("ipv6", name, "accept_dad", "0", err);
}

/* Whether a neighbour on the bridge may have remembered another MAC address. */
static bool tells_all(const struct attach *attach)
{
	const struct network *network = &attach->record.network;

	return attach->bridge.index &&
	       !(attach->mac_follows && network->gateway && !network->unmanaged &&
		       bridge_macs_follow(&attach->bridge));
}

static int let_announce(const struct attach *attach, struct error *err)
{
	const char *name = attach->record.interface;

	if (sysctl_set_interface("ipv4", name, "arp_notify", "1", err) < 0)
		return -1;
	return sysctl_set_interface("ipv6", name, "ndisc_notify", "1", err);
}

static int queue_addresses(
	struct attach *attach, struct netlink *inside, struct error *err)
{
	const struct attachment *record = &attach->record;

	for (size_t i = 0; i < record->addresses_count; i++) {
		struct netlink_address address = { .index = attach->inside_index,
			.dad = record->network.duplicate_detection };

		if (address_parse_prefix(record->addresses[i].address, "address",
			    &address.address, err) < 0)
			return -1;
		netlink_add_address(inside, &address);
	}
	return 0;
}

/* The first of several networks that offers a route to somewhere gives it. */
static int queue_route(
	void *argument, const struct netlink_route *route, struct error *err)
{
	struct netlink *inside = argument;

	netlink_tolerate(inside, EEXIST);
	netlink_add_route(inside, route);
	return 0;
}

static int configure(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	const struct netlink_change up = { .flags = IFF_UP };
	struct netlink_link link;

	if (netlink_open(&attach->inside, err) < 0 ||
		netlink_get_link(attach->inside, record->interface, &link, err) < 0 ||
		set_switches(attach, err) < 0 ||
		(!attach->bridge.index && let_announce(attach, err) < 0))
		return -1;
	attach->inside_index = link.index;
	attach->host_index = link.peer;
	if (!record->mac)
		record->mac = str_dup(netlink_mac_text(link.mac).text);
	netlink_change_link(attach->inside, LOOPBACK_INDEX, &up);
	if (queue_addresses(attach, attach->inside, err) < 0)
		return -1;
	if (tune_apply(&attach->tune, attach->inside, &link, err) < 0)
		return -1;
	if (record->network.idle)
		return netlink_commit(attach->inside, err);
	netlink_change_link(attach->inside, link.index, &up);
	if (routes_each(record, link.index, queue_route, attach->inside, err) < 0 ||
		netlink_commit(attach->inside, err) < 0)
		return -1;
	return tells_all(attach) ? let_announce(attach, err) : 0;
}

/* The kernel sees to a carrier in the background: until then the container's end drops what
 * is sent, and the host's is no port that forwards. Mostly that is a matter of less than a
 * millisecond, so the pauses begin short and grow with the wait. */
static int await_carrier(struct netlink *netlink, int index, struct error *err)
{
	int64_t start = clock_ns() / 1000;
	struct netlink_link link;

	for (int64_t waited = 0; waited < CARRIER_US;
		waited = clock_ns() / 1000 - start) {
		if (waited > 0)
			usleep((useconds_t)(250 + waited / 8));
		if (netlink_get_link_by_index(netlink, index, &link, err) < 0)
			return -1;
		if (link.operating)
			return 0;
	}
	log_warning("%s has no carrier yet, and lets nothing through", link.name);
	return 0;
}

/* The host's end comes up when the container's is up: a port that has its carrier at once
 * forwards at once, and the bridge looks at all its ports once, not twice. */
static int connect_ends(struct attach *attach, struct error *err)
{
	const struct netlink_change up = { .flags = IFF_UP };
	struct netlink *host;

	if (attach_host(attach, &host, err) < 0)
		return -1;
	netlink_change_link(host, attach->host_index, &up);
	if (netlink_commit(host, err) < 0)
		return -1;
	if (attach->record.network.idle)
		return 0;
	if (await_carrier(attach->inside, attach->inside_index, err) < 0)
		return -1;
	return await_carrier(host, attach->host_index, err);
}

/* What an announcement would tell it, without one: the port of the MAC address, and the
 * address's neighbour. Packets would make it remember every container that it never speaks
 * to, and a thousand of those fill the kernel's table of neighbours. */
static int tell_host(
	struct attach *attach, const struct netlink_mac *mac, struct error *err)
{
	struct address address;
	struct netlink *host;

	if (attach_host(attach, &host, err) < 0 ||
		address_parse_prefix(attach->record.addresses[0].address, "address",
			&address, err) < 0)
		return -1;
	netlink_teach_port(host, attach->host_index, mac);
	netlink_correct_neighbour(host, attach->bridge.index, &address, mac);
	return netlink_commit(host, err);
}

/* The kernel announces an interface that comes up, but could have met a port of the bridge
 * that does not forward yet. It does so as well when the interface gets a MAC address, be
 * it the one that it has. That reaches every container, and costs by their number: where
 * none can remember another MAC address, only the host is told. */
static int announce(struct attach *attach, struct error *err)
{
	struct netlink_mac mac;

	if (!attach->bridge.index)
		return 0;
	if (connect_ends(attach, err) < 0)
		return -1;
	if (attach->record.network.idle)
		return 0;
	if (netlink_mac_parse(attach->record.mac, &mac, err) < 0)
		return -1;
	if (!tells_all(attach))
		return tell_host(attach, &mac, err);
	netlink_change_link(attach->inside, attach->inside_index,
		&(struct netlink_change){ .mac = &mac });
	return netlink_commit(attach->inside, err);
}

/* Of an interface that another plugin made, only what is asked for. As it was before is
 * written down first. */
static int configure_chained(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_link link;
	auto_netlink inside = NULL;

	if (netlink_open(&inside, err) < 0 ||
		netlink_get_link(inside, record->interface, &link, err) < 0)
		return -1;
	if (tune_changes_link(&attach->tune)) {
		record->before = tune_save(&link);
		if (attachment_write(&attach->store, record, err) < 0)
			return -1;
	}
	return tune_apply(&attach->tune, inside, &link, err);
}

int inside_restore(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_link link;
	auto_netlink inside = NULL;

	if (!record->before || !record->netns || !attachment_alive(record, NULL))
		return 0;
	if (netlink_open_at(record->netns, &inside, err) < 0)
		return -1;
	if (netlink_get_link(inside, record->interface, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1; /* who made it took it back */
	if (tune_restore(record->before, inside, &link, err) < 0)
		return -1;
	return netlink_commit(inside, err);
}

static int visit(void *argument, struct error *err)
{
	struct attach *attach = argument;
	struct error unknown;

	if (netns_own_cookie(&attach->record.netns_cookie, &unknown) < 0)
		log_debug("%s", unknown.text); /* a kernel before 5.14 */
	return attach->record.chained ? configure_chained(attach, err)
				      : configure(attach, err);
}

int inside_configure(struct attach *attach, struct error *err)
{
	if (attach->record.network.kind == NETWORK_USER)
		return 0; /* pasta has done it */
	if (netns_visit(attach->netns_fd, visit, attach, err) < 0 ||
		announce(attach, err) < 0)
		return fail_while(err, "in the container's network");
	return 0;
}
