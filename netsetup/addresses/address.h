/* IP addresses of both families with their prefix: text, order, subnets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct address {
	int family;              /* AF_INET, AF_INET6; 0: none */
	unsigned char bytes[16]; /* network order; 4 of them for AF_INET */
	unsigned prefix;
};

struct address_text {
	char text[64];
};

/* AF_INET or AF_INET6, of the text of an address, with or without a prefix. */
int address_family(const char *text);

/* "10.0.0.1": the prefix becomes the family's whole width. `what` names it in errors. */
int address_parse(const char *text, const char *what, struct address *ret,
	struct error *err) must_check;
/* "10.0.0.1/24"; the prefix must be there. */
int address_parse_prefix(const char *text, const char *what, struct address *ret,
	struct error *err) must_check;
/* The same for a subnet: host bits must be zero, and there must be room for a gateway and
 * a container, so that /31, /32, /127 and /128 are refused. */
int address_parse_subnet(const char *text, const char *what, struct address *ret,
	struct error *err) must_check;

struct address_text address_text(const struct address *address);
struct address_text address_text_prefix(const struct address *address);

unsigned address_width(const struct address *address); /* in bits */
size_t address_length(const struct address *address);  /* in bytes */
int address_compare(const struct address *a, const struct address *b);
bool address_contains(const struct address *subnet, const struct address *address);
bool address_overlaps(const struct address *a, const struct address *b);

struct address address_subnet(const struct address *address); /* host bits zero */
/* The highest of the subnet: for IPv4 its broadcast address. */
struct address address_last(const struct address *subnet);
struct address address_next(const struct address *address);
struct address address_previous(const struct address *address);
