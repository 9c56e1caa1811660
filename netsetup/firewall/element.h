/*
 * Elements of the firewall's sets and maps, as values: firewall_elements.c makes them of an
 * attachment's record, and they reach the kernel as nft's words (here) or as netlink's
 * bytes (netlink/nftables.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "netsetup/addresses/address.h"

#define FIREWALL_TABLE "mocker"

enum element_verb {
	ELEMENT_ADD,
	ELEMENT_DELETE,
};

/* As the kernel compares it: in network order, without padding. */
struct element_field {
	enum element_type {
		ELEMENT_INTERFACE, /* 16 bytes, the rest of them zero */
		ELEMENT_ADDRESS,
		ELEMENT_MAC,
		ELEMENT_PROTOCOL,
		ELEMENT_PORT,
		ELEMENT_BYTES, /* fields as the kernel tells them, each padded to a word */
	} type;
	unsigned char length;
	unsigned char bytes[32];
};

enum element_verdict {
	ELEMENT_NO_VERDICT,
	ELEMENT_RETURN,
	ELEMENT_GOTO,
	ELEMENT_JUMP,
};

struct element {
	bool bridge; /* of the bridges' table, else of that of both IP families */
	char set[16];
	struct element_field key[3];
	size_t key_count;
	/* Of a map: what the key leads to, several fields or a verdict. */
	struct element_field data[2];
	size_t data_count;
	enum element_verdict verdict;
	const char *chain; /* that of a verdict; borrowed */
};

struct elements {
	struct element *items;
	size_t count;
	struct strings chains; /* what they borrow */
};
#define auto_elements __attribute__((cleanup(elements_free))) struct elements
void elements_free(struct elements *elements);

/* Appends an empty one; valid until the next. */
struct element *elements_add(struct elements *elements, const char *set);

void element_key_interface(struct element *element, const char *name);
void element_key_address(struct element *element, const struct address *address);
void element_key_mac(struct element *element, const unsigned char mac[6]);
void element_key_protocol(struct element *element, int64_t protocol);
void element_key_port(struct element *element, uint16_t port);
/* Of a map that leads to an address and a port. */
void element_leads_to(
	struct element *element, const struct address *address, uint16_t port);

/* Fields as the kernel has them in one piece, each filling whole words; the length. */
#define ELEMENT_ROOM 64
size_t element_join(const struct element_field *fields, size_t count,
	unsigned char ret[ELEMENT_ROOM]);
/* By table, set and key: the order of strcmp(). */
int element_compare(const struct element *a, const struct element *b);

/* "publish4 { tcp . 80 : 10.0.0.2 . 8080 }"; without what it leads to for another verb than
 * ELEMENT_ADD. Owned by the caller. */
char *element_text(const struct element *element, enum element_verb verb);
/* A command of nft's a line. */
void elements_append_text(
	struct str *out, enum element_verb verb, const struct elements *elements);
