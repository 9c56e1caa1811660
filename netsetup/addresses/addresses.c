/* The step that takes an address of each set of the network's ranges. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/links/bridge.h"
#include "netsetup/steps.h"

static bool in_range(const struct pool_range *range, const struct address *address)
{
	return address_contains(&range->subnet, address) &&
	       address_compare(address, &range->first) >= 0 &&
	       address_compare(address, &range->last) <= 0;
}

/* The requested address that is of this set, if one of the first so many is. */
static const struct address *wanted_of_set(
	const struct attach *attach, size_t count, uint32_t set)
{
	for (size_t i = 0; i < count; i++)
		if (attach->wanted[i].set == set)
			return &attach->wanted[i].address;
	return NULL;
}

static int fail_outside(
	const struct attach *attach, const struct address *wanted, struct error *err)
{
	const struct network *network = &attach->record.network;
	auto_str subnets = { 0 };

	if (network->ranges_count == 0)
		return fail_code(err, EINVAL,
			"%s cannot be had of network \"%s\", which gives no addresses; "
			"make it with a subnet (--subnet; in a CNI configuration ipam), or "
			"ask for none",
			address_text(wanted).text, network->name);
	for (size_t i = 0; i < network->ranges_count; i++)
		str_appendf(&subnets, "%s%s", i ? ", " : "", network->ranges[i].subnet);
	return fail_code(err, EINVAL,
		"%s is in no subnet of network \"%s\"; ask for one of %.400s",
		address_text(wanted).text, network->name, subnets.data);
}

static int plan_wanted(struct attach *attach, size_t at, struct error *err)
{
	struct attach_wanted *wanted = &attach->wanted[at];
	const struct pool_range *last = NULL;

	for (size_t i = 0; i < attach->ranges_count; i++) {
		if (!in_range(&attach->ranges[i], &wanted->address))
			continue;
		last = &attach->ranges[i];
		wanted->set = last->set;
		if (!wanted_of_set(attach, at, last->set))
			return 0;
	}
	if (last)
		return fail_code(err, EINVAL,
			"%s and %s are of one set of network \"%s\", which gives one "
			"address of each",
			address_text(wanted_of_set(attach, at, last->set)).text,
			address_text(&wanted->address).text, attach->record.network.name);
	for (size_t i = 0; i < attach->ranges_count; i++)
		if (address_contains(&attach->ranges[i].subnet, &wanted->address))
			return fail_code(err, EINVAL,
				"%s is not among the addresses of network \"%s\"",
				address_text(&wanted->address).text,
				attach->record.network.name);
	return fail_outside(attach, &wanted->address, err);
}

/* Where another plugin gives the addresses, or gave them, it is asked for these too. */
int addresses_plan(struct attach *attach, struct error *err)
{
	if (attach->ipam_take || attach->record.chained)
		return 0;
	for (size_t i = 0; i < attach->wanted_count; i++)
		if (plan_wanted(attach, i, err) < 0)
			return -1;
	return 0;
}

static void record_address(struct attachment *record, const struct address *address,
	const struct pool_range *range)
{
	record->addresses = str_realloc(record->addresses, record->addresses_count + 1,
		sizeof(*record->addresses));
	record->addresses[record->addresses_count++] = (struct attachment_address){
		.address = str_dup(address_text_prefix(address).text),
		.gateway = range->gateway.family
				   ? str_dup(address_text(&range->gateway).text)
				   : NULL,
	};
}

static int take_set(
	struct attach *attach, struct pool *pool, uint32_t set, struct error *err)
{
	auto_free char *owner = attachment_owner(&attach->record);
	const struct pool_range *range = NULL;
	struct address address;
	const struct pool_request request = {
		.ranges = attach->ranges,
		.count = attach->ranges_count,
		.set = set,
		.owner = owner,
		.other_leases = attach->other_leases,
		.wanted = wanted_of_set(attach, attach->wanted_count, set),
	};

	if (pool_take(pool, &request, &address, &range, err) < 0)
		return -1;
	record_address(&attach->record, &address, range);
	return 0;
}

static bool is_first_of_set(const struct attach *attach, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (attach->ranges[i].set == attach->ranges[at].set)
			return false;
	return true;
}

int addresses_take(struct attach *attach, struct error *err)
{
	auto_pool pool = { 0 };

	if (attach->ranges_count == 0 || attach->ipam_take)
		return 0;
	if (pool_open(attach->places, attach->record.network.name, &pool, err) < 0)
		return -1;
	for (size_t i = 0; i < attach->ranges_count; i++)
		if (is_first_of_set(attach, i) &&
			take_set(attach, &pool, attach->ranges[i].set, err) < 0)
			return -1;
	return 0;
}

/* Those that the record names; where it names none, because it was written before they
 * were taken or is lost, whatever the owner holds. */
int addresses_release(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	auto_free char *owner = attachment_owner(record);
	auto_pool pool = { 0 };

	if (record->chained || attach->ipam_release)
		return 0;
	if (pool_open_existing(attach->places, record->network.name, &pool, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (record->addresses_count == 0)
		return pool_release(&pool, owner, err);
	for (size_t i = 0; i < record->addresses_count; i++) {
		struct address address;

		if (address_parse_prefix(
			    record->addresses[i].address, "address", &address, err) < 0 ||
			pool_release_address(&pool, &address, owner, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- another program's ---------------------------------------------------------------- */

/* It may need the interface (DHCP asks through it), so that this comes after the link. The
 * container's end is down until the addresses, the bridge's and the rules are there. */
int delegated_take(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netlink *host;

	if (!attach->ipam_take)
		return 0;
	if (attach->ipam_take(attach, err) < 0 || attach_host(attach, &host, err) < 0)
		return -1;
	if (record->network.kind == NETWORK_BRIDGE &&
		bridge_ensure(host, &record->network, attach->ranges,
			attach->ranges_count, &attach->bridge, err) < 0)
		return -1;
	if (rules_add(attach, err) < 0)
		return -1;
	return zone_join(attach, err);
}

int delegated_release(struct attach *attach, struct error *err)
{
	return attach->ipam_release ? attach->ipam_release(attach, err) : 0;
}
