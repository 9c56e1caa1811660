/*
 * yajl finds the tokens; each of its events asks json_aim() what the value fills and puts it
 * there. Objects and arrays push a frame; a frame whose kind is JSON_KIND_END skips what it
 * holds. Nothing is recursive. An event returns 0 to stop and 1 to go on.
 */
#include <string.h>
#include <strings.h>

#include "base/json_events.h"

/* The value has ended: on to the next. */
static int done(struct json_reader *reader)
{
	struct json_frame *frame = json_top(reader);

	if (frame && frame->is_array)
		frame->index++;
	else if (frame)
		frame->key = (struct json_key){ 0 };
	return 1;
}

/* ---- scalars ----------------------------------------------------------------------- */

/* yajl hands out the document's own bytes unless it had to undo escapes. */
static bool in_document(const struct json_reader *reader, const char *text)
{
	return text >= reader->text && text <= reader->text + reader->length;
}

static size_t consumed(const struct json_reader *reader)
{
	return yajl_get_bytes_consumed(reader->handle);
}

/* Where the string that yajl just handed out begins: its opening quote. */
static size_t string_offset(const struct json_reader *reader, const char *text)
{
	if (in_document(reader, text))
		return (size_t)(text - reader->text) - 1;
	return json_string_start(reader->text, consumed(reader));
}

/* What was escaped may be what no string of ours can hold. */
static int check_string(
	struct json_reader *reader, const char *text, size_t length, size_t at)
{
	if (in_document(reader, text))
		return 0;
	if (memchr(text, '\0', length))
		return json_fail_at(reader, at, "the string has a NUL (\\u0000) in it");
	if (!json_escapes_valid(reader->text + at, consumed(reader) - at))
		return json_fail_at(reader, at,
			"the string has half a surrogate pair (\\ud800) in it");
	return 0;
}

static int put_raw(struct json_reader *reader, char **member, size_t start, size_t end)
{
	if (json_charge(reader, end - start + JSON_BLOCK) < 0)
		return -1;
	*member = str_dup_n(reader->text + start, end - start);
	return 0;
}

static int on_string(void *context, const unsigned char *bytes, size_t length)
{
	struct json_reader *reader = context;
	const char *text = (const char *)bytes;
	size_t at = string_offset(reader, text);
	struct json_target target;
	int result = 0;

	if (json_aim(reader, JSON_TOKEN_STRING, at, &target) < 0 ||
		check_string(reader, text, length, at) < 0)
		return 0;
	if (target.kind == JSON_KIND_RAW)
		result = put_raw(
			reader, (char **)(void *)target.address, at, consumed(reader));
	else if (target.kind != JSON_KIND_END)
		result = json_put_string(reader, &target, text, length, at);
	return result < 0 ? 0 : done(reader);
}

static int on_number(void *context, const char *text, size_t length)
{
	struct json_reader *reader = context;
	/* A document that is nothing but a number: yajl has moved it to see its end. */
	size_t at = in_document(reader, text) ? (size_t)(text - reader->text)
					      : reader->length - length;
	struct json_target target;
	int result = 0;

	if (json_aim(reader, JSON_TOKEN_NUMBER, at, &target) < 0)
		return 0;
	if (target.kind == JSON_KIND_RAW)
		result =
			put_raw(reader, (char **)(void *)target.address, at, at + length);
	else if (target.kind != JSON_KIND_END)
		result = json_put_number(reader, &target, text, length, at);
	return result < 0 ? 0 : done(reader);
}

static int on_boolean(void *context, int value)
{
	struct json_reader *reader = context;
	size_t end = consumed(reader);
	size_t at = end - (value ? strlen("true") : strlen("false"));
	struct json_target target;

	if (json_aim(reader, value ? JSON_TOKEN_TRUE : JSON_TOKEN_FALSE, at, &target) < 0)
		return 0;
	if (target.kind == JSON_KIND_BOOL)
		json_put_bool(&target, value);
	if (target.kind == JSON_KIND_RAW &&
		put_raw(reader, (char **)(void *)target.address, at, end) < 0)
		return 0;
	return done(reader);
}

/* Go writes null for a list without elements, also for one that is required. */
static bool must_have_value(const struct json_field *field)
{
	return field && field->required &&
	       json_element_kind(field->kind) == JSON_KIND_END;
}

/* As if the member were not there. But an element of an array cannot be so, and a set is
 * nothing but its members. */
static int on_null(void *context)
{
	struct json_reader *reader = context;
	struct json_frame *frame = json_top(reader);
	size_t at = consumed(reader) - strlen("null");
	struct json_target target = { .kind = JSON_KIND_STRUCT };

	if (frame && frame->kind == JSON_KIND_SET)
		return json_aim(reader, JSON_TOKEN_OBJECT, at, &target) < 0
			       ? 0
			       : done(reader);
	if (frame && frame->is_array && frame->kind != JSON_KIND_END)
		target.kind = json_element_kind(frame->kind);
	else if (frame && frame->kind == JSON_KIND_STRUCT &&
		 must_have_value(frame->field))
		json_aim_at_member(frame, &target);
	else if (frame)
		return done(reader);
	(void)json_fail_kind(reader, &target, at, "null");
	return 0;
}

/* ---- objects and arrays ------------------------------------------------------------ */

static struct json_frame *push(struct json_reader *reader, bool is_array)
{
	struct json_frame *frame;

	if (reader->depth == JSON_DEPTH_MAX) {
		(void)json_fail_at(reader, consumed(reader) - 1,
			"nested more than %d levels deep", JSON_DEPTH_MAX);
		return NULL;
	}
	frame = &reader->frames[reader->depth++];
	*frame = (struct json_frame){ .is_array = is_array,
		.start = consumed(reader) - 1 };
	return frame;
}

/* A list that is there, though perhaps empty, has items; 8 zero bytes are also the NULL
 * that ends a list of strings. */
static void open_list(struct json_frame *frame, const struct json_target *target,
	struct json_frame *parent)
{
	frame->kind = target->kind;
	frame->field = target->field;
	frame->object = parent->object;
	*(void **)(void *)target->address = str_alloc(sizeof(void *));
}

static int open_struct(struct json_reader *reader, struct json_frame *frame,
	const struct json_target *target)
{
	frame->kind = JSON_KIND_STRUCT;
	frame->type = target->type;
	frame->object = target->address;
	if (target->kind == JSON_KIND_STRUCT)
		return 0;
	if (json_charge(reader, target->type->size + JSON_BLOCK) < 0)
		return -1;
	frame->object = str_alloc(target->type->size);
	*(void **)(void *)target->address = frame->object;
	return 0;
}

static int open_value(struct json_reader *reader, enum json_token token)
{
	struct json_frame *parent = json_top(reader);
	struct json_frame *frame;
	struct json_target target;

	if (json_aim(reader, token, consumed(reader) - 1, &target) < 0)
		return 0;
	frame = push(reader, token == JSON_TOKEN_ARRAY);
	if (!frame)
		return 0;
	if (target.kind == JSON_KIND_RAW)
		frame->raw = (char **)(void *)target.address;
	else if (target.kind == JSON_KIND_STRUCT || target.kind == JSON_KIND_POINTER)
		return open_struct(reader, frame, &target) < 0 ? 0 : 1;
	else if (target.kind != JSON_KIND_END)
		open_list(frame, &target, parent);
	return 1;
}

static int on_start_object(void *context)
{
	return open_value(context, JSON_TOKEN_OBJECT);
}

static int on_start_array(void *context)
{
	return open_value(context, JSON_TOKEN_ARRAY);
}

static int check_required(struct json_reader *reader, const struct json_frame *frame)
{
	const struct json_field *fields = frame->type->fields;

	for (size_t i = 0; fields[i].kind != JSON_KIND_END; i++) {
		if (fields[i].required && !(frame->seen & UINT64_C(1) << i))
			return json_fail_at(reader, frame->start,
				"the required member \"%s\" is missing", fields[i].name);
	}
	return 0;
}

static int on_end(void *context)
{
	struct json_reader *reader = context;
	struct json_frame *frame = json_top(reader);

	if (frame->kind == JSON_KIND_STRUCT && check_required(reader, frame) < 0)
		return 0;
	if (frame->raw && put_raw(reader, frame->raw, frame->start, consumed(reader)) < 0)
		return 0;
	json_keys_free(&frame->keys);
	reader->depth--;
	return done(reader);
}

/* ---- member names ------------------------------------------------------------------ */

static bool key_is(struct json_key key, const char *name, bool any_case)
{
	if (any_case)
		return strncasecmp(name, key.text, key.length) == 0 && !name[key.length];
	/* The first letters differ mostly: no call for those. */
	return *name == *key.text && strncmp(name, key.text, key.length) == 0 &&
	       !name[key.length];
}

/* Documents mostly keep the table's order: the search begins after the last row found. */
static const struct json_field *find_field(
	const struct json_frame *frame, struct json_key key, bool any_case)
{
	const struct json_field *fields = frame->type->fields;
	const struct json_field *start = frame->field ? frame->field + 1 : fields;

	for (const struct json_field *field = start; field->kind != JSON_KIND_END;
		field++) {
		if (key_is(key, field->name, any_case))
			return field;
	}
	for (const struct json_field *field = fields; field < start; field++) {
		if (field->kind != JSON_KIND_END && key_is(key, field->name, any_case))
			return field;
	}
	return NULL;
}

static const char *next_name(void *state)
{
	const struct json_field **field = state;

	return (*field)->kind == JSON_KIND_END ? NULL : (*field)++->name;
}

static void fail_unknown(
	struct json_reader *reader, const struct json_frame *frame, size_t at)
{
	const struct json_field *state = frame->type->fields;
	auto_free char *typed = str_dup_n(frame->key.text, frame->key.length);
	const char *nearest = str_nearest(typed, next_name, &state);

	if (nearest)
		(void)json_fail_at(
			reader, at, "unknown member; did you mean \"%s\"?", nearest);
	else
		(void)json_fail_at(reader, at, "unknown member");
}

/* As the events: 0 ends the reading. */
static int report_unknown(
	struct json_reader *reader, const struct json_frame *frame, size_t at)
{
	const struct json_options *options = reader->options;
	struct error *kept = reader->err;
	struct error line;

	if (options && options->strict)
		return fail_unknown(reader, frame, at), 0;
	if (!options || !options->unknown)
		return 1;
	reader->err = &line;
	fail_unknown(reader, frame, at);
	reader->err = kept;
	options->unknown(options->argument, line.text);
	return 1;
}

static int enter_member(struct json_reader *reader, struct json_frame *frame, size_t at)
{
	bool any_case = reader->options && reader->options->any_case;
	const struct json_field *field = find_field(frame, frame->key, any_case);
	uint64_t bit;

	frame->field = field;
	if (!field) {
		if (json_keys_add(reader, &frame->keys, frame->key, at) < 0)
			return 0;
		return report_unknown(reader, frame, at);
	}
	bit = UINT64_C(1) << (field - frame->type->fields);
	if (frame->seen & bit)
		return json_fail_at(reader, at, "duplicate member"), 0;
	frame->seen |= bit;
	return 1;
}

static int on_key(void *context, const unsigned char *bytes, size_t length)
{
	struct json_reader *reader = context;
	struct json_frame *frame = json_top(reader);
	const char *text = (const char *)bytes;
	size_t at = string_offset(reader, text);

	if (check_string(reader, text, length, at) < 0)
		return 0;
	if (!in_document(reader, text)) {
		if (json_charge(reader, length + JSON_BLOCK) < 0)
			return 0;
		strings_add_take(&reader->decoded, str_dup_n(text, length));
		text = reader->decoded.items[reader->decoded.count - 1];
	}
	frame->key = (struct json_key){ text, length };
	if (frame->kind == JSON_KIND_STRUCT)
		return enter_member(reader, frame, at);
	return json_keys_add(reader, &frame->keys, frame->key, at) < 0 ? 0 : 1;
}

/* ---- the document ------------------------------------------------------------------ */

const yajl_callbacks json_events = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};
