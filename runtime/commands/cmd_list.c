/* list: all containers beneath --root. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "runtime/commands/commands.h"

struct list_options {
	const char *format;
	bool quiet;
};

/* One that is being made, or deleted while we look, is not shown. */
static bool describe(const char *root, const char *id, struct oci_state *ret)
{
	auto_container container = CONTAINER_NONE;
	struct error err;

	if (container_open(root, id, CONTAINER_READ, &container, &err) < 0) {
		if (err.errnum != ENOENT)
			log_warning("%s", err.text);
		return false;
	}
	container_describe(&container, container_status(&container), ret);
	return true;
}

static void print_json(const char *root, const struct strings *ids, struct str *to)
{
	const char *separator = "[";

	strings_each (id, ids) {
		auto_oci_state state = { 0 };

		if (!describe(root, *id, &state))
			continue;
		str_append(to, separator);
		json_write(to, &oci_state_type, &state, (struct json_write_options){ 0 });
		separator = ",";
	}
	/* runc has null for none. */
	str_append(to, to->length ? "]\n" : "null\n");
}

/* ---- the table: columns are as wide as their widest cell, and at least so wide -------- */

#define COLUMNS    6
#define COLUMN_MIN 9
#define COLUMN_GAP 3

static void add_row(struct strings *cells, const struct oci_state *state)
{
	auto_free char *pid = str_format("%d", state->pid);

	strings_add(cells, state->id);
	strings_add(cells, pid);
	strings_add(cells, container_status_word((enum container_status)state->status));
	strings_add(cells, state->bundle ? state->bundle : "");
	strings_add(cells, state->created ? state->created : "");
	strings_add(cells, state->owner ? state->owner : "");
}

static void print_cells(const struct strings *cells, struct str *to)
{
	int widths[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		widths[i] = COLUMN_MIN;
	for (size_t i = 0; i < cells->count; i++)
		widths[i % COLUMNS] =
			MAX(widths[i % COLUMNS], (int)strlen(cells->items[i]));
	for (size_t i = 0; i < cells->count; i++) {
		if (i % COLUMNS == COLUMNS - 1)
			str_appendf(to, "%s\n", cells->items[i]);
		else
			str_appendf(to, "%-*s", widths[i % COLUMNS] + COLUMN_GAP,
				cells->items[i]);
	}
}

static void print_table(const char *root, const struct strings *ids, struct str *to)
{
	static const char *const titles[COLUMNS] = { "ID", "PID", "STATUS", "BUNDLE",
		"CREATED", "OWNER" };
	auto_strings cells = { 0 };

	for (size_t i = 0; i < COLUMNS; i++)
		strings_add(&cells, titles[i]);
	strings_each (id, ids) {
		auto_oci_state state = { 0 };

		if (describe(root, *id, &state))
			add_row(&cells, &state);
	}
	print_cells(&cells, to);
}

static int list_command(const struct command_call *call, struct error *err)
{
	const struct list_options *options = call->options;
	auto_free char *root = options_root(call->global);
	auto_strings ids = { 0 };
	auto_str text = { 0 };

	if (container_ids(root, &ids, err) < 0)
		return -1;
	if (options->quiet) {
		strings_each (id, &ids)
			str_appendf(&text, "%s\n", *id);
	} else if (str_equal(options->format, "json")) {
		print_json(root, &ids, &text);
	} else {
		print_table(root, &ids, &text);
	}
	return call_print(&text, err);
}

static const struct option_spec list_options[] = {
	OPTION_STRING(struct list_options, format, "format", 'f', "FORMAT",
		"form of the list", .initial = "table", .values = "table|json"),
	OPTION_FLAG(struct list_options, quiet, "quiet", 'q', "only the ids"),
	OPTION_END,
};

const struct command command_list = {
	.name = "list",
	.summary = "list the containers beneath --root",
	.options = list_options,
	.options_size = sizeof(struct list_options),
	.run = list_command,
};
