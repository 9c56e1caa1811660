/* Tables for people: columns as wide as their widest text, two spaces between. */
#pragma once

#include "base/str.h"

struct table {
	struct strings cells; /* row by row, the headings first */
	size_t columns;
};

#define auto_table __attribute__((cleanup(table_free))) struct table

void table_free(struct table *table);
/* NULL or "" becomes "-", so that programs can read the columns by number. */
void table_add(struct table *table, const char *cell);
void table_append(struct str *out, const struct table *table);
