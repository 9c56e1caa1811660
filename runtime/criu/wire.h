/*
 * The wire format of Protocol Buffers, as much of it as criu's messages need: numbers,
 * and byte strings that are texts or messages again. A message is a struct str to which
 * fields are appended, in any order.
 * Source: protobuf.dev, "Encoding"; criu's images/rpc.proto has the fields' numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* Also of enums; a negative int32 as the int64 that it is extended to. */
void wire_put_number(struct str *to, uint32_t field, int64_t value);
/* Only what is true: absent is false. */
void wire_put_flag(struct str *to, uint32_t field, bool value);
void wire_put_text(struct str *to, uint32_t field, const char *text); /* NULL: nothing */
void wire_put_message(struct str *to, uint32_t field, const struct str *message);

/* What of a message is not yet read. */
struct wire {
	const char *data;
	size_t length;
};

struct wire_field {
	uint32_t number;
	int64_t value;     /* of a number */
	struct wire bytes; /* of a text or a message; borrowed, not terminated */
};

/* The next field; number 0 at the end. Fails on what is no such message. */
int wire_next(struct wire *wire, struct wire_field *ret, struct error *err) must_check;

/* Gives each field of a message to the function, until that fails. */
int wire_each(struct wire wire,
	int (*each)(const struct wire_field *field, void *argument, struct error *err),
	void *argument, struct error *err) must_check;
