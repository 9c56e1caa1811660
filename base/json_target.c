/* Which value may stand where, and the address that it fills. */
#include "base/json_private.h"

static const char *const token_names[] = {
	[JSON_TOKEN_STRING] = "a string",
	[JSON_TOKEN_NUMBER] = "a number",
	[JSON_TOKEN_TRUE] = "true",
	[JSON_TOKEN_FALSE] = "false",
	[JSON_TOKEN_OBJECT] = "an object",
	[JSON_TOKEN_ARRAY] = "an array",
};

static bool accepts(enum json_kind kind, enum json_token token)
{
	switch (kind) {
	case JSON_KIND_END:
	case JSON_KIND_RAW:
		return true;
	case JSON_KIND_STRING:
	case JSON_KIND_WORD:
		return token == JSON_TOKEN_STRING;
	case JSON_KIND_BOOL:
		return token == JSON_TOKEN_TRUE || token == JSON_TOKEN_FALSE;
	case JSON_KIND_U16:
	case JSON_KIND_U32:
	case JSON_KIND_U64:
	case JSON_KIND_I32:
	case JSON_KIND_I64:
	case JSON_KIND_DOUBLE:
		return token == JSON_TOKEN_NUMBER;
	case JSON_KIND_STRINGS:
	case JSON_KIND_ARRAY:
	case JSON_KIND_U32S:
	case JSON_KIND_I32S:
	case JSON_KIND_WORDS:
		return token == JSON_TOKEN_ARRAY;
	case JSON_KIND_PAIRS:
	case JSON_KIND_STRUCT:
	case JSON_KIND_POINTER:
	case JSON_KIND_MAP:
	case JSON_KIND_SET:
		return token == JSON_TOKEN_OBJECT;
	}
	return false;
}

/* What the lists hold, and in what size. */
static const struct json_field no_fields[] = { JSON_END };
static const struct json_type empty_type = { .size = 0, .fields = no_fields };

static const struct element {
	enum json_kind kind;
	size_t size;  /* 0: of the table's struct */
	size_t count; /* the offset of the count; 0: in the table */
} elements[] = {
	[JSON_KIND_STRINGS] = { JSON_KIND_STRING, sizeof(char *), 0 },
	[JSON_KIND_SET] = { JSON_KIND_STRUCT, sizeof(char *), 0 },
	[JSON_KIND_PAIRS] = { JSON_KIND_STRING, sizeof(struct pair),
		offsetof(struct pairs, count) },
	[JSON_KIND_U32S] = { JSON_KIND_U32, sizeof(uint32_t),
		offsetof(struct json_u32s, count) },
	[JSON_KIND_I32S] = { JSON_KIND_I32, sizeof(int32_t),
		offsetof(struct json_i32s, count) },
	[JSON_KIND_WORDS] = { JSON_KIND_WORD, sizeof(int64_t),
		offsetof(struct json_words, count) },
	[JSON_KIND_ARRAY] = { JSON_KIND_STRUCT, 0, 0 },
	[JSON_KIND_MAP] = { JSON_KIND_STRUCT, 0, 0 },
};

enum json_kind json_element_kind(enum json_kind list)
{
	return list < ARRAY_SIZE(elements) ? elements[list].kind : JSON_KIND_END;
}

static int grow(struct json_reader *reader, struct json_frame *frame, void **ret)
{
	const struct json_field *field = frame->field;
	const struct element *element = &elements[frame->kind];
	char *member = frame->object + field->offset;
	size_t *count = (size_t *)(void *)(element->count ? member + element->count
							  : frame->object + field->count);

	if (frame->kind == JSON_KIND_STRINGS || frame->kind == JSON_KIND_SET) {
		struct strings *list = (struct strings *)(void *)member;

		strings_add_take(list, NULL);
		*ret = &list->items[list->count - 1];
		return json_charge(reader, sizeof(char *));
	}
	return json_list_grow(reader, (void **)(void *)member, count,
		element->size ? element->size : field->type->size, ret);
}

/* One more element of a list or map; a map's begins with its key. */
static int aim_at_element(
	struct json_reader *reader, struct json_frame *frame, struct json_target *target)
{
	void *element;

	if (grow(reader, frame, &element) < 0)
		return -1;
	*target = (struct json_target){
		.kind = elements[frame->kind].kind,
		.field = frame->field,
		.type = frame->kind == JSON_KIND_SET ? &empty_type : frame->field->type,
		.address = element,
	};
	if (frame->is_array)
		return 0;
	if (json_charge(reader, frame->key.length + JSON_BLOCK) < 0)
		return -1;
	*(char **)element = str_dup_n(frame->key.text, frame->key.length);
	if (frame->kind == JSON_KIND_PAIRS)
		target->address += offsetof(struct pair, value);
	return 0;
}

void json_aim_at_member(const struct json_frame *frame, struct json_target *target)
{
	const struct json_field *field = frame->field;

	*target = (struct json_target){ .kind = JSON_KIND_END };
	if (!field)
		return;
	*target = (struct json_target){
		.kind = field->kind,
		.field = field,
		.type = field->type,
		.address = frame->object + field->offset,
		.has = field->optional ? (bool *)(void *)(frame->object + field->has)
				       : NULL,
	};
}

int json_aim(struct json_reader *reader, enum json_token token, size_t at,
	struct json_target *ret)
{
	struct json_frame *frame = json_top(reader);

	if (!frame) {
		*ret = (struct json_target){
			.kind = JSON_KIND_STRUCT,
			.type = reader->type,
			.address = reader->object,
		};
	} else if (frame->kind == JSON_KIND_STRUCT) {
		json_aim_at_member(frame, ret);
	} else if (frame->kind == JSON_KIND_END) {
		*ret = (struct json_target){ .kind = JSON_KIND_END };
	} else if (aim_at_element(reader, frame, ret) < 0) {
		return -1;
	}
	if (accepts(ret->kind, token))
		return 0;
	if (!ret->field || !ret->field->any_type)
		return json_fail_kind(reader, ret, at, token_names[token]);
	ret->kind = JSON_KIND_END;
	return 0;
}
