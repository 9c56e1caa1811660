/* CHECK: what the records of this network say, what this entry of the chain asks for, and
 * what the result says that the caller kept, each as it is now. */
#include <stdlib.h>
#include <string.h>

#include "netsetup/cni/call.h"
#include "netsetup/firewall/firewall.h"
#include "netsetup/firewall/zone.h"
#include "netsetup/netns.h"
#include "netsetup/verify.h"

struct check {
	struct cni_call *call;
	struct cni_result result;
	struct attach asked; /* of this entry */
	struct firewall firewall;
	size_t found;
};

static int compare_addresses(
	const struct check *check, const struct attachment *record, struct error *err)
{
	for (size_t i = 0; i < record->addresses_count; i++) {
		bool found = false;

		for (size_t j = 0; j < check->result.ips_count; j++)
			found = found || str_equal(check->result.ips[j].address,
						 record->addresses[i].address);
		if (!found)
			return fail(err, "prevResult lacks the address %s",
				record->addresses[i].address);
	}
	return 0;
}

/* What a later plugin of the chain may have changed is the result's to say. */
static void forget_changeable(
	struct attachment *record, const struct cni_interface *interface)
{
	record->mtu = 0;
	if (!interface || !interface->mac || !interface->mac[0])
		return;
	free(record->mac);
	record->mac = NULL;
}

static int check_record(struct check *check, struct attachment *record, struct error *err)
{
	if (compare_addresses(check, record, err) < 0 ||
		firewall_check(&check->firewall, record, err) < 0 ||
		zone_check(record, err) < 0)
		return -1;
	forget_changeable(record, cni_find_interface(check->call, &check->result));
	return verify_attachment(&check->call->places, record, NULL, err);
}

static int check_records(struct check *check, struct error *err)
{
	struct cni_call *call = check->call;
	auto_attachments list = { 0 };

	if (attachments_load(&call->places, call->container, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		struct attachment *record = &list.items[i];

		if (!cni_is_network(call, record) ||
			!str_equal(record->interface, call->interface))
			continue;
		check->found++;
		if (check_record(check, record, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- inside --------------------------------------------------------------------------- */

static int check_mac(const struct cni_interface *interface,
	const struct netlink_link *link, struct error *err)
{
	struct netlink_mac mac;

	if (!interface->mac || !interface->mac[0])
		return 0;
	if (netlink_mac_parse(interface->mac, &mac, err) < 0)
		return fail_while(err, "prevResult");
	if (memcmp(&mac, &link->mac, sizeof(mac)) != 0)
		return fail(err, "%s has the MAC address %s, not prevResult's %s",
			link->name, netlink_mac_text(link->mac).text, interface->mac);
	return 0;
}

/* Those of the container's interface; what names none is its too. */
static int check_ips(const struct check *check, struct netlink *inside,
	const struct netlink_link *link, struct error *err)
{
	const struct cni_result *result = &check->result;
	const struct cni_interface *interface = cni_find_interface(check->call, result);

	for (size_t i = 0; i < result->ips_count; i++) {
		const struct cni_ip *ip = &result->ips[i];

		if (ip->has_interface &&
			(ip->interface >= result->interfaces_count ||
				&result->interfaces[ip->interface] != interface))
			continue;
		if (verify_address(inside, ip->address, link, err) < 0)
			return fail_while(err, "prevResult");
	}
	return 0;
}

static int check_inside(void *argument, struct error *err)
{
	const struct check *check = argument;
	const struct cni_interface *interface =
		cni_find_interface(check->call, &check->result);
	struct tune asked = check->asked.tune;
	struct netlink_link link;
	auto_netlink inside = NULL;

	if (interface && interface->mtu)
		asked.mtu = interface->mtu;
	if (netlink_open(&inside, err) < 0 ||
		netlink_get_link(inside, check->call->interface, &link, err) < 0 ||
		(interface && check_mac(interface, &link, err) < 0) ||
		check_ips(check, inside, &link, err) < 0)
		return -1;
	return tune_verify(&asked, &link, err);
}

static int check_container(struct check *check, struct error *err)
{
	const struct cni_result *result = &check->result;
	auto_fd netns = -1;

	check->call->code = CNI_INVALID_CONFIG;
	if (result->interfaces_count && !cni_find_interface(check->call, result))
		return fail(err, "prevResult has no interface %s in a sandbox",
			check->call->interface);
	check->call->code = CNI_INVALID_ENVIRONMENT;
	if (netns_open(check->call->netns, &netns, err) < 0)
		return fail_while(err, "CNI_NETNS");
	check->call->code = CNI_FAILED;
	return netns_visit(netns, check_inside, check, err);
}

/* ---- all ------------------------------------------------------------------------------ */

static int run(struct check *check, struct error *err)
{
	struct cni_call *call = check->call;

	if (cni_read_prev_result(call, &check->result, err) < 0)
		return -1;
	call->code = CNI_INVALID_CONFIG;
	if (cni_read_chained(call, &check->result, &check->asked, err) < 0)
		return -1;
	call->code = CNI_FAILED;
	if (check_records(check, err) < 0)
		return -1;
	call->code = CNI_UNKNOWN_CONTAINER;
	if (!check->found &&
		(cni_makes_interface(&call->config) || !cni_asks_nothing(&check->asked)))
		return fail(err, "container \"%s\" has no %s on network \"%s\"",
			call->container, call->interface, call->config.name);
	if (check_container(check, err) < 0)
		return -1;
	return cni_ipam_is_delegated(&call->config)
		       ? cni_ipam_call(call, "CHECK", NULL, err)
		       : 0;
}

int cni_check(struct cni_call *call, struct error *err)
{
	struct check check = { .call = call, .asked = { .netns_fd = -1 } };
	int result;

	call->code = CNI_INVALID_CONFIG;
	if (!call->config.prev_result)
		return fail(err, "CHECK needs prevResult in the configuration");
	result = run(&check, err);
	cni_result_free(&check.result);
	attach_close(&check.asked);
	firewall_close(&check.firewall);
	return result;
}
