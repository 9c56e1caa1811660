/*
 * What the files of json share: the reader's state, positions and errors.
 *
 * json_read.c    the document: files, bytes, yajl's run
 * json_events.c  yajl's events: objects, arrays, member names (json_events.h)
 * json_target.c  what a value may fill
 * json_value.c   one string, number or word into its member
 * json_keys.c    duplicate member names
 * json_error.c   line, column, pointer, expected and found
 * json_locate.c  from a pointer back to line and column (json_place)
 * json_text.c    UTF-8, escapes: what a JSON string may hold
 * json_write.c   struct → text
 * json_free.c    struct → nothing
 */
#pragma once

#include "base/json.h"

/* A member's name, decoded: inside the document, or in reader.decoded if it had escapes. */
struct json_key {
	const char *text;
	size_t length;
};

/* The names that one object has used, by hash; open addressing. */
struct json_keys {
	struct json_key *slots;
	size_t capacity; /* a power of two */
	size_t count;
};

/* An object or array that was opened and not yet closed. */
struct json_frame {
	enum json_kind kind; /* STRUCT or a list's; END where the content is skipped */
	bool is_array;
	char *object;                   /* the struct that field->offset counts from */
	const struct json_type *type;   /* STRUCT */
	const struct json_field *field; /* STRUCT: of the current member, NULL: unknown;
					   of a list or map: the list itself */
	uint64_t seen;                  /* STRUCT: one bit for each row of the table */
	struct json_key key;            /* of objects: the current member */
	struct json_keys keys;          /* of maps; of structs: the unknown ones */
	size_t index;                   /* of arrays: the current element */
	size_t start;                   /* offset of the brace in the document */
	char **raw; /* where the text goes when the skipped value ends */
};

struct json_reader {
	const struct json_options *options;
	const char *name;
	const char *text;
	size_t length;
	void *handle; /* yajl's */
	const struct json_type *type;
	void *object;
	struct json_frame frames[JSON_DEPTH_MAX];
	int depth;
	struct strings decoded; /* names that had escapes */
	size_t memory;          /* bytes that the document has cost so far */
	struct error *err;
};

/* What the next value fills. */
struct json_target {
	enum json_kind kind; /* END: nothing, it is skipped */
	const struct json_field *field;
	const struct json_type *type; /* of a struct */
	char *address;
	bool *has; /* or NULL */
};

enum json_token {
	JSON_TOKEN_STRING,
	JSON_TOKEN_NUMBER,
	JSON_TOKEN_TRUE,
	JSON_TOKEN_FALSE,
	JSON_TOKEN_OBJECT,
	JSON_TOKEN_ARRAY,
};

static inline struct json_frame *json_top(struct json_reader *reader)
{
	return reader->depth ? &reader->frames[reader->depth - 1] : NULL;
}

/* ---- json_target.c ---- */

/* What the value that starts with this token at this offset fills; fails where no such
 * value may stand. */
int json_aim(struct json_reader *reader, enum json_token token, size_t at,
	struct json_target *ret) must_check;
void json_aim_at_member(const struct json_frame *frame, struct json_target *target);
/* What the elements of such a list or map are; END: it is none. */
enum json_kind json_element_kind(enum json_kind list);

/* ---- json_read.c ---- */

#define JSON_BLOCK 32 /* what the smallest block costs beside its content */

/* Counts memory that the document costs; fails above JSON_MEMORY_MAX. */
int json_charge(struct json_reader *reader, size_t bytes) must_check;

/* ---- json_value.c: `at` is where the value starts; its kind fits the target's ---- */

int json_put_string(struct json_reader *reader, const struct json_target *target,
	const char *text, size_t length, size_t at) must_check;
int json_put_number(struct json_reader *reader, const struct json_target *target,
	const char *text, size_t length, size_t at) must_check;
void json_put_bool(const struct json_target *target, bool value);

/* A zeroed element more at the end of a list whose members are items and count. */
int json_list_grow(struct json_reader *reader, void **items, size_t *count, size_t size,
	void **ret) must_check;

/* ---- json_keys.c ---- */

/* Fails, with the position `at`, if the name was there before. */
int json_keys_add(struct json_reader *reader, struct json_keys *keys, struct json_key key,
	size_t at) must_check;
void json_keys_free(struct json_keys *keys);

/* ---- json_error.c ---- */

/* Fails with "name:line:column: pointer: " before the words. */
int json_fail_at(struct json_reader *reader, size_t offset, const char *format, ...)
	printf_like(3, 4);
/* The same as "expected ..., found ...", by what the target wants. */
int json_fail_kind(struct json_reader *reader, const struct json_target *target,
	size_t offset, const char *found);
/* From 1 on; columns count characters. */
void json_position(const char *text, size_t length, size_t offset, size_t *ret_line,
	size_t *ret_column);
/* Text of the document for a line of ours: escaped, shortened. */
void json_append_quoted(struct str *str, const char *text, size_t length);

/* ---- json_text.c ---- */

/* The length of the UTF-8 sequence that starts here; 0: it is none. */
size_t json_utf8_sequence(const char *text, size_t length);
/* The offset of the first byte that is no UTF-8, or `length`. */
size_t json_utf8_valid(const char *text, size_t length);
/* The offset of the quote that opens the string whose closing quote is before `end`. */
size_t json_string_start(const char *text, size_t end);
/* Whether the escapes between the quotes make surrogate pairs, no halves. */
bool json_escapes_valid(const char *text, size_t length);
