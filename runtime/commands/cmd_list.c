/* list: all containers beneath --root. */
#include <string.h>

#include "runtime/commands/commands.h"

struct list_options {
	const char *format;
	bool quiet;
};

/* One that is being made, or deleted while we look, is not shown. */
static bool describe(const char *root, const char *id, struct oci_state *ret)
{
	auto_container container = CONTAINER_NONE;
	struct error ignored;

	if (container_open(root, id, CONTAINER_READ, &container, &ignored) < 0)
		return false;
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

static void print_table(const char *root, const struct strings *ids, struct str *to)
{
	size_t id_width = 12;
	size_t bundle_width = 12;

	/* A first round for the widths would look at every container twice: the ids are
	 * known, and bundles are mostly of one length. */
	strings_each (id, ids)
		id_width = MAX(id_width, strlen(*id) + 2);
	str_appendf(to, "%-*s%-12s%-12s%-*s  %-32s%s\n", (int)id_width, "ID", "PID",
		"STATUS", (int)bundle_width, "BUNDLE", "CREATED", "OWNER");
	strings_each (id, ids) {
		auto_oci_state state = { 0 };

		if (describe(root, *id, &state))
			str_appendf(to, "%-*s%-12d%-12s%-*s  %-32s%s\n", (int)id_width,
				state.id, state.pid,
				container_status_word(
					(enum container_status)state.status),
				(int)bundle_width, state.bundle, state.created,
				state.owner);
	}
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
		"table or json", .initial = "table", .values = "table|json"),
	OPTION_FLAG(struct list_options, quiet, "quiet", 'q', "only the ids"),
	OPTION_END,
};

const struct command command_list = {
	.name = "list",
	.operands = "",
	.summary = "list the containers beneath --root",
	.options = list_options,
	.options_size = sizeof(struct list_options),
	.run = list_command,
};
