/*
 * RUN --mount=type=...,key=value,...: one table of keys, each with the types that know
 * it. Fields are CSV as Go's encoding/csv reads it: a field in double quotes may hold
 * commas.
 */
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "builder/language/step_internal.h"

static const struct word types[] = {
	{ "bind", RUN_MOUNT_BIND },
	{ "cache", RUN_MOUNT_CACHE },
	{ "tmpfs", RUN_MOUNT_TMPFS },
	{ "secret", RUN_MOUNT_SECRET },
	{ "ssh", RUN_MOUNT_SSH },
	{ NULL, 0 },
};

static const struct word sharings[] = {
	{ "shared", RUN_SHARING_SHARED },
	{ "private", RUN_SHARING_PRIVATE },
	{ "locked", RUN_SHARING_LOCKED },
	{ NULL, 0 },
};

enum key {
	KEY_TYPE,
	KEY_FROM,
	KEY_SOURCE,
	KEY_TARGET,
	KEY_ID,
	KEY_ENV,
	KEY_SHARING,
	KEY_READ_ONLY,
	KEY_READ_WRITE,
	KEY_REQUIRED,
	KEY_SIZE,
	KEY_MODE,
	KEY_UID,
	KEY_GID,
};

#define OF(type) (1u << RUN_MOUNT_##type)
#define OF_ALL   (OF(BIND) | OF(CACHE) | OF(TMPFS) | OF(SECRET) | OF(SSH))

/* clang-format off */
static const struct key_rule {
	const char *name;
	enum key key;
	unsigned types; /* that know it */
	bool flag;      /* may stand without a value */
} key_rules[] = {
	{ "type", KEY_TYPE, OF_ALL },
	{ "from", KEY_FROM, OF(BIND) | OF(CACHE) },
	{ "source", KEY_SOURCE, OF(BIND) | OF(CACHE) | OF(SECRET) },
	{ "src", KEY_SOURCE, OF(BIND) | OF(CACHE) | OF(SECRET) },
	{ "target", KEY_TARGET, OF_ALL },
	{ "dst", KEY_TARGET, OF_ALL },
	{ "destination", KEY_TARGET, OF_ALL },
	{ "id", KEY_ID, OF(CACHE) | OF(SECRET) | OF(SSH) },
	{ "env", KEY_ENV, OF(SECRET) },
	{ "sharing", KEY_SHARING, OF(CACHE) },
	{ "readonly", KEY_READ_ONLY, OF_ALL, true },
	{ "ro", KEY_READ_ONLY, OF_ALL, true },
	{ "readwrite", KEY_READ_WRITE, OF_ALL, true },
	{ "rw", KEY_READ_WRITE, OF_ALL, true },
	{ "required", KEY_REQUIRED, OF(SECRET) | OF(SSH), true },
	{ "size", KEY_SIZE, OF(TMPFS) },
	{ "mode", KEY_MODE, OF(CACHE) | OF(SECRET) | OF(SSH) },
	{ "uid", KEY_UID, OF(CACHE) | OF(SECRET) | OF(SSH) },
	{ "gid", KEY_GID, OF(CACHE) | OF(SECRET) | OF(SSH) },
};
/* clang-format on */

struct reader {
	struct step_context *context;
	const struct token *token;
	struct run_mount *mount;
	bool has_mode;
	bool has_access; /* ro or rw was given */
};

static int refuse(struct reader *reader)
{
	return span_fail_while(
		instruction_span(reader->context->instruction, reader->token),
		reader->context->err);
}

static const char *next_key(void *state)
{
	size_t *i = state;

	return *i < ARRAY_SIZE(key_rules) ? key_rules[(*i)++].name : NULL;
}

static int unknown_key(struct reader *reader, const char *name)
{
	size_t state = 0;
	const char *near = str_nearest(name, next_key, &state);

	if (near)
		(void)fail(reader->context->err,
			"--mount knows no \"%s\"; did you mean \"%s\"?", name, near);
	else
		(void)fail(reader->context->err, "--mount knows no \"%s\"", name);
	return refuse(reader);
}

static const struct key_rule *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_rules); i++)
		if (strcasecmp(key_rules[i].name, name) == 0)
			return &key_rules[i];
	return NULL;
}

static int parse_bool(
	struct reader *reader, const char *name, const char *value, bool *ret)
{
	static const char *const yes[] = { "", "1", "t", "true" }, *const no[] = { "0",
		"f", "false" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (strcasecmp(value, yes[i]) == 0)
			return *ret = true, 0;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (strcasecmp(value, no[i]) == 0)
			return *ret = false, 0;
	return fail(reader->context->err, "%s is true or false, not \"%s\"", name, value);
}

static int parse_mode(struct reader *reader, const char *value, uint32_t *ret)
{
	uint32_t mode = 0;

	if (!*value || strlen(value) > 5)
		return fail(reader->context->err, "mode is octal, not \"%s\"", value);
	for (const char *c = value; *c; c++) {
		if (*c < '0' || *c > '7')
			return fail(
				reader->context->err, "mode is octal, not \"%s\"", value);
		mode = mode * 8 + (uint32_t)(*c - '0');
	}
	if (mode > 07777)
		return fail(
			reader->context->err, "mode is at most 7777, not \"%s\"", value);
	*ret = mode;
	return 0;
}

static int parse_word(struct reader *reader, const struct word *table, const char *what,
	const char *value, int64_t *ret)
{
	const struct word *all = table;

	for (; table->word; table++)
		if (strcasecmp(table->word, value) == 0)
			return *ret = table->number, 0;
	return word_fail(all, what, value, reader->context->err);
}

static void keep(char **slot, const char *value)
{
	free(*slot);
	*slot = str_dup(value);
}

static int set(struct reader *reader, const struct key_rule *rule, const char *value)
{
	struct run_mount *mount = reader->mount;
	struct error *err = reader->context->err;
	bool yes;

	switch (rule->key) {
	case KEY_TYPE:
		return 0; /* was read first */
	case KEY_FROM:
		keep(&mount->from, value);
		return 0;
	case KEY_SOURCE:
		keep(&mount->source, value);
		return 0;
	case KEY_TARGET:
		keep(&mount->target, value);
		return 0;
	case KEY_ID:
		keep(&mount->id, value);
		return 0;
	case KEY_ENV:
		keep(&mount->env, value);
		return 0;
	case KEY_SHARING:
		return parse_word(reader, sharings, "sharing", value, &mount->sharing);
	case KEY_READ_ONLY:
		reader->has_access = true;
		return parse_bool(reader, rule->name, value, &mount->read_only);
	case KEY_READ_WRITE:
		reader->has_access = true;
		if (parse_bool(reader, rule->name, value, &yes) < 0)
			return -1;
		mount->read_only = !yes;
		return 0;
	case KEY_REQUIRED:
		return parse_bool(reader, rule->name, value, &mount->required);
	case KEY_SIZE:
		return str_to_bytes(value, "size", &mount->size, err);
	case KEY_MODE:
		reader->has_mode = true;
		return parse_mode(reader, value, &mount->mode);
	case KEY_UID:
		return str_to_u32(value, "uid", &mount->uid, err);
	case KEY_GID:
		return str_to_u32(value, "gid", &mount->gid, err);
	}
	return 0;
}

/* "key=value" or "key"; the value's variables are replaced. */
static int read_field(struct reader *reader, const char *field, bool type_only)
{
	auto_free char *name = str_dup_n(field, strcspn(field, "="));
	auto_free char *value = NULL;
	const struct key_rule *rule = find_key(name);
	const char *equals = strchr(field, '=');
	struct token token = *reader->token;

	if (!rule)
		return unknown_key(reader, name);
	if ((rule->key == KEY_TYPE) != type_only)
		return 0;
	if (!equals && !rule->flag) {
		(void)fail(reader->context->err, "%s needs a value: %s=...", name, name);
		return refuse(reader);
	}
	token.text = (char *)(equals ? equals + 1 : "");
	if (rule->key == KEY_FROM && strchr(token.text, '$')) {
		(void)fail(reader->context->err,
			"from takes no variables; give the stage a name with FROM ... AS");
		return refuse(reader);
	}
	if (step_expand(reader->context, &token, &value) < 0)
		return -1;
	if (type_only)
		return parse_word(reader, types, "the type of a mount", value,
			       &reader->mount->type) < 0
			       ? refuse(reader)
			       : 0;
	if (!(rule->types & 1u << reader->mount->type)) {
		(void)fail(reader->context->err, "a mount of type %s knows no \"%s\"",
			word_of_number(types, reader->mount->type), name);
		return refuse(reader);
	}
	return set(reader, rule, value) < 0 ? refuse(reader) : 0;
}

static void split_csv(const char *text, struct strings *ret)
{
	auto_str field = { 0 };
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '"' && quoted && text[1] == '"')
			str_append_char(&field, *text++);
		else if (*text == '"')
			quoted = !quoted;
		else if (*text == ',' && !quoted)
			strings_add_take(ret, str_take(&field));
		else
			str_append_char(&field, *text);
	}
	strings_add_take(ret, str_take(&field));
}

static int must_have(struct reader *reader, bool holds, const char *words)
{
	if (holds)
		return 0;
	(void)fail(reader->context->err, "a mount of type %s %s",
		word_of_number(types, reader->mount->type), words);
	return refuse(reader);
}

static void make_absolute(struct reader *reader, char **path)
{
	auto_free char *joined = NULL;
	char *clean;

	if (!*path)
		return;
	joined = **path == '/' ? str_dup(*path)
			       : path_join(reader->context->scope->workdir, *path);
	clean = path_clean(joined);
	free(*path);
	*path = clean;
}

/* What was not given, and what must have been. */
static int complete(struct reader *reader)
{
	struct run_mount *mount = reader->mount;
	bool secret = mount->type == RUN_MOUNT_SECRET;
	bool hidden = secret || mount->type == RUN_MOUNT_SSH;

	if (must_have(reader, hidden || mount->target, "needs a target") < 0 ||
		must_have(reader, !secret || mount->source || mount->id || mount->target,
			"needs an id or a target") < 0)
		return -1;
	if (secret && mount->source) { /* another word for the id, and the stronger one */
		free(mount->id);
		mount->id = mount->source;
		mount->source = NULL;
	}
	if (secret && !mount->id)
		mount->id = str_dup(path_base(mount->target));
	make_absolute(reader, &mount->target);
	if (must_have(reader, !str_equal(mount->target, "/"),
		    "cannot be at \"/\": it would hide the step's own files") < 0)
		return -1;
	if (mount->type == RUN_MOUNT_SSH && !mount->id)
		mount->id = str_dup("default");
	if (mount->type == RUN_MOUNT_CACHE && !mount->id)
		mount->id = str_dup(mount->target);
	if (!mount->source &&
		(mount->type == RUN_MOUNT_BIND || mount->type == RUN_MOUNT_CACHE))
		mount->source = str_dup("/");
	if (!reader->has_access)
		mount->read_only = hidden || mount->type == RUN_MOUNT_BIND;
	if (!reader->has_mode)
		mount->mode = secret ? 0400 : mount->type == RUN_MOUNT_SSH ? 0600 : 0755;
	return 0;
}

int run_mount_parse(struct step_context *context, const struct token *token,
	const char *text, struct run_mount *ret)
{
	struct reader reader = { .context = context, .token = token, .mount = ret };
	auto_strings fields = { 0 };

	split_csv(text, &fields);
	/* The type decides which keys there are, wherever it stands. */
	strings_each (field, &fields)
		if (read_field(&reader, *field, true) < 0)
			return -1;
	strings_each (field, &fields)
		if (read_field(&reader, *field, false) < 0)
			return -1;
	return complete(&reader);
}

void run_mount_free(struct run_mount *mount)
{
	free(mount->from);
	free(mount->source);
	free(mount->target);
	free(mount->id);
	free(mount->env);
	*mount = (struct run_mount){ 0 };
}
