/*
 * The steps that take the host's ports and set the rules. Rules stand before the link and
 * are taken back when it is silent: at no moment can a packet of the container leave unmasked. And
 * they are taken back only for ports that are ours: a map of the firewall knows no owner.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "netsetup/firewall.h"
#include "netsetup/steps.h"
#include "netsetup/zone.h"

static char *port_name(const struct attachment_port *port)
{
	return str_format("%s.%u%s%s",
		word_of_number(attachment_protocol_words, port->protocol),
		port->host_port, port->host_ip ? "@" : "",
		port->host_ip ? port->host_ip : "");
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
	for (size_t i = 0; i < record->publish_count; i++) {
		auto_free char *name = port_name(&record->publish[i]);

		if (pool_lease(&pool, name, owner, err) < 0)
			return fail_while(err, "publishing port %u of the host",
				record->publish[i].host_port);
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
	for (size_t i = 0; i < record->publish_count; i++) {
		auto_free char *name = port_name(&record->publish[i]);

		if (pool_release_name(&pool, name, owner, err) < 0)
			return -1;
	}
	return 0;
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
		int family =
			strchr(record->addresses[i].address, ':') ? AF_INET6 : AF_INET;
		struct error err;

		if (netlink_forget_udp_ports(family, &ports, &err) < 0)
			log_warning("%s", err.text);
	}
}

int rules_add(struct attach *attach, struct error *err)
{
	if (!firewall_wanted(&attach->record))
		return 0;
	/* Whoever takes the rules back must know the addresses. */
	if (attachment_write(&attach->store, &attach->record, err) < 0)
		return -1;
	if (firewall_add(&attach->firewall, &attach->record, err) < 0)
		return -1;
	redirect_connections(&attach->record);
	return 0;
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
		const struct attachment_port *port = &attach->record.publish[i];
		auto_free char *name = port_name(port);

		if (pool_holds(&pool, name, owner))
			record->publish[count++] = *port;
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

int rules_remove(struct attach *attach, struct error *err)
{
	struct attachment record = attach->record;
	int result;

	if (!firewall_wanted(&record))
		return 0;
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
	if (!attach->record.zone || attach->record.addresses_count == 0)
		return 0;
	if (attachment_write(&attach->store, &attach->record, err) < 0)
		return -1;
	return zone_add(&attach->record, err);
}

int zone_leave(struct attach *attach, struct error *err)
{
	return zone_remove(&attach->record, err);
}
