/* IP addresses as byte strings, so that both families compare and count alike. */
#include "netsetup/addresses/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "base/str.h"

int address_family(const char *text)
{
	return strchr(text, ':') ? AF_INET6 : AF_INET;
}

unsigned address_width(const struct address *address)
{
	return address->family == AF_INET ? 32 : 128;
}

size_t address_length(const struct address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

static int parse_bytes(const char *text, struct address *ret)
{
	struct address address = { 0 };

	address.family = ip_parse(text, address.bytes);
	if (!address.family)
		return -1;
	address.prefix = address_width(&address);
	*ret = address;
	return 0;
}

int address_parse(
	const char *text, const char *what, struct address *ret, struct error *err)
{
	if (parse_bytes(text, ret) < 0)
		return fail(
			err, "%s: expected an IP address, found \"%.64s\"", what, text);
	return 0;
}

int address_parse_prefix(
	const char *text, const char *what, struct address *ret, struct error *err)
{
	const char *slash = strchr(text, '/');
	auto_free char *head = slash ? str_dup_n(text, (size_t)(slash - text)) : NULL;
	struct address address;
	uint32_t prefix;

	if (!slash || parse_bytes(head, &address) < 0)
		return fail(err,
			"%s: expected an IP address with a prefix length such as "
			"10.0.0.1/24, found \"%.64s\"",
			what, text);
	if (str_to_u32(slash + 1, "prefix length", &prefix, err) < 0)
		return fail_while(err, "%s: \"%.64s\"", what, text);
	if (prefix > address.prefix)
		return fail(err, "%s: the prefix length of %.64s is over %u", what, text,
			address.prefix);
	address.prefix = prefix;
	*ret = address;
	return 0;
}

int address_parse_subnet(
	const char *text, const char *what, struct address *ret, struct error *err)
{
	struct address address;
	struct address subnet;

	if (address_parse_prefix(text, what, &address, err) < 0)
		return -1;
	subnet = address_subnet(&address);
	if (address_compare(&address, &subnet) != 0)
		return fail(err, "%s: %.64s has host bits set; the subnet is %s", what,
			text, address_text_prefix(&subnet).text);
	if (address.prefix == 0 || address.prefix > address_width(&address) - 2)
		return fail(err,
			"%s: %.64s has no room for a gateway and a container; use a "
			"prefix from 1 to %u",
			what, text, address_width(&address) - 2);
	*ret = subnet;
	return 0;
}

struct address_text address_text(const struct address *address)
{
	struct address_text ret = { "" };

	if (address->family)
		inet_ntop(address->family, address->bytes, ret.text, sizeof(ret.text));
	return ret;
}

struct address_text address_text_prefix(const struct address *address)
{
	struct address_text ret = address_text(address);
	size_t length = strlen(ret.text);

	snprintf(ret.text + length, sizeof(ret.text) - length, "/%u", address->prefix);
	return ret;
}

int address_compare(const struct address *a, const struct address *b)
{
	if (a->family != b->family)
		return a->family - b->family;
	return memcmp(a->bytes, b->bytes, address_length(a));
}

/* Sets or clears all bits after the prefix. */
static struct address fill(const struct address *address, unsigned char value)
{
	struct address ret = *address;

	for (unsigned bit = address->prefix; bit < address_width(address); bit++) {
		unsigned char mask = (unsigned char)(0x80 >> bit % 8);

		if (value)
			ret.bytes[bit / 8] |= mask;
		else
			ret.bytes[bit / 8] &= (unsigned char)~mask;
	}
	return ret;
}

struct address address_subnet(const struct address *address)
{
	return fill(address, 0);
}

struct address address_last(const struct address *subnet)
{
	return fill(subnet, 1);
}

bool address_contains(const struct address *subnet, const struct address *address)
{
	struct address first = address_subnet(subnet);
	struct address last = address_last(subnet);

	return subnet->family == address->family &&
	       address_compare(address, &first) >= 0 &&
	       address_compare(address, &last) <= 0;
}

bool address_overlaps(const struct address *a, const struct address *b)
{
	return address_contains(a, b) || address_contains(b, a);
}

struct address address_next(const struct address *address)
{
	struct address ret = *address;

	for (size_t i = address_length(address); i-- > 0;)
		if (++ret.bytes[i] != 0)
			break;
	return ret;
}

struct address address_previous(const struct address *address)
{
	struct address ret = *address;

	for (size_t i = address_length(address); i-- > 0;)
		if (ret.bytes[i]-- != 0)
			break;
	return ret;
}
