/* Numbers are sequences of seven bits, the least first; a field begins with its number and
 * what kind of value follows. */
#include "runtime/criu/wire.h"

#include <string.h>

enum kind { KIND_NUMBER = 0, KIND_FIXED64 = 1, KIND_BYTES = 2, KIND_FIXED32 = 5 };

static void put_bits(struct str *to, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		str_append_char(to, (char)(value | 0x80));
	str_append_char(to, (char)value);
}

static void put_head(struct str *to, uint32_t field, enum kind kind)
{
	put_bits(to, (uint64_t)field << 3 | kind);
}

void wire_put_number(struct str *to, uint32_t field, int64_t value)
{
	put_head(to, field, KIND_NUMBER);
	put_bits(to, (uint64_t)value);
}

void wire_put_flag(struct str *to, uint32_t field, bool value)
{
	if (value)
		wire_put_number(to, field, 1);
}

static void put_bytes(struct str *to, uint32_t field, const char *data, size_t length)
{
	put_head(to, field, KIND_BYTES);
	put_bits(to, length);
	if (length)
		str_append_n(to, data, length);
}

void wire_put_text(struct str *to, uint32_t field, const char *text)
{
	if (text)
		put_bytes(to, field, text, strlen(text));
}

void wire_put_message(struct str *to, uint32_t field, const struct str *message)
{
	put_bytes(to, field, message->data, message->length);
}

static int broken(struct error *err)
{
	return fail(err, "criu's answer is no message of its protocol");
}

static int take_bits(struct wire *wire, uint64_t *ret, struct error *err)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char byte;

		if (!wire->length)
			return broken(err);
		byte = (unsigned char)*wire->data++;
		wire->length--;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return 0;
		}
	}
	return broken(err);
}

static int take_bytes(
	struct wire *wire, uint64_t length, struct wire *ret, struct error *err)
{
	if (length > wire->length)
		return broken(err);
	*ret = (struct wire){ wire->data, (size_t)length };
	wire->data += length;
	wire->length -= length;
	return 0;
}

static int take_value(
	struct wire *wire, enum kind kind, struct wire_field *field, struct error *err)
{
	uint64_t number;

	switch (kind) {
	case KIND_NUMBER:
		if (take_bits(wire, &number, err) < 0)
			return -1;
		field->value = (int64_t)number;
		return 0;
	case KIND_BYTES:
		if (take_bits(wire, &number, err) < 0)
			return -1;
		return take_bytes(wire, number, &field->bytes, err);
	case KIND_FIXED64:
		return take_bytes(wire, 8, &field->bytes, err);
	case KIND_FIXED32:
		return take_bytes(wire, 4, &field->bytes, err);
	}
	return broken(err);
}

int wire_next(struct wire *wire, struct wire_field *ret, struct error *err)
{
	struct wire_field field = { 0 };
	uint64_t head;

	if (!wire->length) {
		*ret = field;
		return 0;
	}
	if (take_bits(wire, &head, err) < 0)
		return -1;
	if (head >> 3 == 0 || head >> 3 > UINT32_MAX)
		return broken(err);
	field.number = (uint32_t)(head >> 3);
	if (take_value(wire, (enum kind)(head & 7), &field, err) < 0)
		return -1;
	*ret = field;
	return 0;
}

int wire_each(struct wire wire,
	int (*each)(const struct wire_field *field, void *argument, struct error *err),
	void *argument, struct error *err)
{
	struct wire_field field;

	for (;;) {
		if (wire_next(&wire, &field, err) < 0)
			return -1;
		if (field.number == 0)
			return 0;
		if (each(&field, argument, err) < 0)
			return -1;
	}
}
