/* The step for networks without a bridge: a macvlan or ipvlan on an interface of the host,
 * made inside the container's namespace. It goes with that namespace, or is deleted there. */
#include <linux/if_link.h>
#include <string.h>

#include "netsetup/links/upper.h"
#include "netsetup/netns.h"

static const struct word macvlan_modes[] = {
	{ "bridge", MACVLAN_MODE_BRIDGE },
	{ "private", MACVLAN_MODE_PRIVATE },
	{ "vepa", MACVLAN_MODE_VEPA },
	{ "passthru", MACVLAN_MODE_PASSTHRU },
	{ NULL, 0 },
};

static const struct word ipvlan_modes[] = {
	{ "l2", IPVLAN_MODE_L2 },
	{ "l3", IPVLAN_MODE_L3 },
	{ "l3s", IPVLAN_MODE_L3S },
	{ NULL, 0 },
};

int upper_mode(const struct network *network, uint32_t *ret, struct error *err)
{
	const struct word *modes =
		network->kind == NETWORK_MACVLAN ? macvlan_modes : ipvlan_modes;
	int64_t mode = modes->number; /* the first is the usual one */

	if (network->kind != NETWORK_MACVLAN && network->kind != NETWORK_IPVLAN) {
		*ret = 0;
		return network->mode ? fail_code(err, EINVAL,
					       "a network of this kind has no mode")
				     : 0;
	}

	if (network->mode && !word_to_number(modes, network->mode, &mode))
		return word_fail(modes, "mode", network->mode, err);
	*ret = (uint32_t)mode;
	return 0;
}

int upper_create(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_upper upper = {
		.kind = record->network.kind == NETWORK_MACVLAN ? "macvlan" : "ipvlan",
		.name = record->interface,
		.netns_fd = attach->netns_fd,
		.mtu = record->network.mtu,
		.has_mac = record->mac,
	};
	struct netlink_link parent;
	struct netlink *host;

	if (upper_mode(&record->network, &upper.mode, err) < 0 ||
		(record->mac && netlink_mac_parse(record->mac, &upper.mac, err) < 0) ||
		attach_host(attach, &host, err) < 0 ||
		netlink_get_link(host, record->network.interface, &parent, err) < 0)
		return -1;
	upper.parent = parent.index;
	record->mtu = upper.mtu ? upper.mtu : parent.mtu;
	netlink_add_upper(host, &upper);
	if (netlink_commit(host, err) < 0)
		return -1;
	record->made = true;
	return 0;
}

int upper_delete(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink_link link;
	auto_netlink inside = NULL;

	if (!record->made || !record->netns || !attachment_alive(record, NULL))
		return 0; /* it went with the namespace */
	if (netlink_open_at(record->netns, &inside, err) < 0)
		return -1;
	if (netlink_get_link(inside, record->interface, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	netlink_delete_link(inside, record->interface);
	return netlink_commit(inside, err);
}
