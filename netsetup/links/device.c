/* The step for networks that are a device of the host: moved into the container's namespace
 * under the interface's name, and back under its own. A namespace that ends gives its
 * physical devices back by itself, to the machine's first namespace. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "netsetup/netns.h"
#include "netsetup/steps.h"

/* Written down before it leaves: from then on it is ours to give back. */
static int note_device(
	struct attach *attach, const struct netlink_link *link, struct error *err)
{
	struct attachment *record = &attach->record;

	record->device = tune_save(link);
	return attachment_write(&attach->store, record, err);
}

/* The kernel would move it all the same, and then not rename it. */
static int check_free(const struct attach *attach, struct error *err)
{
	const char *name = attach->record.interface;
	struct netlink_link link;
	auto_netlink inside = NULL;

	if (netlink_open_in(attach->netns_fd, &inside, err) < 0)
		return -1;
	if (netlink_get_link(inside, name, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	return fail_code(err, EEXIST, "the container has an interface %s already", name);
}

int device_move(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_change change = { .netns_fd = attach->netns_fd,
		.name = record->interface,
		.mtu = record->network.mtu };
	struct netlink_mac mac;
	struct netlink_link link;
	struct netlink *host;

	if (attach_host(attach, &host, err) < 0)
		return -1;
	if (netlink_get_link(host, record->network.interface, &link, err) < 0)
		return fail_hint(err, "does another container have it?");
	if (link.flags & IFF_LOOPBACK)
		return fail_code(err, EINVAL, "the host's %s cannot be given away",
			record->network.interface);
	if (record->mac) {
		if (netlink_mac_parse(record->mac, &mac, err) < 0)
			return -1;
		change.mac = &mac;
	}
	record->mtu = record->network.mtu ? record->network.mtu : link.mtu;
	if (check_free(attach, err) < 0 || note_device(attach, &link, err) < 0)
		return -1;
	netlink_change_link(host, link.index,
		&(struct netlink_change){
			.clear = IFF_UP }); /* else it has no other name */
	netlink_change_link(host, link.index, &change);
	return netlink_commit(host, err);
}

/* It was moved first and renamed then. */
static int fetch(const struct attachment *record, struct error *err)
{
	struct netlink_link link;
	auto_netlink inside = NULL;
	auto_fd home = -1;

	if (netlink_open_at(record->netns, &inside, err) < 0 ||
		netns_open_own(&home, err) < 0)
		return -1;
	if (netlink_get_link(inside, record->interface, &link, err) < 0 &&
		(err->errnum != ENODEV ||
			netlink_get_link(inside, record->network.interface, &link, err) <
				0))
		return err->errnum == ENODEV ? 0 : -1;
	netlink_change_link(
		inside, link.index, &(struct netlink_change){ .clear = IFF_UP });
	netlink_change_link(inside, link.index,
		&(struct netlink_change){
			.netns_fd = home, .name = record->network.interface });
	return netlink_commit(inside, err);
}

/* The host has it; as it was before. */
static int restore(
	struct netlink *host, const struct attachment *record, struct error *err)
{
	const struct attachment_device *device = record->device;
	const struct netlink_change up = { .flags = IFF_UP };
	const struct netlink_change down = { .clear = IFF_UP };
	struct netlink_link link;

	if (netlink_get_link(host, record->network.interface, &link, err) < 0 ||
		tune_restore(device, host, &link, err) < 0)
		return -1;
	netlink_change_link(host, link.index, device->up ? &up : &down);
	return netlink_commit(host, err);
}

/* What the host has by that name did not leave it, or is back. */
int device_return(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	struct netlink_link link;
	struct netlink *host;

	if (!record->device)
		return 0; /* it never left */
	if (attach_host(attach, &host, err) < 0)
		return -1;
	if (netlink_get_link(host, record->network.interface, &link, err) < 0) {
		if (err->errnum != ENODEV)
			return -1;
		if (!record->netns || !attachment_alive(record, NULL))
			return 0; /* the kernel took care of it */
		if (fetch(record, err) < 0)
			return -1;
	}
	return restore(host, record, err);
}
