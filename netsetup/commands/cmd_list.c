/* list and inspect: the attachments, for people and as JSON. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "netsetup/firewall/publish.h"
#include "netsetup/table.h"

static char *addresses_text(const struct attachment *record)
{
	struct str text = { 0 };

	for (size_t i = 0; i < record->addresses_count; i++)
		str_appendf(&text, "%s%.*s", i ? "," : "",
			(int)strcspn(record->addresses[i].address, "/"),
			record->addresses[i].address);
	return str_take(&text);
}

static void append_table(struct str *out, const struct attachments *list)
{
	static const char *const headings[] = { "NAME", "ADDRESS", "NETWORK", "INTERFACE",
		"MAC", "PORTS", "NETNS" };
	auto_table table = { .columns = ARRAY_SIZE(headings) };

	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		table_add(&table, headings[i]);
	for (size_t i = 0; i < list->count; i++) {
		const struct attachment *record = &list->items[i];
		auto_free char *addresses = addresses_text(record);
		auto_free char *ports = publish_text(record);

		table_add(&table, record->container);
		table_add(&table, addresses);
		table_add(&table, record->network.name);
		table_add(&table, record->interface);
		table_add(&table, record->mac);
		table_add(&table, ports);
		table_add(&table, record->netns);
	}
	table_append(out, &table);
}

int cmd_list(const struct command_call *call, struct error *err)
{
	const struct list_options *options = call->options;
	auto_places places = { 0 };
	auto_attachments list = { 0 };
	auto_str out = { 0 };

	if (command_places(call, &places, err) < 0 ||
		attachments_load(&places, NULL, &list, err) < 0)
		return -1;
	if (options->json)
		table_append_json(&out, &attachment_type, list.items, list.count);
	else
		append_table(&out, &list);
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}

int cmd_inspect(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };
	auto_attachments list = { 0 };
	auto_str out = { 0 };
	auto_free char *name = NULL;

	if (command_places(call, &places, err) < 0)
		return -1;
	name = command_container(&places, call->argv[0]);
	if (attachments_load(&places, name, &list, err) < 0)
		return -1;
	if (list.count == 0)
		return fail_code(err, ENOENT,
			"\"%.64s\" is attached to no network; mocker-netsetup list shows "
			"what is",
			call->argv[0]);
	table_append_json(&out, &attachment_type, list.items, list.count);
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}
