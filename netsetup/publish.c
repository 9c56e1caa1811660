/* Parsing and showing port mappings. */
#include "netsetup/publish.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "netsetup/address.h"

struct port_range {
	uint32_t first;
	uint32_t last;
};

static int parse_port(const char *text, uint32_t *ret, struct error *err)
{
	if (str_to_u32(text, "port", ret, err) < 0)
		return -1;
	if (*ret == 0 || *ret > 65535)
		return fail_code(err, EINVAL, "port %s is not between 1 and 65535", text);
	return 0;
}

static int parse_range(char *text, struct port_range *ret, struct error *err)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	if (parse_port(text, &ret->first, err) < 0)
		return -1;
	ret->last = ret->first;
	if (dash && parse_port(dash, &ret->last, err) < 0)
		return -1;
	if (ret->last < ret->first)
		return fail_code(
			err, EINVAL, "the ports %u-%u fall", ret->first, ret->last);
	return 0;
}

void publish_add(struct attachment *record, const struct attachment_port *port)
{
	record->publish = str_realloc(
		record->publish, record->publish_count + 1, sizeof(*record->publish));
	record->publish[record->publish_count] = *port;
	record->publish[record->publish_count++].host_ip = str_dup(port->host_ip);
}

/* Cuts "/tcp" off. */
static int cut_protocol(char *text, int64_t *ret, struct error *err)
{
	char *slash = strchr(text, '/');

	*ret = IPPROTO_TCP;
	if (!slash)
		return 0;
	*slash++ = '\0';
	if (!word_to_number(attachment_protocol_words, slash, ret))
		return word_fail(attachment_protocol_words, "protocol", slash, err);
	return 0;
}

/* Cuts "HOSTIP:" off; *ports is what follows. */
static char *cut_host(char *text, char **ports)
{
	char *colon = strrchr(text, ':');
	char *before = NULL;

	*ports = text;
	if (!colon)
		return NULL;
	*colon = '\0';
	before = strrchr(text, ':');
	*colon = ':';
	if (!before)
		return NULL;
	*before = '\0';
	*ports = before + 1;
	if (text[0] == '[' && str_ends_with(text, "]")) {
		text[strlen(text) - 1] = '\0';
		return text + 1;
	}
	return text;
}

static int parse(struct attachment *record, char *text, struct error *err)
{
	struct attachment_port port = { 0 };
	struct port_range host;
	struct port_range inside;
	char *ports;
	char *colon;

	if (cut_protocol(text, &port.protocol, err) < 0)
		return -1;
	port.host_ip = cut_host(text, &ports);
	colon = strchr(ports, ':');
	if (!colon)
		return fail_code(err, EINVAL,
			"expected [HOSTIP:]HOSTPORT:CONTAINERPORT[/PROTOCOL]");
	*colon = '\0';
	if (parse_range(ports, &host, err) < 0 ||
		parse_range(colon + 1, &inside, err) < 0)
		return -1;
	if (host.last - host.first != inside.last - inside.first)
		return fail_code(err, EINVAL, "the two ranges differ in length");
	for (uint32_t i = 0; i <= host.last - host.first; i++) {
		port.host_port = (uint16_t)(host.first + i);
		port.container_port = (uint16_t)(inside.first + i);
		publish_add(record, &port);
	}
	return 0;
}

int publish_parse(struct attachment *record, const char *text, struct error *err)
{
	auto_free char *copy = str_dup(text);

	if (parse(record, copy, err) < 0)
		return fail_while(err, "publishing \"%.100s\"", text);
	return 0;
}

/* Of addresses as address_text() writes them. */
static bool is_any(const char *host, const char *other)
{
	return (str_equal(host, "0.0.0.0") && address_family(other) == AF_INET) ||
	       (str_equal(host, "::") && address_family(other) == AF_INET6);
}

static bool same_host_port(
	const struct attachment_port *a, const struct attachment_port *b)
{
	const char *first = a->host_ip;
	const char *second = b->host_ip;

	return a->host_port == b->host_port && a->protocol == b->protocol &&
	       (!first || !second || str_equal(first, second) || is_any(first, second) ||
		       is_any(second, first));
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
			word_of_number(attachment_protocol_words, port->protocol));
	}
	return str_take(&text);
}
