/* The step for networks that are a device of the host: moved into the container's namespace
 * under the interface's name, and back under its own. A namespace that ends gives its
 * physical devices back by itself, to the machine's first namespace. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "netsetup/netns.h"
#include "netsetup/steps.h"

int device_move(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_link link;
	struct netlink *host;

	if (attach_host(attach, &host, err) < 0)
		return -1;
	if (netlink_get_link(host, record->network.interface, &link, err) < 0)
		return fail_hint(err, "does another container have it?");
	if (link.flags & IFF_LOOPBACK)
		return fail_code(err, EINVAL, "the host's %s cannot be given away",
			record->network.interface);
	record->mtu = record->network.mtu ? record->network.mtu : link.mtu;
	netlink_change_link(host, link.index,
		&(struct netlink_change){
			.clear = IFF_UP }); /* else it has no other name */
	netlink_change_link(host, link.index,
		&(struct netlink_change){ .netns_fd = attach->netns_fd,
			.name = record->interface,
			.mtu = record->network.mtu });
	if (netlink_commit(host, err) < 0)
		return -1;
	record->link = str_dup(record->network.interface); /* ours to give back */
	return attachment_write(&attach->store, record, err);
}

struct journey {
	const struct attachment *record;
	int home; /* the host's namespace */
};

static int move_back(void *argument, struct error *err)
{
	const struct journey *journey = argument;
	struct netlink_link link;
	auto_netlink inside = NULL;

	if (netlink_open(&inside, err) < 0)
		return -1;
	if (netlink_get_link(inside, journey->record->interface, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	netlink_change_link(
		inside, link.index, &(struct netlink_change){ .clear = IFF_UP });
	netlink_change_link(inside, link.index,
		&(struct netlink_change){ .netns_fd = journey->home,
			.name = journey->record->network.interface });
	return netlink_commit(inside, err);
}

/* What the host has by that name did not leave it, or is back. */
int device_return(struct attach *attach, struct error *err)
{
	struct journey journey = { .record = &attach->record };
	struct netlink_link link;
	struct netlink *host;
	auto_fd netns = -1;
	auto_fd home = -1;

	if (attach_host(attach, &host, err) < 0)
		return -1;
	if (netlink_get_link(host, attach->record.network.interface, &link, err) == 0)
		return 0;
	if (err->errnum != ENODEV)
		return -1;
	if (!attach->record.netns || !attachment_alive(&attach->record))
		return 0; /* the kernel took care of it */
	if (netns_open(attach->record.netns, &netns, err) < 0 ||
		netns_open_own(&home, err) < 0)
		return -1;
	journey.home = home;
	return netns_visit(netns, move_back, &journey, err);
}
