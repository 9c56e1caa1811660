/* Cut from both ends: the protocol behind, the host's address in front, two ranges remain. */
#include "spec/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ip.h"

const struct word port_protocol_words[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
	{ NULL, 0 },
};

struct range {
	uint32_t first;
	uint32_t last;
};

void port_mapping_free(struct port_mapping *mapping)
{
	free(mapping->host_ip);
	*mapping = (struct port_mapping){ 0 };
}

static int parse_port(const char *text, uint32_t *ret, struct error *err)
{
	if (str_to_u32(text, "port", ret, err) < 0)
		return -1;
	if (*ret == 0 || *ret > UINT16_MAX)
		return fail_code(err, EINVAL, "port %s is not between 1 and 65535", text);
	return 0;
}

static int parse_range(char *text, struct range *ret, struct error *err)
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

static int cut_protocol(char *text, int64_t *ret, struct error *err)
{
	char *slash = strchr(text, '/');

	*ret = IPPROTO_TCP;
	if (!slash)
		return 0;
	*slash++ = '\0';
	if (!word_to_number(port_protocol_words, slash, ret))
		return word_fail(port_protocol_words, "protocol", slash, err);
	return 0;
}

static int parse_host(char *text, char **ret, struct error *err)
{
	char shown[INET6_ADDRSTRLEN];
	size_t length = strlen(text);
	bool brackets = text[0] == '[' && str_ends_with(text, "]");
	unsigned char address[16];
	int family;

	if (brackets) {
		text[length - 1] = '\0';
		text++;
	}
	family = ip_parse(text, address);
	if (!family || (brackets && family != AF_INET6))
		return fail_code(err, EINVAL,
			"the host's address: expected an IP address, found \"%.64s\"",
			text);
	*ret = str_dup(inet_ntop(family, address, shown, sizeof(shown)));
	return 0;
}

/* Cuts "HOSTIP:" off; *ports is what follows. */
static int cut_host(char *text, char **ports, char **ret, struct error *err)
{
	char *colon = strrchr(text, ':');
	char *before;

	*ports = text;
	if (!colon)
		return 0;
	before = memrchr(text, ':', (size_t)(colon - text));
	if (!before)
		return 0;
	*before = '\0';
	*ports = before + 1;
	return parse_host(text, ret, err);
}

static int parse(char *text, struct port_mapping *mapping, struct error *err)
{
	struct range host;
	struct range inside;
	char *ports;
	char *colon;

	if (cut_protocol(text, &mapping->protocol, err) < 0 ||
		cut_host(text, &ports, &mapping->host_ip, err) < 0)
		return -1;
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
	mapping->host_port = (uint16_t)host.first;
	mapping->container_port = (uint16_t)inside.first;
	mapping->more = (uint16_t)(host.last - host.first);
	return 0;
}

int port_mapping_parse(const char *text, struct port_mapping *ret, struct error *err)
{
	auto_free char *copy = str_dup(text);
	auto_port_mapping mapping = { 0 };

	if (parse(copy, &mapping, err) < 0)
		return -1;
	*ret = mapping;
	mapping = (struct port_mapping){ 0 };
	return 0;
}

static bool is_any(const char *host, const char *other)
{
	return (str_equal(host, "0.0.0.0") && ip_parse(other, NULL) == AF_INET) ||
	       (str_equal(host, "::") && ip_parse(other, NULL) == AF_INET6);
}

bool port_mapping_collides(const struct port_mapping *a, const struct port_mapping *b)
{
	const char *first = a->host_ip;
	const char *second = b->host_ip;

	return a->host_port <= (uint32_t)b->host_port + b->more &&
	       b->host_port <= (uint32_t)a->host_port + a->more &&
	       a->protocol == b->protocol &&
	       (!first || !second || str_equal(first, second) || is_any(first, second) ||
		       is_any(second, first));
}
