/*
 * The steps that take the host's ports and set the rules. Rules stand before the link and
 * are taken back when it is silent: at no moment can a packet of the container leave unmasked. And
 * they are taken back only for ports that are ours: a map of the firewall knows no owner.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/log.h"
#include "netsetup/firewall/firewall.h"
#include "netsetup/firewall/zone.h"
#include "netsetup/steps.h"

static const int families[] = { AF_INET, AF_INET6 };

/* Each element that may lead from the port has a lease of its own: NULL where none of this
 * family does. "tcp.80" is every IPv4 address of the host. */
static char *port_name(const struct attachment_port *port, int family)
{
	const char *any = family == AF_INET6 ? "::" : "0.0.0.0";
	const char *host = port->host_ip ? port->host_ip : any;
	bool plain = str_equal(host, "0.0.0.0");

	if (address_family(host) != family)
		return NULL;
	return str_format("%s.%u%s%s",
		word_of_number(port_protocol_words, port->protocol), port->host_port,
		plain ? "" : "@", plain ? "" : host);
}

/* Where no address is known yet, one of each family may come. */
static bool may_have_family(const struct attachment *record, int family)
{
	for (size_t i = 0; i < record->addresses_count; i++)
		if (address_family(record->addresses[i].address) == family)
			return true;
	return record->addresses_count == 0;
}

/* The name of the record: sweep.c looks for it. */
static char *port_owner(const struct attachment *record)
{
	return str_format(
		"%s/%s@%s", record->container, record->interface, record->network.name);
}

int ports_take(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	auto_free char *owner = port_owner(record);
	auto_pool pool = { 0 };

	if (record->publish_count == 0)
		return 0;
	if (pool_open_ports(attach->places, &pool, err) < 0)
		return -1;
	for (size_t i = 0; i < record->publish_count * ARRAY_SIZE(families); i++) {
		const struct attachment_port *port =
			&record->publish[i / ARRAY_SIZE(families)];
		int family = families[i % ARRAY_SIZE(families)];
		auto_free char *name = port_name(port, family);

		if (name && may_have_family(record, family) &&
			pool_lease(&pool, name, owner, err) < 0)
			return fail_while(
				err, "publishing port %u of the host", port->host_port);
	}
	return 0;
}

int ports_release(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	auto_free char *owner = port_owner(record);
	auto_pool pool = { 0 };

	if (record->publish_count == 0)
		return 0;
	if (pool_open_ports(attach->places, &pool, err) < 0)
		return -1;
	for (size_t i = 0; i < record->publish_count * ARRAY_SIZE(families); i++) {
		auto_free char *name =
			port_name(&record->publish[i / ARRAY_SIZE(families)],
				families[i % ARRAY_SIZE(families)]);

		if (name && pool_release_name(&pool, name, owner, err) < 0)
			return -1;
	}
	return 0;
}

int rules_hold(struct attach *attach, struct error *err)
{
	return attach->lock.held
		       ? 0
		       : attachments_lock(attach->places, LOCK_SH, &attach->lock, err);
}

/* Another network had the bridge before, or this one was another: what only that asked for
 * goes, unless a container of that time is still there. */
static int withdraw_outdated(struct attach *attach, struct error *err)
{
	const struct network *network = &attach->record.network;
	auto_attachments list = { 0 };
	bool outdated;

	if (firewall_outdated(&attach->firewall, network, &outdated, err) < 0)
		return -1;
	if (!outdated)
		return 0;
	attachments_unlock(&attach->lock);
	if (attachments_lock(attach->places, LOCK_EX, &attach->lock, err) < 0 ||
		attachments_load(attach->places, NULL, &list, err) < 0)
		return -1;
	return list.unread ? 0
			   : firewall_withdraw(
				     &attach->firewall, network->interface, &list, err);
}

/* A client that asked this port before anybody published it would go on without an answer:
 * its packets are of a connection that the rules do not look at again. */
static void redirect_connections(const struct attachment *record)
{
	auto_free uint16_t *items =
		str_alloc((record->publish_count + 1) * sizeof(*items));
	struct netlink_ports ports = { .items = items };

	for (size_t i = 0; i < record->publish_count; i++)
		if (record->publish[i].protocol == IPPROTO_UDP)
			items[ports.count++] = record->publish[i].host_port;
	for (size_t i = 0; ports.count > 0 && i < record->addresses_count; i++) {
		int family = address_family(record->addresses[i].address);
		struct error err;

		if (netlink_forget_udp_ports(family, &ports, &err) < 0)
			log_warning("%s", err.text);
	}
}

int rules_add(struct attach *attach, struct error *err)
{
	int result;

	if (!firewall_wanted(&attach->record))
		return 0;
	if (rules_hold(attach, err) < 0)
		return -1;
	/* Whoever takes the rules back must know the addresses. */
	result = attachment_write(&attach->store, &attach->record, err);
	if (result == 0)
		result = withdraw_outdated(attach, err);
	if (result == 0)
		result = firewall_add(&attach->firewall, &attach->record, err);
	if (result == 0)
		redirect_connections(&attach->record);
	attachments_unlock(&attach->lock);
	return result;
}

/* What of the port is led by elements of ours; false: nothing is. */
static bool keep_own_families(
	struct pool *pool, const char *owner, struct attachment_port *port)
{
	auto_free char *name4 = port_name(port, AF_INET);
	auto_free char *name6 = port_name(port, AF_INET6);
	bool own4 = name4 && pool_holds(pool, name4, owner);
	bool own6 = name6 && pool_holds(pool, name6, owner);

	if (!port->host_ip && own4 != own6)
		port->host_ip = (char *)(uintptr_t)(own4 ? "0.0.0.0" : "::");
	return own4 || own6;
}

/* Borrows from the record; the array is the caller's. */
static int keep_own_ports(
	struct attach *attach, struct attachment *record, struct error *err)
{
	auto_free char *owner = port_owner(record);
	auto_pool pool = { 0 };
	size_t count = 0;

	record->publish =
		str_alloc((attach->record.publish_count + 1) * sizeof(*record->publish));
	if (attach->record.publish_count > 0 &&
		pool_open_ports(attach->places, &pool, err) < 0)
		return -1;
	for (size_t i = 0; i < attach->record.publish_count; i++) {
		struct attachment_port port = attach->record.publish[i];

		if (keep_own_families(&pool, owner, &port))
			record->publish[count++] = port;
	}
	record->publish_count = count;
	return 0;
}

/* The rules are gone already; what is remembered wrongly ends by itself in minutes. */
static void forget_connections(const struct attachment *record)
{
	bool udp = false;

	for (size_t i = 0; i < record->publish_count; i++)
		udp = udp || record->publish[i].protocol == IPPROTO_UDP;
	for (size_t i = 0; udp && i < record->addresses_count; i++) {
		struct address address;
		struct error err;

		if (address_parse_prefix(record->addresses[i].address, "address",
			    &address, &err) < 0 ||
			netlink_forget_udp(&address, &err) < 0)
			log_warning("%s", err.text);
	}
}

/* Holds until the record is gone too: else the rules could come back from it. */
int rules_remove(struct attach *attach, struct error *err)
{
	struct attachment record = attach->record;
	int result;

	if (!firewall_wanted(&record))
		return 0;
	if (rules_hold(attach, err) < 0)
		return -1;
	result = keep_own_ports(attach, &record, err);
	if (result == 0)
		result = firewall_remove(&attach->firewall, &record, err);
	forget_connections(&record);
	free(record.publish);
	return result;
}

/* Whoever leaves the zone must know the addresses. */
int zone_join(struct attach *attach, struct error *err)
{
	int result;

	if (!attach->record.zone || attach->record.addresses_count == 0)
		return 0;
	if (rules_hold(attach, err) < 0)
		return -1;
	result = attachment_write(&attach->store, &attach->record, err);
	if (result == 0)
		result = zone_add(&attach->record, err);
	attachments_unlock(&attach->lock);
	return result;
}

int zone_leave(struct attach *attach, struct error *err)
{
	if (attach->record.zone && rules_hold(attach, err) < 0)
		return -1;
	return zone_remove(&attach->record, err);
}
