/* The table of the hooks. */
#include "spec/hooks.h"

static const struct json_field hook_fields[] = {
	JSON_STRING(struct oci_hook, path, "path", .required = true),
	JSON_STRINGS(struct oci_hook, args, "args"),
	JSON_STRINGS(struct oci_hook, env, "env"),
	JSON_U32_OPT(struct oci_hook, timeout, "timeout"),
	JSON_END,
};
const struct json_type oci_hook_type = JSON_TYPE(struct oci_hook, hook_fields);

/* In the order of enum hook_kind. */
static const struct json_field hooks_fields[] = {
	JSON_ARRAY(struct oci_hooks, prestart, "prestart", &oci_hook_type),
	JSON_ARRAY(struct oci_hooks, create_runtime, "createRuntime", &oci_hook_type),
	JSON_ARRAY(struct oci_hooks, create_container, "createContainer", &oci_hook_type),
	JSON_ARRAY(struct oci_hooks, start_container, "startContainer", &oci_hook_type),
	JSON_ARRAY(struct oci_hooks, poststart, "poststart", &oci_hook_type),
	JSON_ARRAY(struct oci_hooks, poststop, "poststop", &oci_hook_type),
	JSON_END,
};
const struct json_type oci_hooks_type = JSON_TYPE(struct oci_hooks, hooks_fields);

_Static_assert(ARRAY_SIZE(hooks_fields) == HOOK_KINDS + 1, "one row for each kind");

struct hook_list hooks_of_kind(const struct oci_hooks *hooks, enum hook_kind kind)
{
	const struct json_field *field = &hooks_fields[kind];
	const char *base = (const char *)hooks;

	return (struct hook_list){
		.items = *(struct oci_hook *const *)(const void *)(base + field->offset),
		.count = *(const size_t *)(const void *)(base + field->count),
	};
}

const char *hook_kind_name(enum hook_kind kind)
{
	return hooks_fields[kind].name;
}

enum hook_kind hook_kind_of(const char *name)
{
	enum hook_kind kind = 0;

	while (kind < HOOK_KINDS && !str_equal(hooks_fields[kind].name, name))
		kind++;
	return kind;
}

void hooks_add(struct oci_hooks *hooks, enum hook_kind kind, const struct oci_hook *hook)
{
	const struct json_field *field = &hooks_fields[kind];
	char *base = (char *)hooks;
	struct oci_hook **items = (struct oci_hook **)(void *)(base + field->offset);
	size_t *count = (size_t *)(void *)(base + field->count);

	*items = str_realloc(*items, *count + 1, sizeof(**items));
	(*items)[(*count)++] = *hook;
}
