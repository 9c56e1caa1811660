/* Releasing what a table lists. */
#include <string.h>

#include "base/json_private.h"

static void free_fields(const struct json_field *fields, char *object);

static void free_items(const struct json_field *field, char *object)
{
	void *items = *(void **)(void *)(object + field->offset);
	size_t count = *(size_t *)(void *)(object + field->count);

	for (size_t i = 0; i < count; i++) {
		char *item = (char *)items + i * field->type->size;

		if (field->kind == JSON_KIND_MAP)
			free(*(char **)(void *)item);
		free_fields(field->type->fields, item);
	}
	free(items);
}

static void free_pointer(const struct json_field *field, void *pointer)
{
	if (pointer)
		free_fields(field->type->fields, pointer);
	free(pointer);
}

static void free_member(const struct json_field *field, char *object)
{
	void *member = object + field->offset;

	switch (field->kind) {
	case JSON_KIND_STRING:
	case JSON_KIND_RAW:
	case JSON_KIND_U32S: /* their items stand first */
	case JSON_KIND_I32S:
	case JSON_KIND_WORDS:
		free(*(void **)member);
		break;
	case JSON_KIND_STRINGS:
	case JSON_KIND_SET:
		strings_free(member);
		break;
	case JSON_KIND_PAIRS:
		pairs_free(member);
		break;
	case JSON_KIND_STRUCT:
		free_fields(field->type->fields, member);
		break;
	case JSON_KIND_POINTER:
		free_pointer(field, *(void **)member);
		break;
	case JSON_KIND_ARRAY:
	case JSON_KIND_MAP:
		free_items(field, object);
		break;
	default:
		break;
	}
}

static void free_fields(const struct json_field *fields, char *object)
{
	for (; fields->kind != JSON_KIND_END; fields++)
		free_member(fields, object);
}

void json_free(const struct json_type *type, void *object)
{
	free_fields(type->fields, object);
	memset(object, 0, type->size);
}
