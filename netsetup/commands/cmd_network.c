/* network create, rm, ls, inspect, prune: definitions of networks. */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "netsetup/firewall/firewall.h"
#include "netsetup/links/bridge.h"
#include "netsetup/links/upper.h"
#include "netsetup/netlink/netlink.h"
#include "netsetup/table.h"

/* ---- create --------------------------------------------------------------------------- */

static int add_ranges(
	struct network *network, const struct create_options *options, struct error *err)
{
	size_t count = options->subnets.count;

	if (options->gateways.count > count || options->ranges.count > count)
		return fail(err, "more --gateway or --range than --subnet");
	if (!count)
		return 0;
	network->ranges = str_alloc(count * sizeof(*network->ranges));
	network->ranges_count = count;
	for (size_t i = 0; i < count; i++) {
		struct network_range *range = &network->ranges[i];
		const char *dash;

		range->set = (uint32_t)i;
		range->subnet = str_dup(options->subnets.items[i]);
		if (i < options->gateways.count)
			range->gateway = str_dup(options->gateways.items[i]);
		if (i >= options->ranges.count)
			continue;
		dash = strchr(options->ranges.items[i], '-');
		if (!dash)
			return fail(err, "--range %.64s: expected ADDRESS-ADDRESS",
				options->ranges.items[i]);
		range->first = str_dup_n(options->ranges.items[i],
			(size_t)(dash - options->ranges.items[i]));
		range->last = str_dup(dash + 1);
	}
	return 0;
}

static int fill(
	struct network *network, const struct create_options *options, struct error *err)
{
	int64_t isolation = NETWORK_STRICT;

	if (options->kind && !str_equal(options->kind, "user") && geteuid() != 0)
		return fail(err,
			"only root can make a network of the kind %s; of a user's "
			"own is the kind user",
			options->kind);
	if (options->kind) /* without: the usual one of root, or of a user */
		(void)word_to_number(network_kind_words, options->kind, &network->kind);
	(void)word_to_number(network_isolation_words, options->isolation, &isolation);
	network->isolation = isolation; /* both by tables of the options already */
	network->mtu = options->mtu;
	network->vlan = options->vlan;
	network->isolated_ports = options->isolated_ports;
	network->dns = options->dns;
	network->duplicate_detection = options->detect_duplicates;
	network->check_mac = options->check_mac;
	network->mode = str_dup(options->mode);
	network->internal = options->internal;
	if (options->internal)
		network->default_route = network->masquerade = false;
	if (options->no_masquerade)
		network->masquerade = false;
	if (options->unmanaged) {
		network->unmanaged = true;
		network->gateway = network->masquerade = false;
	}
	if (network->kind != NETWORK_BRIDGE)
		network->gateway = network->masquerade = false;
	if (network->kind == NETWORK_USER) {
		free(network->interface);
		network->interface = str_dup(NETWORK_USER_INTERFACE);
		return add_ranges(network, options, err);
	}
	if ((network->kind != NETWORK_BRIDGE || options->unmanaged) &&
		!options->interface)
		return fail(err, "--interface must name the %s",
			options->unmanaged ? "bridge" : "parent interface");
	if (options->interface) {
		free(network->interface);
		network->interface = str_dup(options->interface);
	}
	return add_ranges(network, options, err);
}

int cmd_network_create(const struct command_call *call, struct error *err)
{
	const struct create_options *options = call->options;
	const char *name = call->argv[0];
	auto_places places = { 0 };
	auto_network network = { 0 };
	auto_fd lock = -1;
	uint32_t mode;
	bool no_subnet = options->subnets.count > 0 || options->unmanaged ||
			 (options->kind && !str_equal(options->kind, "bridge") &&
				 !str_equal(options->kind, "user"));

	if (command_places(call, &places, err) < 0 ||
		places_check_strictly(name, "network", err) < 0 ||
		networks_lock(&places, &lock, err) < 0 ||
		network_fill(&places, name,
			(struct network_defaults){ .no_subnet = no_subnet }, &network,
			err) < 0 ||
		fill(&network, options, err) < 0 ||
		upper_mode(&network, &mode, err) < 0 ||
		network_create(&places, &network, err) < 0)
		return fail_while(err, "creating network \"%.64s\"", name);
	return 0;
}

/* ---- rm and prune --------------------------------------------------------------------- */

/* By the names of their files, so that one which cannot be read counts too. */
static size_t count_users(const struct attachments *list, const char *network,
	const struct attachment **ret_first)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count + list->unread; i++) {
		const struct attachment *record =
			i < list->count ? &list->items[i]
					: &list->damaged[i - list->count];

		if (!str_equal(record->network.name, network))
			continue;
		if (count++ == 0 && ret_first)
			*ret_first = record;
	}
	return count;
}

/* errnum EBUSY: some are attached. */
static int refuse_used(
	const struct attachments *list, const struct network *network, struct error *err)
{
	const struct attachment *first = NULL;
	size_t users = count_users(list, network->name, &first);

	if (users == 0)
		return 0;
	return fail_code(err, EBUSY,
		"network \"%s\" has %zu attachment%s, the first of \"%.64s\"; detach with "
		"mocker-netsetup del",
		network->name, users, users > 1 ? "s" : "", first->container);
}

/* The bridge, and what is said of it in the firewall unless another network's containers are
 * on it. */
static int remove_bridge(
	const struct network *network, const struct attachments *list, struct error *err)
{
	auto_firewall firewall = { 0 };
	auto_netlink host = NULL;

	if (network->kind != NETWORK_BRIDGE)
		return 0;
	if (netlink_open(&host, err) < 0 || bridge_delete(host, network, err) < 0)
		return -1;
	return firewall_withdraw(&firewall, network->interface, list, err);
}

/* Nobody is attached meanwhile: who has no record yet finds no definition then. */
static int remove_one(const struct places *places, const char *name, struct error *err)
{
	auto_attachments list = { 0 };
	auto_attachments_lock lock = { 0 };
	auto_network network = { 0 };
	auto_fd definitions = -1;

	if (network_load(places, name, &network, err) < 0 ||
		attachments_lock(places, LOCK_EX, &lock, err) < 0 ||
		networks_lock(places, &definitions, err) < 0 ||
		attachments_load(places, NULL, &list, err) < 0 ||
		refuse_used(&list, &network, err) < 0 ||
		remove_bridge(&network, &list, err) < 0)
		return -1;
	return network_remove(places, network.name, err);
}

int cmd_network_rm(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };

	if (command_places(call, &places, err) < 0)
		return -1;
	for (int i = 0; i < call->argc; i++)
		if (remove_one(&places, call->argv[i], err) < 0)
			return fail_while(
				err, "removing network \"%.64s\"", call->argv[i]);
	return 0;
}

static int print_names(const struct strings *names, bool json, struct error *err)
{
	auto_str out = { 0 };

	str_append(&out, json ? "[" : "");
	strings_each (name, names) {
		str_append(&out, json && name != names->items ? "," : "");
		if (json)
			json_append_string(&out, *name);
		else
			str_appendf(&out, "%s\n", *name);
	}
	str_append(&out, json ? "]\n" : "");
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}

int cmd_network_prune(const struct command_call *call, struct error *err)
{
	const struct list_options *options = call->options;
	auto_places places = { 0 };
	auto_strings names = { 0 };
	auto_strings removed = { 0 };
	struct error unprinted;

	if (command_places(call, &places, err) < 0 ||
		network_list(&places, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (remove_one(&places, *name, err) == 0) {
			strings_add(&removed, *name);
		} else if (err->errnum != EBUSY) {
			(void)print_names(&removed, options->json, &unprinted);
			return fail_while(err, "removing network \"%s\"", *name);
		}
	}
	return print_names(&removed, options->json, err);
}

/* ---- ls and inspect ------------------------------------------------------------------- */

static int load_all(const struct places *places, struct strings *names, struct error *err)
{
	auto_network unused = { 0 };

	/* The default one is listed before its first use too. */
	if (network_load(places, NETWORK_DEFAULT, &unused, err) < 0)
		return -1;
	return network_list(places, names, err);
}

static void append_row(struct table *table, const struct network *network, size_t users)
{
	auto_str subnets = { 0 };
	auto_free char *count = str_format("%zu", users);

	for (size_t i = 0; i < network->ranges_count; i++)
		str_appendf(&subnets, "%s%s", i ? "," : "", network->ranges[i].subnet);
	table_add(table, network->name);
	table_add(table, word_of_number(network_kind_words, network->kind));
	table_add(table, network->interface);
	table_add(table, subnets.data);
	table_add(table, word_of_number(network_isolation_words, network->isolation));
	table_add(table, count);
}

int cmd_network_ls(const struct command_call *call, struct error *err)
{
	static const char *const headings[] = { "NAME", "KIND", "INTERFACE", "SUBNETS",
		"ISOLATION", "ATTACHMENTS" };
	const struct list_options *options = call->options;
	auto_places places = { 0 };
	auto_attachments list = { 0 };
	auto_strings names = { 0 };
	auto_table table = { .columns = ARRAY_SIZE(headings) };
	auto_str out = { 0 };

	if (command_places(call, &places, err) < 0 ||
		load_all(&places, &names, err) < 0 ||
		attachments_load(&places, NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		table_add(&table, headings[i]);
	str_append(&out, "[");
	strings_each (name, &names) {
		auto_network network = { 0 };

		if (network_load(&places, *name, &network, err) < 0) {
			if (err->errnum == ENOENT)
				continue; /* removed meanwhile */
			return -1;
		}
		append_row(&table, &network, count_users(&list, *name, NULL));
		str_append(&out, out.length == 1 ? "" : ",");
		json_write(
			&out, &network_type, &network, (struct json_write_options){ 0 });
	}
	str_append(&out, "]\n");
	if (!options->json) {
		str_free(&out);
		table_append(&out, &table);
	}
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}

int cmd_network_inspect(const struct command_call *call, struct error *err)
{
	auto_places places = { 0 };
	auto_network network = { 0 };
	auto_str out = { 0 };

	if (command_places(call, &places, err) < 0 ||
		network_load(&places, call->argv[0], &network, err) < 0)
		return -1;
	json_write(&out, &network_type, &network,
		(struct json_write_options){ .pretty = true });
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}
