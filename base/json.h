/*
 * JSON ↔ C structs, by one table per struct: each member is listed once, with its JSON
 * name, kind and offset, and that list reads, checks, writes and frees.
 *
 *	static const struct json_field user_fields[] = {
 *		JSON_U32(struct oci_user, uid, "uid", .required = true),
 *		JSON_STRING(struct oci_user, username, "username"),
 *		JSON_END,
 *	};
 *	const struct json_type oci_user_type = JSON_TYPE(struct oci_user, user_fields);
 *
 * The macros check the member's C type at compile time. Absent and zero: a kind with
 * _OPT has a bool member has_NAME beside NAME, true where the document had the member.
 * null counts as absent (a required list may be null, for Go writes empty ones so), and
 * so does "" for a word. Unknown members are skipped (and reported, or refused: see
 * json_options). An empty array or map that the document has is kept apart from none: its
 * items are not NULL.
 *
 * Stricter than most: a member that stands twice in an object, NUL in a string, half a
 * surrogate pair, 1.0 or 1e3 where an integer belongs (as Go has it) are errors.
 *
 * Errors name file, line, column, JSON pointer, what was expected and what was found:
 *	config.json:41:17: /process/rlimits/0/hard: expected an unsigned integer, found a
 *	string
 * Source: RFC 8259, RFC 6901. This is the only room that includes yajl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

struct json_type;

enum json_kind {
	JSON_KIND_END,
	JSON_KIND_STRING,  /* char * */
	JSON_KIND_BOOL,    /* bool */
	JSON_KIND_U16,     /* uint16_t */
	JSON_KIND_U32,     /* uint32_t */
	JSON_KIND_U64,     /* uint64_t */
	JSON_KIND_I32,     /* int32_t */
	JSON_KIND_I64,     /* int64_t */
	JSON_KIND_DOUBLE,  /* double */
	JSON_KIND_WORD,    /* int64_t, by a struct word table */
	JSON_KIND_STRINGS, /* struct strings */
	JSON_KIND_PAIRS,   /* struct pairs: an object whose values are strings */
	JSON_KIND_RAW,     /* char *: any value, kept as its JSON text */
	JSON_KIND_STRUCT,  /* struct T, embedded */
	JSON_KIND_POINTER, /* struct T *, NULL where absent */
	JSON_KIND_ARRAY,   /* struct T *NAME; size_t NAME_count */
	JSON_KIND_MAP,   /* the same of an object: T's first member is char *, the key */
	JSON_KIND_U32S,  /* struct json_u32s */
	JSON_KIND_I32S,  /* struct json_i32s */
	JSON_KIND_WORDS, /* struct json_words: an array of words of a table */
	JSON_KIND_SET,   /* struct strings: the keys of {"a":{},"b":{}} */
};

struct json_u32s {
	uint32_t *items;
	size_t count;
};

struct json_i32s {
	int32_t *items;
	size_t count;
};

struct json_words {
	int64_t *items;
	size_t count;
};

struct json_field {
	const char *name; /* in JSON */
	enum json_kind kind;
	bool required; /* absent: an error; written also when zero or empty */
	bool always;   /* may be absent, but written also when zero or empty */
	bool any_type; /* a value of another type is skipped instead of refused */
	size_t offset; /* of the member */
	bool optional; /* a has_ member stands beside it */
	size_t has;    /* of that one */
	size_t count;  /* of its _count member, for arrays and maps */
	const struct json_type *type; /* of the element */
	const struct word *words;
};

struct json_type {
	size_t size;
	const struct json_field *fields;
};

#define JSON_TYPE(struct_type, table)                          \
	{                                                      \
		.size = sizeof(struct_type), .fields = (table) \
	}

/* clang-format off */
#define JSON_OFFSET(S, member, C)                                                        \
	(offsetof(S, member) +                                                           \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((S *)0)->member), C) ? 1 : -1]))
#define JSON_FIELD(S, member, json, K, C, ...)                                           \
	{ .name = (json), .kind = (K), .offset = JSON_OFFSET(S, member, C),              \
	  ##__VA_ARGS__ }
#define JSON_FIELD_OPT(S, member, json, K, C, ...)                                       \
	{ .name = (json), .kind = (K), .offset = JSON_OFFSET(S, member, C),              \
	  .optional = true, .has = JSON_OFFSET(S, has_##member, bool), ##__VA_ARGS__ }
#define JSON_LIST(S, member, json, K, T, ...)                                            \
	{ .name = (json), .kind = (K),                                                   \
	  .offset = offsetof(S, member),                                                 \
	  .count = JSON_OFFSET(S, member##_count, size_t), .type = (T), ##__VA_ARGS__ }

#define JSON_STRING(S, m, j, ...)   JSON_FIELD(S, m, j, JSON_KIND_STRING, char *, ##__VA_ARGS__)
#define JSON_BOOL(S, m, j, ...)     JSON_FIELD(S, m, j, JSON_KIND_BOOL, bool, ##__VA_ARGS__)
#define JSON_BOOL_OPT(S, m, j, ...) JSON_FIELD_OPT(S, m, j, JSON_KIND_BOOL, bool, ##__VA_ARGS__)
#define JSON_U16(S, m, j, ...)      JSON_FIELD(S, m, j, JSON_KIND_U16, uint16_t, ##__VA_ARGS__)
#define JSON_U16_OPT(S, m, j, ...)  JSON_FIELD_OPT(S, m, j, JSON_KIND_U16, uint16_t, ##__VA_ARGS__)
#define JSON_U32(S, m, j, ...)      JSON_FIELD(S, m, j, JSON_KIND_U32, uint32_t, ##__VA_ARGS__)
#define JSON_U32_OPT(S, m, j, ...)  JSON_FIELD_OPT(S, m, j, JSON_KIND_U32, uint32_t, ##__VA_ARGS__)
#define JSON_U64(S, m, j, ...)      JSON_FIELD(S, m, j, JSON_KIND_U64, uint64_t, ##__VA_ARGS__)
#define JSON_U64_OPT(S, m, j, ...)  JSON_FIELD_OPT(S, m, j, JSON_KIND_U64, uint64_t, ##__VA_ARGS__)
#define JSON_I32(S, m, j, ...)      JSON_FIELD(S, m, j, JSON_KIND_I32, int32_t, ##__VA_ARGS__)
#define JSON_I32_OPT(S, m, j, ...)  JSON_FIELD_OPT(S, m, j, JSON_KIND_I32, int32_t, ##__VA_ARGS__)
#define JSON_I64(S, m, j, ...)      JSON_FIELD(S, m, j, JSON_KIND_I64, int64_t, ##__VA_ARGS__)
#define JSON_I64_OPT(S, m, j, ...)  JSON_FIELD_OPT(S, m, j, JSON_KIND_I64, int64_t, ##__VA_ARGS__)
#define JSON_DOUBLE_OPT(S, m, j, ...) JSON_FIELD_OPT(S, m, j, JSON_KIND_DOUBLE, double, ##__VA_ARGS__)
#define JSON_WORD(S, m, j, W, ...)                                                       \
	JSON_FIELD(S, m, j, JSON_KIND_WORD, int64_t, .words = (W), ##__VA_ARGS__)
#define JSON_WORD_OPT(S, m, j, W, ...)                                                   \
	JSON_FIELD_OPT(S, m, j, JSON_KIND_WORD, int64_t, .words = (W), ##__VA_ARGS__)
#define JSON_STRINGS(S, m, j, ...)  JSON_FIELD(S, m, j, JSON_KIND_STRINGS, struct strings, ##__VA_ARGS__)
#define JSON_PAIRS(S, m, j, ...)    JSON_FIELD(S, m, j, JSON_KIND_PAIRS, struct pairs, ##__VA_ARGS__)
#define JSON_RAW(S, m, j, ...)      JSON_FIELD(S, m, j, JSON_KIND_RAW, char *, ##__VA_ARGS__)
#define JSON_U32S(S, m, j, ...)     JSON_FIELD(S, m, j, JSON_KIND_U32S, struct json_u32s, ##__VA_ARGS__)
#define JSON_I32S(S, m, j, ...)     JSON_FIELD(S, m, j, JSON_KIND_I32S, struct json_i32s, ##__VA_ARGS__)
#define JSON_WORDS(S, m, j, W, ...)                                                      \
	JSON_FIELD(S, m, j, JSON_KIND_WORDS, struct json_words, .words = (W), ##__VA_ARGS__)
#define JSON_SET(S, m, j, ...)      JSON_FIELD(S, m, j, JSON_KIND_SET, struct strings, ##__VA_ARGS__)
/* T is the address of the element's struct json_type. */
#define JSON_STRUCT(S, m, j, T, ...)                                                     \
	{ .name = (j), .kind = JSON_KIND_STRUCT, .offset = offsetof(S, m),               \
	  .type = (T), ##__VA_ARGS__ }
#define JSON_POINTER(S, m, j, T, ...)                                                    \
	{ .name = (j), .kind = JSON_KIND_POINTER, .offset = offsetof(S, m),              \
	  .type = (T), ##__VA_ARGS__ }
#define JSON_ARRAY(S, m, j, T, ...) JSON_LIST(S, m, j, JSON_KIND_ARRAY, T, ##__VA_ARGS__)
#define JSON_MAP(S, m, j, T, ...)   JSON_LIST(S, m, j, JSON_KIND_MAP, T, ##__VA_ARGS__)
/* The key of a JSON_MAP's element, its first member: in the struct, not in the table. */
#define JSON_END { .kind = JSON_KIND_END }
/* clang-format on */

#define JSON_SIZE_MAX  (16u << 20) /* bytes of a document, unless options say else */
#define JSON_DEPTH_MAX 64
/* What a document may cost in memory: [{},{},...] of large structs is short as text. */
#define JSON_MEMORY_MAX (128u << 20)

struct json_options {
	const char *name; /* the file's name in errors */
	size_t size_max;  /* 0: JSON_SIZE_MAX */
	bool any_case;    /* member names match without regard to case, as Go's do */
	bool strict;      /* the first unknown member is an error */
	/* If not NULL: called once for each unknown member with a line for a person,
	 *	config.json:7:3: /process/terminl: unknown member; did you mean "terminal"? */
	void (*unknown)(void *argument, const char *line);
	void *argument;
};

/* Reads one document into the zeroed struct at `object`; on failure it is freed and
 * zeroed again. */
int json_read(const struct json_type *type, void *object, const char *text, size_t length,
	const struct json_options *options, struct error *err) must_check;

/* The same from a regular file beneath dir_fd (AT_FDCWD allowed); a FIFO or a device is
 * an error, and so is a file over the size, of which nothing is read. options->name NULL:
 * the path. */
int json_read_file(const struct json_type *type, void *object, int dir_fd,
	const char *path, const struct json_options *options,
	struct error *err) must_check;

/* The same from what is left to read of any descriptor: standard input, a pipe. */
int json_read_fd(const struct json_type *type, void *object, int fd,
	const struct json_options *options, struct error *err) must_check;

/* For what is found wrong after reading: an error whose text begins with a JSON pointer
 * ("/mounts/3/type: ...") gets the document's name, line and column before it, those of
 * the nearest parent if the member is absent; any other gets the name. */
void json_place(const char *name, const char *text, size_t length, struct error *err);

/* Frees what the table lists and zeroes the struct. */
void json_free(const struct json_type *type, void *object);

/* Appends the document; indented by two spaces and ended by a newline if `pretty`. */
struct json_write_options {
	bool pretty;
};
void json_write(struct str *str, const struct json_type *type, const void *object,
	struct json_write_options options);

/* Deep copy by writing and reading; both sides are of `type`. */
int json_copy(const struct json_type *type, void *to, const void *from,
	struct error *err) must_check;

/* Appends text as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void json_append_string(struct str *str, const char *text);
