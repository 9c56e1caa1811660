/* history: the steps that an image was made of, the last first. */
#include <stdio.h>
#include <sys/file.h>

#include "base/json.h"
#include "builder/commands/commands.h"
#include "builder/size.h"
#include "builder/store/image.h"
#include "builder/store/refs.h"

struct history_options {
	const char *format;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRING(struct history_options, format, "format", 0, "table|json",
		"the form of the list", .values = "table|json", .initial = "table"),
	OPTION_END,
};
/* clang-format on */

/* One line; all are borrowed. */
struct row {
	char *created;
	char *created_by;
	char *comment;
	bool empty;
	uint64_t size;
	char *diff_id;
};

static const struct json_field row_fields[] = {
	JSON_STRING(struct row, created, "created"),
	JSON_STRING(struct row, created_by, "createdBy"),
	JSON_STRING(struct row, comment, "comment"),
	JSON_BOOL(struct row, empty, "emptyLayer"),
	JSON_U64(struct row, size, "size", .required = true),
	JSON_STRING(struct row, diff_id, "diffID"),
	JSON_END,
};
static const struct json_type row_type = JSON_TYPE(struct row, row_fields);

static void print_json(const struct image_history *entry, const struct image_layer *layer)
{
	struct json_write_options compact = { 0 };
	struct row row = {
		.created = entry->created,
		.created_by = entry->created_by,
		.comment = entry->comment,
		.empty = !layer,
		.size = layer ? layer->size : 0,
		.diff_id = layer ? layer->diff_id : NULL,
	};
	auto_str text = { 0 };

	json_write(&text, &row_type, &row, compact);
	fputs(text.data, stdout);
}

static void print_entry(
	const struct image_history *entry, const struct image_layer *layer)
{
	struct size_text size = size_text(layer ? layer->size : 0);

	printf("%-20s %10s  %s\n", entry->created ? entry->created : "-",
		layer ? size.text : "-", entry->created_by ? entry->created_by : "");
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct history_options *given = call->options;
	bool json = str_equal(given->format, "json");
	auto_store store = STORE_CLOSED;
	auto_image image = { 0 };
	struct digest id;
	size_t layer;

	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		refs_find(&store, call->argv[0], &id, err) < 0 ||
		image_load(&store, &id, &image, err) < 0)
		return -1;
	if (!json)
		printf("%-20s %10s  %s\n", "CREATED", "SIZE", "STEP");
	layer = image.layers_count;
	for (size_t i = image.config.history_count; i-- > 0;) {
		const struct image_history *entry = &image.config.history[i];
		bool has_layer = !entry->empty_layer && layer > 0;
		const struct image_layer *of = has_layer ? &image.layers[--layer] : NULL;

		if (json)
			fputs(i + 1 == image.config.history_count ? "[" : ",\n", stdout);
		(json ? print_json : print_entry)(entry, of);
	}
	if (json)
		puts(image.config.history_count ? "]" : "[]");
	return 0;
}

const struct command command_history = {
	.name = "history",
	.operands = "IMAGE",
	.summary = "show the steps that an image was made of",
	.options = options,
	.options_size = sizeof(struct history_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = run,
};
