/* The step that limits bandwidth: to the container on the host's end of the pair, from it
 * on an ifb device behind that. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "netsetup/steps.h"

/* "8M": by thousands, as tc(8) has them. */
static int parse_rate(
	const char *text, const char *what, uint64_t *ret, struct error *err)
{
	static const char letters[] = "kmg";
	auto_free char *digits = str_dup(text);
	char *last = digits + strlen(digits) - (digits[0] ? 1 : 0);
	const char *letter =
		*last ? strchr(letters, tolower((unsigned char)*last)) : NULL;
	uint64_t factor = 1;

	for (const char *c = letters; letter && c <= letter; c++)
		factor *= 1000;
	if (letter)
		*last = '\0';
	if (str_to_u64(digits, what, ret, err) < 0)
		return -1;
	if (*ret == 0 || *ret > UINT64_MAX / 8 / factor)
		return fail_code(err, EINVAL, "%s %.32s is no rate", what, text);
	*ret *= factor;
	return 0;
}

int attach_limit(
	struct attach *attach, const char *ingress, const char *egress, struct error *err)
{
	struct attachment_bandwidth *bandwidth = &attach->record.bandwidth;

	if (ingress &&
		parse_rate(ingress, "--ingress", &bandwidth->ingress_rate, err) < 0)
		return -1;
	return egress ? parse_rate(egress, "--egress", &bandwidth->egress_rate, err) : 0;
}

static char *ifb_name(const struct attachment *record)
{
	return attachment_link_name(
		"ifb", record->network.name, record->container, record->interface);
}

/* The subnets of the record's list in the limit: owned by the caller. */
static int parse_subnets(const struct attachment_bandwidth *bandwidth,
	struct netlink_limit *limit, struct address **ret, struct error *err)
{
	const struct strings *list =
		bandwidth->shaped.count ? &bandwidth->shaped : &bandwidth->unshaped;
	auto_free struct address *subnets =
		str_alloc((list->count + 1) * sizeof(*subnets));

	for (size_t i = 0; i < list->count; i++)
		if (address_parse_prefix(list->items[i], "subnet", &subnets[i], err) < 0)
			return -1;
	limit->only = bandwidth->shaped.count > 0;
	limit->count = list->count;
	limit->subnets = *ret = take_ptr(&subnets);
	return 0;
}

static int limit_ingress(
	struct attach *attach, struct netlink *host, int link, struct error *err)
{
	const struct attachment_bandwidth *bandwidth = &attach->record.bandwidth;
	struct netlink_limit limit = { .bits = bandwidth->ingress_rate,
		.burst = bandwidth->ingress_burst,
		.by_source = true };
	auto_free struct address *subnets = NULL;

	if (parse_subnets(bandwidth, &limit, &subnets, err) < 0)
		return -1;
	netlink_limit_rate(host, link, &limit);
	return netlink_commit(host, err);
}

/* From the container: what its host's end receives. */
static int limit_egress(
	struct attach *attach, struct netlink *host, int link, struct error *err)
{
	const struct attachment *record = &attach->record;
	auto_free char *name = ifb_name(record);
	struct netlink_limit limit = { .bits = record->bandwidth.egress_rate,
		.burst = record->bandwidth.egress_burst };
	auto_free struct address *subnets = NULL;
	struct netlink_link ifb;

	if (parse_subnets(&record->bandwidth, &limit, &subnets, err) < 0)
		return -1;
	netlink_add_ifb(host, name, record->mtu);
	if (netlink_commit(host, err) < 0 || netlink_get_link(host, name, &ifb, err) < 0)
		return -1;
	netlink_limit_rate(host, ifb.index, &limit);
	netlink_redirect_incoming(host, link, ifb.index);
	return netlink_commit(host, err);
}

int limits_set(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	struct netlink_link link;
	struct netlink *host;

	if (!record->bandwidth.ingress_rate && !record->bandwidth.egress_rate)
		return 0;
	if (!record->link)
		return fail(
			err, "bandwidth: the host has no end of this interface to limit");
	if (attach_host(attach, &host, err) < 0 ||
		netlink_get_link(host, record->link, &link, err) < 0)
		return -1;
	if (record->bandwidth.ingress_rate &&
		limit_ingress(attach, host, link.index, err) < 0)
		return -1;
	return record->bandwidth.egress_rate ? limit_egress(attach, host, link.index, err)
					     : 0;
}

/* Another plugin's interface stays, and so would what was set on it. */
static int unlimit(
	const struct attachment *record, struct netlink *host, struct error *err)
{
	struct netlink_link link;

	if (netlink_get_link(host, record->link, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	if (record->bandwidth.ingress_rate)
		netlink_unlimit_rate(host, link.index);
	if (record->bandwidth.egress_rate)
		netlink_stop_redirecting(host, link.index);
	return netlink_commit(host, err);
}

int limits_remove(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	auto_free char *name = NULL;
	struct netlink *host;

	if (!record->bandwidth.ingress_rate && !record->bandwidth.egress_rate)
		return 0;
	if (attach_host(attach, &host, err) < 0 ||
		(record->chained && record->link && unlimit(record, host, err) < 0))
		return -1;
	if (!record->bandwidth.egress_rate)
		return 0;
	name = ifb_name(record);
	netlink_tolerate(host, ENODEV);
	netlink_delete_link(host, name);
	return netlink_commit(host, err);
}

int limits_check(const struct attachment *record, struct netlink *host, struct error *err)
{
	const struct attachment_bandwidth *bandwidth = &record->bandwidth;
	auto_free char *name = ifb_name(record);
	struct netlink_link link;
	struct netlink_link ifb;
	bool in = true;
	bool out = true;
	bool redirected = true;
	bool unused;

	if (!bandwidth->ingress_rate && !bandwidth->egress_rate)
		return 0;
	if (netlink_get_link(host, record->link, &link, err) < 0 ||
		netlink_find_limits(host, link.index, &in, &redirected, err) < 0)
		return -1;
	if (bandwidth->egress_rate &&
		(netlink_get_link(host, name, &ifb, err) < 0 ||
			netlink_find_limits(host, ifb.index, &out, &unused, err) < 0))
		return fail_while(err, "the limit of what it sends");
	if ((bandwidth->ingress_rate && !in) ||
		(bandwidth->egress_rate && !(out && redirected)))
		return fail(
			err, "its limits of bandwidth are lost; detach and attach it");
	return 0;
}
