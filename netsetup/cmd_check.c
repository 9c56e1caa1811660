/* check, gc, reload, status: is all as it should be, and if not, mend it. */
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "netsetup/commands.h"
#include "netsetup/firewall.h"
#include "netsetup/names.h"
#include "netsetup/sweep.h"
#include "netsetup/table.h"
#include "netsetup/verify.h"

/* One line a damaged attachment; the exit status is 1 if there is any. */
int cmd_check(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };
	auto_attachments list = { 0 };
	auto_firewall firewall = { 0 };
	const char *name = call->argc ? call->argv[0] : NULL;

	if (command_places(call, &places, err) < 0 ||
		attachments_load(&places, name, &list, err) < 0)
		return -1;
	if (name && list.count == 0)
		return fail_code(
			err, ENOENT, "\"%.64s\" is attached to no network", name);
	for (size_t i = 0; i < list.count; i++) {
		const struct attachment *record = &list.items[i];

		if (verify_attachment(record, err) == 0 &&
			firewall_check(&firewall, record, err) == 0)
			continue;
		printf("%s %s: %s\n", record->container, record->network.name, err->text);
		*call->ret_status = 1;
	}
	return 0;
}

static void print_removed(void *argument, const struct attachment *record)
{
	printf("%s %s %s\n", record->container, record->network.name, record->interface);
}

int cmd_gc(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };

	if (command_places(call, &places, err) < 0)
		return -1;
	return sweep_run(
		&(struct sweep){ .places = &places, .removed = print_removed }, err);
}

int cmd_reload(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };
	auto_attachments list = { 0 };
	auto_firewall firewall = { 0 };

	if (command_places(call, &places, err) < 0 ||
		attachments_load(&places, NULL, &list, err) < 0)
		return -1;
	if (firewall_reload(&firewall, &list, err) < 0)
		return -1;
	return names_restart(&places, &list, err);
}

/* ---- status --------------------------------------------------------------------------- */

static void add_row(struct table *table, const char *name, const char *subnet,
	uint64_t size, uint64_t taken)
{
	auto_free char *size_text =
		size == UINT64_MAX ? str_dup("2^64+")
				   : str_format("%llu", (unsigned long long)size);
	auto_free char *taken_text = str_format("%llu", (unsigned long long)taken);

	table_add(table, name);
	table_add(table, subnet);
	table_add(table, size_text);
	table_add(table, taken_text);
	table_add(table, taken >= size ? "exhausted" : "ok");
}

static int add_network(const struct places *places, const char *name, struct table *table,
	bool *exhausted, struct error *err)
{
	auto_network network = { 0 };
	auto_pool pool = { 0 };
	auto_free struct pool_range *ranges = NULL;
	size_t count;

	if (network_load(places, name, &network, err) < 0 ||
		network_ranges(&network, &ranges, &count, err) < 0 ||
		pool_open(places, name, &pool, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct pool_request request = {
			.ranges = &ranges[i], .count = 1, .set = ranges[i].set
		};
		uint64_t size;
		uint64_t taken;

		if (pool_usage(&pool, &request, &size, &taken, err) < 0)
			return -1;
		*exhausted = *exhausted || taken >= size;
		add_row(table, name, network.ranges[i].subnet, size, taken);
	}
	return 0;
}

int cmd_status(const struct command_call *call, struct error *err)
{
	static const char *const headings[] = { "NETWORK", "SUBNET", "ADDRESSES", "TAKEN",
		"STATUS" };
	auto_places places = { 0 };
	auto_strings names = { 0 };
	auto_table table = { .columns = ARRAY_SIZE(headings) };
	auto_str out = { 0 };
	bool exhausted = false;

	if (command_places(call, &places, err) < 0 ||
		network_list(&places, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		table_add(&table, headings[i]);
	strings_each (name, &names) {
		if (add_network(&places, *name, &table, &exhausted, err) < 0)
			return -1;
	}
	table_append(&out, &table);
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	*call->ret_status = exhausted ? 1 : 0;
	return 0;
}
