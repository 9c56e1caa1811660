/* ps: the processes of a container; by the machine's own ps(1) where options for it follow. */
#include <string.h>

#include "base/process.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/ps_table.h"

struct ps_options {
	const char *format;
};

static void print_json(const struct cgroup_pids *pids, struct str *to)
{
	for (size_t i = 0; i < pids->count; i++)
		str_appendf(to, "%s%d", i ? "," : "[", pids->items[i]);
	str_append(to, pids->count ? "]\n" : "null\n");
}

/* Where the title line has PID, counted in words; -1 if it has none. */
static int pid_column(const char *title)
{
	auto_strings words = { 0 };
	int column = 0;

	strings_split(&words, title, ' ');
	strings_each (word, &words) {
		if (!**word)
			continue;
		if (str_equal(*word, "PID"))
			return column;
		column++;
	}
	return -1;
}

static long number_in_column(const char *line, int column)
{
	for (; column >= 0; column--) {
		line += strspn(line, " ");
		if (column == 0)
			return strtol(line, NULL, 10);
		line += strcspn(line, " ");
	}
	return -1;
}

static int filter(const char *said, const struct cgroup_pids *pids, struct str *to,
	struct error *err)
{
	auto_strings lines = { 0 };
	int column;

	strings_split(&lines, said, '\n');
	column = lines.count ? pid_column(lines.items[0]) : -1;
	if (column < 0)
		return fail(err, "ps prints no column PID; its options must ask for one");
	str_appendf(to, "%s\n", lines.items[0]);
	for (size_t i = 1; i < lines.count; i++) {
		if (cgroup_pids_have(
			    pids, (pid_t)number_in_column(lines.items[i], column)))
			str_appendf(to, "%s\n", lines.items[i]);
	}
	return 0;
}

static int run_ps(const struct command_call *call, const struct cgroup_pids *pids,
	struct str *to, struct error *err)
{
	auto_strings words = { 0 };
	auto_str said = { 0 };
	auto_str complaint = { 0 };
	struct process_run run = {
		.path = "ps", .output = &said, .errors = &complaint, .keep = 64u << 20
	};
	int status;

	strings_add(&words, "ps");
	for (int i = 1; i < call->argc; i++)
		strings_add(&words, call->argv[i]);
	run.argv = words.items;
	if (process_run(&run, &status, err) < 0)
		return -1;
	str_flatten(&complaint);
	if (status != 0)
		return fail(
			err, "ps: %s", complaint.length ? complaint.data : "it failed");
	return filter(said.data ? said.data : "", pids, to, err);
}

static int ps_command(const struct command_call *call, struct error *err)
{
	const struct ps_options *options = call->options;
	auto_container container = CONTAINER_NONE;
	auto_cgroup_pids pids = { 0 };
	auto_str text = { 0 };

	if (call_container(call, CONTAINER_READ, &container, err) < 0)
		return -1;
	if (container_pids(&container, &pids, err) < 0)
		return -1;
	if (str_equal(options->format, "json"))
		print_json(&pids, &text);
	else if (call->argc == 1)
		ps_table(&pids, &text);
	else if (run_ps(call, &pids, &text, err) < 0)
		return -1;
	return call_print(&text, err);
}

static const struct option_spec ps_options[] = {
	OPTION_STRING(struct ps_options, format, "format", 'f', "FORMAT",
		"form of the list", .initial = "table", .values = "table|json"),
	OPTION_END,
};

const struct command command_ps = {
	.name = "ps",
	.operands = "ID [PS-OPTION...]",
	.summary = "list the processes of a container",
	.details =
		"What follows the id is for ps(1); if nothing does, the table is that of "
		"ps -ef. Pids are the machine's.",
	.options = ps_options,
	.options_size = sizeof(struct ps_options),
	.operands_min = 1,
	.operands_max = -1,
	.run = ps_command,
};
