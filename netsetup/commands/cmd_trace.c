/* trace: the way of a packet from a container, for people and as JSON. */
#include <unistd.h>

#include "base/fd.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "netsetup/trace/trace.h"

static void append_json(struct str *out, const struct table *table)
{
	str_append(out, "[");
	for (size_t i = table->columns; i < table->cells.count; i += table->columns) {
		str_append(out,
			i > table->columns ? ",\n  {\"where\": " : "\n  {\"where\": ");
		json_append_string(out, table->cells.items[i]);
		str_append(out, ", \"what\": ");
		json_append_string(out, table->cells.items[i + 1]);
		str_append(out, "}");
	}
	str_append(out, "\n]\n");
}

int cmd_trace(const struct command_call *call, struct error *err)
{
	const struct list_options *options = call->options;
	struct trace trace = {
		.destination = call->argc > 1 ? call->argv[1] : NULL,
	};
	auto_free char *container = NULL;
	auto_places places = { 0 };
	auto_str out = { 0 };
	int result = -1;

	if (command_places(call, &places, err) < 0)
		return -1;
	trace.container = container = command_container(&places, call->argv[0]);
	result = trace_run(&places, &trace, err);
	if (result == 0 && options->json)
		append_json(&out, &trace.table);
	else if (result == 0)
		table_append(&out, &trace.table);
	table_free(&trace.table);
	if (result < 0)
		return -1;
	*call->ret_status = trace.dropped ? 1 : 0;
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}
