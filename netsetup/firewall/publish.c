/* Checking and showing port mappings. */
#include "netsetup/firewall/publish.h"

#include <stdlib.h>

#include "base/log.h"
#include "netsetup/addresses/address.h"

void publish_add(struct attachment *record, const struct attachment_port *port)
{
	record->publish = str_realloc(
		record->publish, record->publish_count + 1, sizeof(*record->publish));
	record->publish[record->publish_count] = *port;
	record->publish[record->publish_count++].host_ip = str_dup(port->host_ip);
}

/* A range becomes one mapping a port. */
int publish_parse(struct attachment *record, const char *text, struct error *err)
{
	auto_port_mapping mapping = { 0 };

	if (port_mapping_parse(text, &mapping, err) < 0)
		return fail_while(err, "publishing \"%.100s\"", text);
	for (uint32_t i = 0; i <= mapping.more; i++)
		publish_add(record,
			&(struct attachment_port){
				.host_ip = mapping.host_ip,
				.host_port = (uint16_t)(mapping.host_port + i),
				.container_port = (uint16_t)(mapping.container_port + i),
				.protocol = mapping.protocol,
			});
	return 0;
}

/* Of addresses as address_text() writes them. */
static bool same_host_port(
	const struct attachment_port *a, const struct attachment_port *b)
{
	struct port_mapping first = {
		.host_ip = a->host_ip, .host_port = a->host_port, .protocol = a->protocol
	};
	struct port_mapping second = {
		.host_ip = b->host_ip, .host_port = b->host_port, .protocol = b->protocol
	};

	return port_mapping_collides(&first, &second);
}

int publish_check(struct attachment *record, struct error *err)
{
	for (size_t i = 0; i < record->publish_count; i++) {
		struct attachment_port *port = &record->publish[i];
		struct address address;

		if (port->host_port == 0 || port->container_port == 0)
			return fail_code(err, EINVAL,
				"publishing port %u to %u: ports are from 1 to 65535",
				port->host_port, port->container_port);
		if (port->host_ip && address_parse(port->host_ip, "the host's address",
					     &address, err) < 0)
			return -1;
		if (port->host_ip) {
			free(port->host_ip);
			port->host_ip = str_dup(address_text(&address).text);
		}
		for (size_t j = 0; j < i; j++)
			if (same_host_port(port, &record->publish[j]))
				return fail_code(err, EINVAL,
					"the host's port %u is published twice",
					port->host_port);
	}
	return 0;
}

bool publish_leads(const struct attachment_port *port, int family)
{
	return !port->host_ip || address_family(port->host_ip) == family;
}

int publish_check_families(const struct attachment *record,
	const struct pool_range *ranges, size_t count, struct error *err)
{
	for (size_t i = 0; i < record->publish_count; i++) {
		const struct attachment_port *port = &record->publish[i];
		bool leads = false;

		for (size_t j = 0; j < count; j++)
			leads = leads || publish_leads(port, ranges[j].subnet.family);
		if (!leads)
			return fail_code(err, EINVAL,
				"port %u of the host cannot be published%s%s: network "
				"\"%s\" gives no address%s",
				port->host_port, port->host_ip ? " on " : "",
				port->host_ip ? port->host_ip : "", record->network.name,
				port->host_ip ? " of that family" : "");
	}
	return 0;
}

void publish_warn(const struct attachment *record)
{
	for (size_t i = 0; i < record->publish_count; i++) {
		const struct attachment_port *port = &record->publish[i];
		bool leads = false;

		for (size_t j = 0; j < record->addresses_count; j++)
			leads = leads ||
				publish_leads(port,
					address_family(record->addresses[j].address));
		if (!leads)
			log_warning("port %u of the host is not published%s%s: \"%.64s\" "
				    "has no address%s",
				port->host_port, port->host_ip ? " on " : "",
				port->host_ip ? port->host_ip : "", record->container,
				port->host_ip ? " of that family" : "");
	}
}

char *publish_text(const struct attachment *record)
{
	struct str text = { 0 };

	for (size_t i = 0; i < record->publish_count; i++) {
		const struct attachment_port *port = &record->publish[i];

		str_appendf(&text, "%s%s%s%u->%u/%s", i ? "," : "",
			port->host_ip ? port->host_ip : "", port->host_ip ? ":" : "",
			port->host_port, port->container_port,
			word_of_number(port_protocol_words, port->protocol));
	}
	return str_take(&text);
}
