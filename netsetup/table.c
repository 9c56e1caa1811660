/* Plain columns, and rows as JSON. */
#include "netsetup/table.h"

#include <string.h>

void table_free(struct table *table)
{
	strings_free(&table->cells);
}

void table_add(struct table *table, const char *cell)
{
	strings_add(&table->cells, cell && cell[0] ? cell : "-");
}

static size_t width_of(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->cells.count; i += table->columns)
		width = MAX(width, strlen(table->cells.items[i]));
	return width;
}

void table_append(struct str *out, const struct table *table)
{
	for (size_t i = 0; i < table->cells.count; i++) {
		if (i % table->columns == table->columns - 1)
			str_appendf(out, "%s\n", table->cells.items[i]);
		else
			str_appendf(out, "%-*s  ",
				(int)width_of(table, i % table->columns),
				table->cells.items[i]);
	}
}

void table_append_json(
	struct str *out, const struct json_type *type, const void *items, size_t count)
{
	str_append(out, "[");
	for (size_t i = 0; i < count; i++) {
		str_append(out, i ? ",\n" : "\n");
		json_write(out, type, (const char *)items + i * type->size,
			(struct json_write_options){ .pretty = true });
		while (out->length && out->data[out->length - 1] == '\n')
			out->data[--out->length] = '\0';
	}
	str_append(out, count ? "\n]\n" : "]\n");
}
