/*
 * ADD after other plugins of a chain: what they made stays theirs and is passed on as it
 * came; published ports, rules and limits are added for its addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "netsetup/cni/call.h"
#include "netsetup/firewall/publish.h"

/* What distinguishes our entries of one chain, for each has a record of its own. */
static const char *what_it_does(const struct cni_call *call)
{
	const struct cni_config *config = &call->config;

	if (config->runtime.ports_count > 0)
		return "ports";
	if (config->runtime.bandwidth || config->ingress_rate || config->egress_rate)
		return "bandwidth";
	if (config->sysctl.count || config->mac || config->promisc || config->mtu ||
		config->has_txqlen)
		return "tuning";
	return "rules";
}

/* Entries that do the same are numbered in their order; a number is free again where its
 * record is what a killed process left. */
static int choose_name(
	struct cni_call *call, struct attachment *record, struct error *err)
{
	auto_attachments list = { 0 };
	auto_free char *name = NULL;
	bool taken = true;

	if (attachments_load(&call->places, call->container, &list, err) < 0)
		return -1;
	for (unsigned number = 1; taken; number++) {
		free(name);
		name = number == 1 ? str_format("%s+%s", call->config.name,
					     what_it_does(call))
				   : str_format("%s+%s%u", call->config.name,
					     what_it_does(call), number);
		taken = false;
		for (size_t i = 0; i < list.count; i++)
			taken = taken || (str_equal(list.items[i].network.name, name) &&
						 str_equal(list.items[i].interface,
							 call->interface) &&
						 list.items[i].complete &&
						 attachment_alive(&list.items[i], NULL));
	}
	free(record->network.name);
	record->network.name = take_ptr(&name);
	return 0;
}

/* As an entry for ports of a container that publishes none: there is nothing to take back,
 * and no record. */
bool cni_asks_nothing(const struct attach *attach)
{
	const struct attachment *record = &attach->record;

	return !firewall_wanted(record) && !record->zone &&
	       !record->bandwidth.ingress_rate && !record->bandwidth.egress_rate &&
	       !tune_asks(&attach->tune);
}

int cni_read_prev_result(struct cni_call *call, struct cni_result *ret, struct error *err)
{
	call->code = CNI_DECODING_FAILURE;
	if (json_read(&cni_result_type, ret, call->config.prev_result,
		    strlen(call->config.prev_result),
		    &(struct json_options){ .name = "prevResult" }, err) < 0)
		return -1;
	return ret->error_code
		       ? fail(err, "prevResult is an error, of code %u", ret->error_code)
		       : 0;
}

static const struct cni_interface *find_host_interface(const struct cni_result *result)
{
	for (size_t i = 0; i < result->interfaces_count; i++)
		if (!result->interfaces[i].sandbox || !result->interfaces[i].sandbox[0])
			return &result->interfaces[i];
	return NULL;
}

/* The host's end of the container's pair: the last interface without a sandbox. */
static const char *find_link(const struct cni_result *result)
{
	const char *name = NULL;

	for (size_t i = 0; i < result->interfaces_count; i++)
		if (!result->interfaces[i].sandbox || !result->interfaces[i].sandbox[0])
			name = result->interfaces[i].name;
	return name;
}

/* An address without an interface's number is the container's too. */
static bool is_inside(const struct cni_result *result, const struct cni_ip *ip)
{
	const struct cni_interface *interface;

	if (!ip->has_interface)
		return true;
	if (ip->interface >= result->interfaces_count)
		return false;
	interface = &result->interfaces[ip->interface];
	return interface->sandbox && interface->sandbox[0];
}

static int take_addresses(
	const struct cni_result *result, struct attachment *record, struct error *err)
{
	record->addresses =
		str_alloc((result->ips_count + 1) * sizeof(*record->addresses));
	for (size_t i = 0; i < result->ips_count; i++) {
		struct address address;

		if (!is_inside(result, &result->ips[i]))
			continue;
		if (address_parse_prefix(result->ips[i].address, "prevResult: address",
			    &address, err) < 0)
			return -1;
		record->addresses[record->addresses_count++] =
			(struct attachment_address){
				.address = str_dup(address_text_prefix(&address).text),
			};
	}
	return 0;
}

int cni_read_chained(struct cni_call *call, const struct cni_result *result,
	struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	const struct cni_interface *host = find_host_interface(result);
	const char *link = find_link(result);

	record->face = str_dup(CNI_FACE);
	record->chained = true;
	record->container = str_dup(call->container);
	record->interface = str_dup(call->interface);
	record->netns = str_dup(call->netns);
	if (cni_network(&call->config, &record->network, err) < 0 ||
		cni_requests(&call->config, call->arguments, attach, err) < 0 ||
		cni_zone(&call->config, str_equal(what_it_does(call), "rules"), record,
			err) < 0)
		return -1;
	if (host && host->name) {
		if (netlink_check_name(host->name, "prevResult: interface", err) < 0)
			return -1;
		free(record->network.interface);
		record->network.interface = str_dup(host->name);
	}
	if (link && netlink_check_name(link, "prevResult: interface", err) < 0)
		return -1;
	record->link = str_dup(link);
	attach->tune.mtu = call->config.mtu;
	return take_addresses(result, record, err);
}

struct cni_interface *cni_find_interface(
	const struct cni_call *call, const struct cni_result *result)
{
	for (size_t i = 0; i < result->interfaces_count; i++) {
		struct cni_interface *interface = &result->interfaces[i];

		if (str_equal(interface->name, call->interface) && interface->sandbox &&
			interface->sandbox[0])
			return interface;
	}
	return NULL;
}

/* What came is passed on as it is, but for the container's interface where that is another
 * now. */
static void append_result(
	struct cni_call *call, struct cni_result *result, const struct tune *tune)
{
	struct cni_interface *interface = cni_find_interface(call, result);

	if (!tune->mac && !tune->mtu) {
		str_appendf(&call->output, "%s\n", call->config.prev_result);
		return;
	}
	if (interface && tune->mac) {
		free(interface->mac);
		interface->mac = str_dup(tune->mac);
	}
	if (interface && tune->mtu && cni_version(call->config.version) >= 10100)
		interface->mtu = tune->mtu;
	if (!result->version)
		result->version = str_dup(call->config.version);
	json_write(&call->output, &cni_result_type, result,
		(struct json_write_options){ .pretty = true });
}

int cni_add_chained(struct cni_call *call, struct error *err)
{
	auto_attach attach = { .places = &call->places, .netns_fd = -1 };
	auto_cni_result result = { 0 };

	if (cni_read_prev_result(call, &result, err) < 0)
		return -1;
	call->code = CNI_INVALID_CONFIG;
	if (cni_read_chained(call, &result, &attach, err) < 0 ||
		choose_name(call, &attach.record, err) < 0)
		return -1;
	if (cni_plan(call, &attach, err) < 0)
		return -1;
	attach.tune.mac = attach.record.mac;
	if (!cni_asks_nothing(&attach) && attach_run(&attach, err) < 0)
		return -1;
	publish_warn(&attach.record);
	append_result(call, &result, &attach.tune);
	return 0;
}
