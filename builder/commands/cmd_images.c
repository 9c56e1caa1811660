/* images: what the store holds, as a table, as JSON, as names of IDs alone. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "builder/commands/commands.h"
#include "builder/size.h"
#include "builder/store/image.h"
#include "builder/store/refs.h"

struct images_options {
	bool json;
	const char *format;
	struct strings filters;
	bool quiet;
	bool no_trunc;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_FLAG(struct images_options, json, "json", 0, "as a JSON array"),
	OPTION_STRING(struct images_options, format, "format", 0, "table|json",
		"the form of the list", .values = "table|json", .initial = "table"),
	OPTION_STRINGS(struct images_options, filters, "filter", 'f', "NAME=VALUE",
		"only images with reference=PATTERN (of the shell's), label=NAME[=VALUE] or "
		"dangling=true|false (those without a name); several must all hold"),
	OPTION_FLAG(struct images_options, quiet, "quiet", 'q', "IDs only"),
	OPTION_FLAG(struct images_options, no_trunc, "no-trunc", 0, "whole IDs"),
	OPTION_END,
};
/* clang-format on */

/* One line of the list. */
struct row {
	char *name; /* NULL: without */
	char *id;
	char *created;
	uint64_t size;
};

struct rows {
	struct row *items;
	size_t items_count;
};

static const struct json_field row_fields[] = {
	JSON_STRING(struct row, name, "name"),
	JSON_STRING(struct row, id, "id", .required = true),
	JSON_STRING(struct row, created, "created"),
	JSON_U64(struct row, size, "size", .required = true),
	JSON_END,
};
static const struct json_type row_type = JSON_TYPE(struct row, row_fields);

static void free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->items_count; i++)
		json_free(&row_type, &rows->items[i]);
	free(rows->items);
}

#define auto_rows __attribute__((cleanup(free_rows))) struct rows

/* ---- filters ------------------------------------------------------------------------- */

static bool has_label(const struct image *image, const char *wanted)
{
	const char *equals = strchr(wanted, '=');
	auto_free char *name =
		str_dup_n(wanted, equals ? (size_t)(equals - wanted) : strlen(wanted));
	const char *value = pairs_get(&image->config.config.labels, name);

	return value && (!equals || strcmp(value, equals + 1) == 0);
}

static bool fits_one(const char *filter, const char *name, const struct image *image)
{
	const char *value = strchr(filter, '=') + 1;

	if (str_after(filter, "reference="))
		return name && fnmatch(value, name, 0) == 0;
	if (str_after(filter, "dangling="))
		return (strcmp(value, "true") == 0) == !name;
	return has_label(image, value);
}

static bool fits(
	const struct strings *filters, const char *name, const struct image *image)
{
	strings_each (filter, filters) {
		if (!fits_one(*filter, name, image))
			return false;
	}
	return true;
}

static int check_filters(const struct strings *filters, struct error *err)
{
	strings_each (filter, filters) {
		const char *dangling = str_after(*filter, "dangling=");

		if (dangling ? strcmp(dangling, "true") == 0 ||
					strcmp(dangling, "false") == 0
			     : str_after(*filter, "reference=") ||
					str_after(*filter, "label="))
			continue;
		return fail(err,
			"--filter %s: expected reference=PATTERN, label=NAME[=VALUE] or "
			"dangling=true|false",
			*filter);
	}
	return 0;
}

/* ---- the list ------------------------------------------------------------------------ */

static int add_row(const struct store *store, const struct image_descriptor *entry,
	const struct strings *filters, struct rows *rows, struct error *err)
{
	auto_image image = { 0 };
	struct digest id;

	if (!digest_parse(entry->digest, &id))
		return fail(err, "index.json: \"%s\" is no digest", entry->digest);
	if (image_load(store, &id, &image, err) < 0)
		return image_is_damaged(entry, err) ? 0 : -1;
	if (!fits(filters, ref_name(entry), &image))
		return 0;
	rows->items =
		str_realloc(rows->items, rows->items_count + 1, sizeof(*rows->items));
	rows->items[rows->items_count++] = (struct row){
		.name = str_dup(ref_name(entry)),
		.id = str_dup(id.hex),
		.created = str_dup(image.config.created),
		.size = image_size(&image),
	};
	return 0;
}

static int collect(const struct store *store, const struct strings *filters,
	struct rows *rows, struct error *err)
{
	auto_image_index index = { 0 };

	if (refs_read(store, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		if (add_row(store, &index.manifests[i], filters, rows, err) < 0)
			return -1;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct row *left = a;
	const struct row *right = b;

	if (!left->name || !right->name)
		return !left->name - !right->name;
	return strcmp(left->name, right->name);
}

static void print_json(const struct rows *rows)
{
	struct json_write_options compact = { 0 };
	auto_str text = { 0 };

	for (size_t i = 0; i < rows->items_count; i++) {
		str_append(&text, i ? ",\n" : "");
		json_write(&text, &row_type, &rows->items[i], compact);
	}
	printf("[%s]\n", text.data ? text.data : "");
}

static void print_table(const struct rows *rows, int digits)
{
	printf("%-32s %-*s %-20s %10s\n", "NAME", digits, "ID", "CREATED", "SIZE");
	for (size_t i = 0; i < rows->items_count; i++) {
		const struct row *row = &rows->items[i];
		struct size_text size = size_text(row->size);

		printf("%-32s %.*s %-20s %10s\n", row->name ? row->name : "<none>",
			digits, row->id, row->created ? row->created : "-", size.text);
	}
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct images_options *given = call->options;
	int digits = given->no_trunc ? 64 : 12;
	auto_store store = STORE_CLOSED;
	auto_rows rows = { 0 };
	bool json = given->json || str_equal(given->format, "json");

	if (check_filters(&given->filters, err) < 0 ||
		store_open(global->root, LOCK_SH, &store, err) < 0 ||
		collect(&store, &given->filters, &rows, err) < 0)
		return -1;
	if (rows.items_count > 1)
		qsort(rows.items, rows.items_count, sizeof(*rows.items), compare);
	if (json)
		print_json(&rows);
	else if (!given->quiet)
		print_table(&rows, digits);
	for (size_t i = 0; given->quiet && !json && i < rows.items_count; i++)
		printf("%.*s\n", digits, rows.items[i].id);
	return 0;
}

const struct command command_images = {
	.name = "images",
	.summary = "list the images of the store",
	.options = options,
	.options_size = sizeof(struct images_options),
	.run = run,
};
