/* The step that limits bandwidth: to the container on the host's end of the pair, from it
 * on an ifb device behind that. */
#include <stdlib.h>

#include "netsetup/steps.h"

static char *ifb_name(const struct attachment *record)
{
	return attachment_link_name(
		"ifb", record->network.name, record->container, record->interface);
}

/* From the container: what its host's end receives. */
static int limit_egress(
	struct attach *attach, struct netlink *host, int link, struct error *err)
{
	const struct attachment *record = &attach->record;
	auto_free char *name = ifb_name(record);
	struct netlink_link ifb;

	netlink_add_ifb(host, name, record->mtu);
	if (netlink_commit(host, err) < 0 || netlink_get_link(host, name, &ifb, err) < 0)
		return -1;
	netlink_limit_rate(host, ifb.index, record->bandwidth.egress_rate,
		record->bandwidth.egress_burst);
	netlink_redirect_incoming(host, link, ifb.index);
	return netlink_commit(host, err);
}

int limits_set(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	struct netlink_link link;
	struct netlink *host;

	if (!record->bandwidth.ingress_rate && !record->bandwidth.egress_rate)
		return 0;
	if (!record->link)
		return fail(
			err, "bandwidth: the host has no end of this interface to limit");
	if (attach_host(attach, &host, err) < 0 ||
		netlink_get_link(host, record->link, &link, err) < 0)
		return -1;
	if (record->bandwidth.ingress_rate)
		netlink_limit_rate(host, link.index, record->bandwidth.ingress_rate,
			record->bandwidth.ingress_burst);
	if (netlink_commit(host, err) < 0)
		return -1;
	return record->bandwidth.egress_rate ? limit_egress(attach, host, link.index, err)
					     : 0;
}

int limits_remove(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	auto_free char *name = NULL;
	struct netlink *host;

	if (!record->bandwidth.egress_rate)
		return 0;
	name = ifb_name(record);
	if (attach_host(attach, &host, err) < 0)
		return -1;
	netlink_tolerate(host, ENODEV);
	netlink_delete_link(host, name);
	return netlink_commit(host, err);
}
