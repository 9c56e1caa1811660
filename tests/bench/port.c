/*
 * The kernel's own part of an attachment, and nothing else: a veth pair whose host's end is
 * one more port of a bridge, both ends up. The control beside which net.sh sets the cost of
 * the thousandth attachment; the bridge is made with the first.
 *
 *	port BRIDGE NUMBER NETNS
 *
 * Prints the microseconds that it took.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/str.h"
#include "netsetup/netlink/netlink.h"
#include "netsetup/netns.h"

static const struct netlink_change up = { .flags = IFF_UP };

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int bring_up(struct netlink *netlink, int index, struct error *err)
{
	netlink_change_link(netlink, index, &up);
	return netlink_commit(netlink, err);
}

static int find_bridge(struct netlink *host, const char *name, struct netlink_link *ret,
	struct error *err)
{
	const struct netlink_bridge bridge = { .name = name,
		.mac = { { 0x02, 0, 0, 0, 0, 1 } } };

	if (netlink_get_link(host, name, ret, err) == 0)
		return 0;
	netlink_add_bridge(host, &bridge);
	if (netlink_commit(host, err) < 0 || netlink_get_link(host, name, ret, err) < 0)
		return -1;
	return bring_up(host, ret->index, err);
}

static int add_port(struct netlink *host, struct netlink *inside,
	const struct netlink_veth *veth, struct error *err)
{
	struct netlink_link peer;

	netlink_add_veth(host, veth);
	if (netlink_commit(host, err) < 0 ||
		netlink_get_link(inside, veth->peer_name, &peer, err) < 0 ||
		bring_up(inside, peer.index, err) < 0)
		return -1;
	return bring_up(host, peer.peer, err);
}

static int run(const char *name, const char *number, const char *netns, struct error *err)
{
	auto_free char *port = str_format("port%s", number);
	auto_free char *peer = str_format("peer%s", number);
	auto_netlink host = NULL;
	auto_netlink inside = NULL;
	auto_fd netns_fd = -1;
	struct netlink_link bridge;
	struct netlink_veth veth = { .name = port, .peer_name = peer };
	int64_t began;

	if (netns_open(netns, &netns_fd, err) < 0 || netlink_open(&host, err) < 0 ||
		netlink_open_in(netns_fd, &inside, err) < 0 ||
		find_bridge(host, name, &bridge, err) < 0)
		return -1;
	veth.peer_netns_fd = netns_fd;
	veth.master = bridge.index;
	began = now_us();
	if (add_port(host, inside, &veth, err) < 0)
		return -1;
	printf("%" PRId64 "\n", now_us() - began);
	return 0;
}

int main(int argc, char **argv)
{
	struct error err;

	if (argc != 4) {
		fprintf(stderr, "usage: port BRIDGE NUMBER NETNS\n");
		return 2;
	}
	if (run(argv[1], argv[2], argv[3], &err) < 0) {
		fprintf(stderr, "port: %s\n", err.text);
		return 1;
	}
	return 0;
}
