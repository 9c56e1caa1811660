/* Elements as values, and as nft's words. */
#include "netsetup/firewall/element.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/attachment.h"

void elements_free(struct elements *elements)
{
	free(elements->items);
	strings_free(&elements->chains);
	*elements = (struct elements){ 0 };
}

struct element *elements_add(struct elements *elements, const char *set)
{
	struct element *element;

	elements->items =
		str_grow(elements->items, elements->count, sizeof(*elements->items));
	element = &elements->items[elements->count++];
	*element = (struct element){ 0 };
	snprintf(element->set, sizeof(element->set), "%s", set);
	return element;
}

/* ---- fields -------------------------------------------------------------------------- */

static struct element_field field_of(
	enum element_type type, const void *bytes, size_t length)
{
	struct element_field field = { .type = type, .length = (unsigned char)length };

	memcpy(field.bytes, bytes, length);
	return field;
}

static void add_key(struct element *element, struct element_field field)
{
	element->key[element->key_count++] = field;
}

static struct element_field address_field(const struct address *address)
{
	return field_of(ELEMENT_ADDRESS, address->bytes, address_length(address));
}

static struct element_field port_field(uint16_t port)
{
	const unsigned char bytes[] = { (unsigned char)(port >> 8), (unsigned char)port };

	return field_of(ELEMENT_PORT, bytes, sizeof(bytes));
}

void element_key_interface(struct element *element, const char *name)
{
	char bytes[16] = { 0 };

	memcpy(bytes, name, strnlen(name, sizeof(bytes) - 1));
	add_key(element, field_of(ELEMENT_INTERFACE, bytes, sizeof(bytes)));
}

void element_key_address(struct element *element, const struct address *address)
{
	add_key(element, address_field(address));
}

void element_key_mac(struct element *element, const unsigned char mac[6])
{
	add_key(element, field_of(ELEMENT_MAC, mac, 6));
}

void element_key_protocol(struct element *element, int64_t protocol)
{
	const unsigned char byte = (unsigned char)protocol;

	add_key(element, field_of(ELEMENT_PROTOCOL, &byte, 1));
}

void element_key_port(struct element *element, uint16_t port)
{
	add_key(element, port_field(port));
}

void element_leads_to(
	struct element *element, const struct address *address, uint16_t port)
{
	element->data[0] = address_field(address);
	element->data[1] = port_field(port);
	element->data_count = 2;
}

size_t element_join(
	const struct element_field *fields, size_t count, unsigned char ret[ELEMENT_ROOM])
{
	size_t length = 0;

	memset(ret, 0, ELEMENT_ROOM);
	for (size_t i = 0; i < count; i++) {
		memcpy(ret + length, fields[i].bytes, fields[i].length);
		length += (size_t)(fields[i].length + 3) & ~(size_t)3;
	}
	return length;
}

int element_compare(const struct element *a, const struct element *b)
{
	unsigned char first[ELEMENT_ROOM];
	unsigned char second[ELEMENT_ROOM];

	if (a->bridge != b->bridge)
		return a->bridge ? 1 : -1;
	if (!str_equal(a->set, b->set))
		return strcmp(a->set, b->set);
	element_join(a->key, a->key_count, first);
	element_join(b->key, b->key_count, second);
	return memcmp(first, second, sizeof(first));
}

/* ---- words --------------------------------------------------------------------------- */

static void append_field(struct str *out, const struct element_field *field)
{
	const unsigned char *bytes = field->bytes;
	struct address address = { .family = field->length == 4 ? AF_INET : AF_INET6 };

	switch (field->type) {
	case ELEMENT_INTERFACE:
		str_appendf(out, "\"%s\"", (const char *)bytes);
		break;
	case ELEMENT_ADDRESS:
		memcpy(address.bytes, bytes, field->length);
		str_append(out, address_text(&address).text);
		break;
	case ELEMENT_MAC:
		str_appendf(out, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
			bytes[2], bytes[3], bytes[4], bytes[5]);
		break;
	case ELEMENT_PROTOCOL:
		str_append(out, word_of_number(port_protocol_words, bytes[0]));
		break;
	case ELEMENT_PORT:
		str_appendf(out, "%d", bytes[0] << 8 | bytes[1]);
		break;
	case ELEMENT_BYTES:
		str_append(out, "0x");
		for (size_t i = 0; i < field->length; i++)
			str_appendf(out, "%02x", bytes[i]);
		break;
	}
}

static void append_fields(
	struct str *out, const struct element_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		str_append(out, i ? " . " : "");
		append_field(out, &fields[i]);
	}
}

static void append_verdict(struct str *out, const struct element *element)
{
	if (element->verdict == ELEMENT_RETURN)
		str_append(out, "return");
	else
		str_appendf(out, "%s %s",
			element->verdict == ELEMENT_GOTO ? "goto" : "jump",
			element->chain);
}

static void append_element(
	struct str *out, enum element_verb verb, const struct element *element)
{
	str_appendf(out, "%s { ", element->set);
	append_fields(out, element->key, element->key_count);
	if (verb == ELEMENT_ADD && element->data_count) {
		str_append(out, " : ");
		append_fields(out, element->data, element->data_count);
	} else if (verb == ELEMENT_ADD && element->verdict) {
		str_append(out, " : ");
		append_verdict(out, element);
	}
	str_append(out, " }");
}

char *element_text(const struct element *element, enum element_verb verb)
{
	struct str text = { 0 };

	append_element(&text, verb, element);
	return str_take(&text);
}

void elements_append_text(
	struct str *out, enum element_verb verb, const struct elements *elements)
{
	for (size_t i = 0; i < elements->count; i++) {
		str_appendf(out, "%s element %s " FIREWALL_TABLE " ",
			verb == ELEMENT_ADD ? "add" : "delete",
			elements->items[i].bridge ? "bridge" : "inet");
		append_element(out, verb, &elements->items[i]);
		str_append_char(out, '\n');
	}
}
