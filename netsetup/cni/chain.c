/*
 * ADD after other plugins of a chain: what they made stays theirs and is passed on as it
 * came; published ports, rules and limits are added for its addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "netsetup/cni/call.h"
#include "netsetup/netns.h"

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

static int fill(struct cni_call *call, const struct cni_result *result,
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
	free(record->network.name);
	record->network.name = str_format("%s+%s", call->config.name, what_it_does(call));
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
	attach->tune.mac = record->mac;
	return take_addresses(result, record, err);
}

int cni_add_chained(struct cni_call *call, struct error *err)
{
	auto_attach attach = { .places = &call->places, .netns_fd = -1 };
	auto_cni_result result = { 0 };

	call->code = CNI_DECODING_FAILURE;
	if (json_read(&cni_result_type, &result, call->config.prev_result,
		    strlen(call->config.prev_result),
		    &(struct json_options){ .name = "prevResult" }, err) < 0)
		return -1;
	call->code = CNI_INVALID_CONFIG;
	if (fill(call, &result, &attach, err) < 0)
		return -1;
	call->code = CNI_INVALID_ENVIRONMENT;
	if (netns_open(call->netns, &attach.netns_fd, err) < 0)
		return fail_while(err, "CNI_NETNS");
	call->code = CNI_FAILED;
	if (attach_run(&attach, err) < 0)
		return -1;
	str_appendf(&call->output, "%s\n", call->config.prev_result);
	return 0;
}
