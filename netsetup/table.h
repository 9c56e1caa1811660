/* Tables for people: columns as wide as their widest text, two spaces between; and the same
 * rows as JSON, for programs. */
#pragma once

#include "base/json.h"

struct table {
	struct strings cells; /* row by row, the headings first */
	size_t columns;
};

#define auto_table __attribute__((cleanup(table_free))) struct table

void table_free(struct table *table);
/* NULL or "" becomes "-", so that programs can read the columns by number. */
void table_add(struct table *table, const char *cell);
void table_append(struct str *out, const struct table *table);

/* An array of structs of this type. */
void table_append_json(
	struct str *out, const struct json_type *type, const void *items, size_t count);
