/* Where in a document a JSON pointer points: for what is found wrong long after reading,
 * by who knows only the struct. The document has been read, so that it is well formed;
 * were it not, the walk ends early and the place is a parent's. */
#include <string.h>

#include "base/json_private.h"

struct cursor {
	const char *at;
	const char *end;
};

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) && *cursor->at)
		cursor->at++;
}

static void skip_string(struct cursor *cursor)
{
	for (cursor->at++; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
		if (*cursor->at == '\\')
			cursor->at++;
	}
	cursor->at = MIN(cursor->at + 1, cursor->end);
}

/* One value of any kind, whatever it holds. */
static void skip_value(struct cursor *cursor)
{
	size_t depth = 0;

	while (cursor->at < cursor->end) {
		char c = *cursor->at;

		if (!depth && strchr(",]}", c))
			return;
		if (c == '"') {
			skip_string(cursor);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		if (c == '}' || c == ']')
			depth--;
		cursor->at++;
	}
}

/* "/" and "~" in a pointer's token are "~1" and "~0". */
static bool token_is(
	const char *token, size_t token_length, const char *name, size_t length)
{
	size_t k = 0;

	for (size_t i = 0; i < token_length; i++, k++) {
		char c = token[i];

		if (c == '~' && i + 1 < token_length)
			c = token[++i] == '1' ? '/' : '~';
		if (k >= length || name[k] != c)
			return false;
	}
	return k == length;
}

/* Past a member's name and colon; whether it is the one that the token names. */
static bool enter_member(struct cursor *cursor, const char *token, size_t length)
{
	const char *name = cursor->at + 1;
	size_t name_length;

	skip_string(cursor);
	name_length = cursor->at > name ? (size_t)(cursor->at - name) - 1 : 0;
	skip_space(cursor);
	cursor->at = MIN(cursor->at + 1, cursor->end);
	skip_space(cursor);
	return token_is(token, length, name, name_length);
}

/* From an object's or array's bracket to the element that the token names. */
static bool enter(struct cursor *cursor, const char *token, size_t length)
{
	struct cursor walk = { cursor->at + 1, cursor->end };
	size_t wanted = strtoul(token, NULL, 10); /* of an array */

	if (cursor->at >= cursor->end || !strchr("{[", *cursor->at))
		return false;
	for (size_t index = 0; walk.at < walk.end; index++) {
		bool found = *cursor->at == '[' && index == wanted;

		skip_space(&walk);
		if (*cursor->at == '{')
			found = enter_member(&walk, token, length);
		if (found && walk.at < walk.end) {
			cursor->at = walk.at;
			return true;
		}
		skip_value(&walk);
		if (walk.at >= walk.end || *walk.at != ',')
			return false;
		walk.at++;
	}
	return false;
}

/* The place of what the pointer names, or of the nearest parent that is there. */
static size_t locate(const char *text, size_t length, const char *pointer)
{
	struct cursor cursor = { text, text + length };

	skip_space(&cursor);
	while (*pointer == '/') {
		size_t token = strcspn(++pointer, "/");

		if (!enter(&cursor, pointer, token))
			break;
		pointer += token;
	}
	return (size_t)(cursor.at - text);
}

void json_place(const char *name, const char *text, size_t length, struct error *err)
{
	const char *words = strstr(err->text, ": ");
	auto_free char *pointer = NULL;
	size_t line;
	size_t column;

	if (err->text[0] != '/' || !words) {
		(void)fail_while(err, "%s", name);
		return;
	}
	pointer = str_dup_n(err->text, (size_t)(words - err->text));
	json_position(text, length, locate(text, length, pointer), &line, &column);
	(void)fail_while(err, "%s:%zu:%zu", name, line, column);
}
