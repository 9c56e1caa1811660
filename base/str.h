/*
 * Strings: a growing buffer, lists of strings, strict numbers, "did you mean".
 * Allocation failure ends the process with one line (str_out_of_memory): a command of
 * ours holds nothing that its undo could save without memory, and glibc's overcommit
 * makes the case one that no caller can act on.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/macros.h"

no_return void str_out_of_memory(void);
void *str_alloc(size_t size); /* zeroed */
void *str_realloc(void *pointer, size_t count, size_t size);
/* Room for one more element behind `count`, for arrays that grow by nothing else: it moves
 * them only when count is a power of two. */
void *str_grow(void *array, size_t count, size_t size);
char *str_dup(const char *text); /* NULL for NULL */
char *str_dup_n(const char *text, size_t length);
char *str_format(const char *format, ...) printf_like(1, 2);

/* A growing buffer; `data` is always terminated once anything was appended. */
struct str {
	char *data;
	size_t length;
	size_t capacity;
};

#define auto_str __attribute__((cleanup(str_free))) struct str

void str_free(struct str *str);
void str_append(struct str *str, const char *text);
void str_append_n(struct str *str, const char *text, size_t length);
void str_append_char(struct str *str, char c);
/* What another program said, as one line of ours: newlines at its end go, other control
 * characters become blanks. */
void str_flatten(struct str *str);
void str_appendf(struct str *str, const char *format, ...) printf_like(2, 3);
void str_vappendf(struct str *str, const char *format, va_list arguments);
/* Hands the text over ("" if nothing was appended) and empties the buffer. */
char *str_take(struct str *str);

/* A list of owned strings; items is NULL-terminated once it is not NULL, as argv is. */
struct strings {
	char **items;
	size_t count;
};

#define auto_strings __attribute__((cleanup(strings_free))) struct strings
#define strings_each(item, list)                                                        \
	for (char **item = (list)->items; item && item < (list)->items + (list)->count; \
		item++)

void strings_free(struct strings *list);
void strings_add(struct strings *list, const char *text); /* a copy */
void strings_add_take(struct strings *list, char *text);  /* the text itself */
void strings_addf(struct strings *list, const char *format, ...) printf_like(2, 3);
void strings_copy(struct strings *to, const struct strings *from); /* appends */
bool strings_contain(const struct strings *list, const char *text);
/* Fields between `separator`; "a,,b" has an empty one, "" has none. */
void strings_split(struct strings *list, const char *text, char separator);
char *strings_join(const struct strings *list, const char *separator);
void strings_sort(struct strings *list);

/* The value of NAME in a list of NAME=value; NULL where it is not. Borrowed. */
const char *strings_env(const struct strings *list, const char *name);
/* Replaces or appends NAME=value. */
void strings_env_set(struct strings *list, const char *name, const char *value);
/* Of several NAME=value of one name only the last stays, where it stands. */
void strings_env_unique(struct strings *list);

/* Ordered pairs of owned strings, as JSON objects of strings are. */
struct pair {
	char *key;
	char *value;
};

struct pairs {
	struct pair *items;
	size_t count;
};

#define auto_pairs __attribute__((cleanup(pairs_free))) struct pairs

void pairs_free(struct pairs *list);
const char *pairs_get(const struct pairs *list, const char *key); /* borrowed or NULL */
void pairs_set(struct pairs *list, const char *key, const char *value); /* copies */
void pairs_remove(struct pairs *list, const char *key);

bool str_equal(const char *a, const char *b); /* both may be NULL */
bool str_is_among(const char *text, const char *const *words, size_t count);
/* What follows the prefix, or NULL. */
const char *str_after(const char *text, const char *prefix);
bool str_ends_with(const char *text, const char *suffix);

/* Strict: the whole text, decimal digits only (a sign for the i64), no white space, in
 * range. `what` names the value in the error: "pids limit". */
int str_to_u64(
	const char *text, const char *what, uint64_t *ret, struct error *err) must_check;
int str_to_i64(
	const char *text, const char *what, int64_t *ret, struct error *err) must_check;
int str_to_u32(
	const char *text, const char *what, uint32_t *ret, struct error *err) must_check;
/* Bytes with an optional suffix b, k, m, g, t (powers of 1024, either case, "kb", "kib"),
 * "1.5g" too; "-1" is -1, for limits that mean "unlimited" by it. */
int str_to_bytes(
	const char *text, const char *what, int64_t *ret, struct error *err) must_check;

/* As Go writes durations: "1h30m", "1.5s", "300ms", a bare "0"; never negative. False for
 * anything else, and above 292 years. */
bool duration_parse(const char *text, int64_t *ret_ns);

/* The candidate nearest to what was typed, or NULL where none is near enough to offer.
 * Candidates come from next(state), which returns NULL at the end. */
const char *str_nearest(const char *typed, const char *(*next)(void *state), void *state);

/* One entry of a word ↔ number table; a table ends with { NULL, 0 }. */
struct word {
	const char *word;
	int64_t number;
};

bool word_to_number(const struct word *table, const char *word, int64_t *ret);
const char *word_of_number(const struct word *table, int64_t number); /* or NULL */
/* fail() with `what`, the word found, the nearest word or else all of them. */
int word_fail(
	const struct word *table, const char *what, const char *found, struct error *err);
