/* check, gc, reload, status: is all as it should be, and if not, mend it. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "netsetup/firewall/firewall.h"
#include "netsetup/firewall/zone.h"
#include "netsetup/names/names.h"
#include "netsetup/sweep.h"
#include "netsetup/table.h"
#include "netsetup/verify.h"

/* What check and gc say of an attachment. */
struct finding {
	char *container;
	char *network;
	char *interface;
	char *fault; /* NULL: none */
};

struct findings {
	struct finding *items;
	size_t count;
};

/* clang-format off */
static const struct json_field finding_fields[] = {
	JSON_STRING(struct finding, container, "container"),
	JSON_STRING(struct finding, network, "network"),
	JSON_STRING(struct finding, interface, "interface"),
	JSON_STRING(struct finding, fault, "fault"),
	JSON_END,
};
/* clang-format on */
static const struct json_type finding_type = JSON_TYPE(struct finding, finding_fields);

#define auto_findings __attribute__((cleanup(free_findings))) struct findings

static void free_findings(struct findings *list)
{
	for (size_t i = 0; i < list->count; i++)
		json_free(&finding_type, &list->items[i]);
	free(list->items);
}

static void add_finding(
	struct findings *list, const struct attachment *record, const char *fault)
{
	list->items = str_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct finding){
		.container = str_dup(record->container),
		.network = str_dup(record->network.name),
		.interface = str_dup(record->interface),
		.fault = str_dup(fault),
	};
}

static int print(const struct str *out, struct error *err)
{
	if (fd_write_all(STDOUT_FILENO, out->data, out->length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}

static void add_damaged(struct findings *findings, const struct places *places,
	const struct attachments *list, struct str *text)
{
	for (size_t i = 0; i < list->unread; i++) {
		const struct attachment *record = &list->damaged[i];
		auto_free char *path = attachment_path(places, record);
		auto_free char *fault = str_format("%s cannot be read", path);

		add_finding(findings, record, fault);
		if (text)
			str_appendf(text, "%s %s: %s\n", record->container,
				record->network.name, fault);
	}
}

/* One line a damaged attachment, in JSON an object for each of all; the exit status is 1 if
 * there is a damaged one, or one whose record cannot be read. */
int cmd_check(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };
	auto_attachments list = { 0 };
	auto_firewall firewall = { 0 };
	auto_findings findings = { 0 };
	auto_str out = { 0 };
	const struct list_options *options = call->options;
	auto_netns_users users = { 0 };
	auto_free char *name = NULL;

	if (command_places(call, &places, err) < 0)
		return -1;
	name = call->argc ? command_container(&places, call->argv[0]) : NULL;
	if (attachments_load(&places, name, &list, err) < 0)
		return -1;
	if (name && list.count + list.unread == 0)
		return fail_code(
			err, ENOENT, "\"%.64s\" is attached to no network", name);
	add_damaged(&findings, &places, &list, options->json ? NULL : &out);
	*call->ret_status = list.unread > 0;
	for (size_t i = 0; i < list.count; i++) {
		const struct attachment *record = &list.items[i];

		bool well = verify_attachment(&places, record, &users, err) == 0 &&
			    firewall_check(&firewall, record, err) == 0 &&
			    zone_check(record, err) == 0;

		add_finding(&findings, record, well ? NULL : err->text);
		if (well)
			continue;
		*call->ret_status = 1;
		if (!options->json)
			str_appendf(&out, "%s %s: %s\n", record->container,
				record->network.name, err->text);
	}
	if (options->json)
		table_append_json(&out, &finding_type, findings.items, findings.count);
	return print(&out, err);
}

static void note_removed(void *argument, const struct attachment *record)
{
	add_finding(argument, record, NULL);
}

/* What was removed is said even where something else could not be. */
static int print_removed(const struct findings *removed,
	const struct list_options *options, struct error *err)
{
	auto_str out = { 0 };

	if (options->json)
		table_append_json(&out, &finding_type, removed->items, removed->count);
	for (size_t i = 0; !options->json && i < removed->count; i++)
		str_appendf(&out, "%s %s %s\n", removed->items[i].container,
			removed->items[i].network, removed->items[i].interface);
	return print(&out, err);
}

int cmd_gc(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };
	auto_findings removed = { 0 };
	struct error unprinted;
	int result;

	if (command_places(call, &places, err) < 0)
		return -1;
	result = sweep_run(&(struct sweep){ .places = &places,
				   .removed = note_removed,
				   .argument = &removed },
		err);
	if (print_removed(&removed, call->options, result == 0 ? err : &unprinted) < 0)
		return -1;
	return result;
}

int cmd_reload(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };
	auto_attachments list = { 0 };
	auto_firewall firewall = { 0 };
	auto_attachments_lock lock = { 0 };
	struct error later;
	int result = 0;

	if (command_places(call, &places, err) < 0 ||
		attachments_lock(&places, LOCK_EX, &lock, err) < 0 ||
		attachments_load(&places, NULL, &list, err) < 0)
		return -1;
	if (firewall_reload(&firewall, &list, err) < 0)
		return -1;
	/* A firewalld that is not there keeps no server from being started. */
	for (size_t i = 0; i < list.count; i++)
		if (zone_add(&list.items[i], result == 0 ? err : &later) < 0)
			result = -1;
	if (names_restart(&places, &list, result == 0 ? err : &later) < 0)
		result = -1;
	return result;
}

/* ---- status --------------------------------------------------------------------------- */

/* How full a range of a network is. */
struct usage {
	char *network;
	char *subnet;
	uint64_t addresses; /* UINT64_MAX: that many or more */
	uint64_t taken;
	bool exhausted;
};

struct usages {
	struct usage *items;
	size_t count;
};

/* clang-format off */
static const struct json_field usage_fields[] = {
	JSON_STRING(struct usage, network, "network"),
	JSON_STRING(struct usage, subnet, "subnet"),
	JSON_U64(struct usage, addresses, "addresses", .always = true),
	JSON_U64(struct usage, taken, "taken", .always = true),
	JSON_BOOL(struct usage, exhausted, "exhausted", .always = true),
	JSON_END,
};
/* clang-format on */
static const struct json_type usage_type = JSON_TYPE(struct usage, usage_fields);

#define auto_usages __attribute__((cleanup(free_usages))) struct usages

static void free_usages(struct usages *list)
{
	for (size_t i = 0; i < list->count; i++)
		json_free(&usage_type, &list->items[i]);
	free(list->items);
}

static int add_network(const struct places *places, const char *name, struct usages *list,
	struct error *err)
{
	auto_network network = { 0 };
	auto_pool pool = { 0 };
	auto_free struct pool_range *ranges = NULL;
	size_t count;

	if (network_load(places, name, &network, err) < 0)
		return err->errnum == ENOENT ? 0 : -1; /* removed meanwhile */
	if (network_ranges(&network, &ranges, &count, err) < 0 ||
		pool_open(places, name, &pool, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct pool_request request = {
			.ranges = &ranges[i], .count = 1, .set = ranges[i].set
		};
		struct usage usage = { 0 };

		if (pool_usage(&pool, &request, &usage.addresses, &usage.taken, err) < 0)
			return -1;
		usage.network = str_dup(name);
		usage.subnet = str_dup(network.ranges[i].subnet);
		usage.exhausted = usage.taken >= usage.addresses;
		list->items =
			str_realloc(list->items, list->count + 1, sizeof(*list->items));
		list->items[list->count++] = usage;
	}
	return 0;
}

static void append_usages(struct str *out, const struct usages *list)
{
	static const char *const headings[] = { "NETWORK", "SUBNET", "ADDRESSES", "TAKEN",
		"STATUS" };
	auto_table table = { .columns = ARRAY_SIZE(headings) };

	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		table_add(&table, headings[i]);
	for (size_t i = 0; i < list->count; i++) {
		const struct usage *usage = &list->items[i];
		auto_free char *size = str_format("%" PRIu64, usage->addresses);
		auto_free char *taken = str_format("%" PRIu64, usage->taken);

		table_add(&table, usage->network);
		table_add(&table, usage->subnet);
		table_add(&table, usage->addresses == UINT64_MAX ? "2^64+" : size);
		table_add(&table, taken);
		table_add(&table, usage->exhausted ? "exhausted" : "ok");
	}
	table_append(out, &table);
}

int cmd_status(const struct command_call *call, struct error *err)
{
	const struct list_options *options = call->options;
	auto_places places = { 0 };
	auto_strings names = { 0 };
	auto_usages list = { 0 };
	auto_str out = { 0 };

	if (command_places(call, &places, err) < 0 ||
		network_list(&places, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (add_network(&places, *name, &list, err) < 0)
			return -1;
	}
	*call->ret_status = 0;
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].exhausted)
			*call->ret_status = 1;
	if (options->json)
		table_append_json(&out, &usage_type, list.items, list.count);
	else
		append_usages(&out, &list);
	return print(&out, err);
}
