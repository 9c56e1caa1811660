/* ADD, DEL, GC and STATUS over the same steps as the other faces. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "netsetup/cni/predecessor.h"
#include "netsetup/firewall/publish.h"
#include "netsetup/netns.h"
#include "netsetup/sweep.h"

bool cni_is_network(const struct cni_call *call, const struct attachment *record)
{
	const char *rest = str_after(record->network.name, call->config.name);

	return str_equal(record->face, CNI_FACE) && rest &&
	       (*rest == '\0' || *rest == '+');
}

/* ---- ADD ----------------------------------------------------------------------------- */

int cni_plan(struct cni_call *call, struct attach *attach, struct error *err)
{
	call->code = CNI_INVALID_ENVIRONMENT;
	if (netns_open(call->netns, &attach->netns_fd, err) < 0)
		return fail_while(err, "CNI_NETNS");
	call->code = CNI_INVALID_CONFIG;
	if (attach_plan(attach, err) < 0)
		return -1;
	call->code = CNI_FAILED;
	return 0;
}

/* host-local's resolvConf: the servers of that file, where the configuration names none. */
static int read_resolv_conf(struct cni_call *call, struct error *err)
{
	const char *path = call->config.ipam ? call->config.ipam->resolv_conf : NULL;
	struct cni_dns *dns = &call->config.dns;
	auto_free char *text = NULL;
	auto_strings lines = { 0 };

	if (!path || !path[0] || dns->nameservers.count ||
		cni_ipam_is_delegated(&call->config))
		return 0;
	if (file_read_at(AT_FDCWD, path, 1 << 16, &text, NULL, err) < 0)
		return fail_while(err, "ipam.resolvConf");
	strings_split(&lines, text, '\n');
	strings_each (line, &lines)
		cni_dns_add_line(dns, *line);
	return 0;
}

static int fill(struct cni_call *call, struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;

	record->face = str_dup(CNI_FACE);
	record->container = str_dup(call->container);
	record->interface = str_dup(call->interface);
	record->netns = str_dup(call->netns);
	call->code = CNI_INVALID_CONFIG;
	if (cni_network(&call->config, &record->network, err) < 0 ||
		cni_requests(&call->config, call->arguments, attach, err) < 0 ||
		cni_zone(&call->config, false, record, err) < 0 ||
		read_resolv_conf(call, err) < 0)
		return -1;
	return cni_plan(call, attach, err);
}

static int append_result(struct cni_call *call, struct attach *attach, struct error *err)
{
	struct netlink_link link = { 0 };

	if (attach->bridge.index && netlink_get_link_by_index(attach->host,
					    attach->host_index, &link, err) < 0)
		return -1;
	cni_append_result(&call->output, call->config.version, &attach->record,
		&attach->bridge, netlink_mac_text(link.mac).text, &call->config.dns);
	return 0;
}

int cni_add(struct cni_call *call, struct error *err)
{
	auto_attach attach = { .places = &call->places, .netns_fd = -1 };

	if (call->config.prev_result)
		return cni_add_chained(call, err);
	if (cni_ipam_is_delegated(&call->config)) {
		attach.ipam_take = cni_ipam_take;
		attach.ipam_release = cni_ipam_release;
		attach.ipam = call;
	}
	attach.other_leases = predecessor_leases(call);
	if (fill(call, &attach, err) < 0 || attach_run(&attach, err) < 0)
		return -1;
	publish_warn(&attach.record);
	return append_result(call, &attach, err);
}

/* ---- DEL ----------------------------------------------------------------------------- */

/* Without a record: what would have been made has names that follow from the key. */
static int remove_by_name(struct cni_call *call, struct error *err)
{
	auto_attach attach = { .places = &call->places, .netns_fd = -1 };

	attach.record.container = str_dup(call->container);
	attach.record.interface = str_dup(call->interface);
	attach.record.network.name = str_dup(call->config.name);
	if (attachment_store_open(&call->places, call->container, &attach.store, err) <
			0 ||
		attach_undo(&attach, err) < 0)
		return -1;
	return predecessor_remove(call, err);
}

/* It is this container's, interface's and network's, whoever attached it. */
static bool has_key(const struct attachment *record, const struct cni_call *call)
{
	return str_equal(record->interface, call->interface) &&
	       str_equal(record->network.name, call->config.name);
}

static int remove_all(struct cni_call *call, struct error *err)
{
	auto_attachments list = { 0 };
	struct detach detach = {
		.places = &call->places,
		.container = call->container,
		.interface = call->interface,
	};
	size_t found = 0;

	if (attachments_load(&call->places, call->container, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct attachment *record = &list.items[i];
		size_t count;

		found += has_key(record, call);
		if (!cni_is_network(call, record))
			continue;
		detach.network = record->network.name;
		if (attach_detach(&detach, &count, err) < 0)
			return -1;
		found += count;
	}
	if (found)
		return 0;
	if (remove_by_name(call, err) < 0)
		return -1;
	/* A record that could not be read is gone now, and what only it named is nobody's. */
	return list.unread ? sweep_orphans(&call->places, call->config.name, err) : 0;
}

/* The IPAM plugin first: DHCP says farewell through the interface. */
int cni_del(struct cni_call *call, struct error *err)
{
	struct error later;
	int result = 0;

	if (cni_ipam_is_delegated(&call->config))
		result = cni_ipam_call(call, "DEL", NULL, err);
	if (remove_all(call, result == 0 ? err : &later) < 0)
		result = -1;
	return result;
}

/* ---- GC ------------------------------------------------------------------------------ */

/* libcni sends the list by the key of an older specification too. */
static const struct cni_valid *valid_attachments(
	const struct cni_call *call, size_t *ret_count)
{
	const struct cni_config *config = &call->config;

	*ret_count = config->valid ? config->valid_count : config->valid_old_count;
	return config->valid ? config->valid : config->valid_old;
}

static bool is_unwanted(void *argument, const struct attachment *record)
{
	const struct cni_call *call = argument;
	size_t count;
	const struct cni_valid *valid = valid_attachments(call, &count);

	if (!cni_is_network(call, record))
		return false;
	for (size_t i = 0; i < count; i++)
		if (str_equal(valid[i].container, record->container) &&
			str_equal(valid[i].interface, record->interface))
			return false;
	return true;
}

int cni_gc(struct cni_call *call, struct error *err)
{
	const struct sweep sweep = {
		.places = &call->places,
		.network = call->config.name,
		.unwanted = is_unwanted,
		.argument = call,
	};
	size_t unused;

	call->code = CNI_INVALID_CONFIG;
	if (!valid_attachments(call, &unused))
		return fail(err,
			"GC needs the list \"cni.dev/valid-attachments\"; an empty one "
			"says that none is valid");
	call->code = CNI_FAILED;
	if (sweep_run(&sweep, err) < 0)
		return -1;
	if (cni_ipam_is_delegated(&call->config))
		return cni_ipam_call(call, "GC", NULL, err);
	return 0;
}

/* ---- STATUS -------------------------------------------------------------------------- */

static int check_set(struct pool *pool, const struct pool_range *ranges, size_t count,
	uint32_t set, struct error *err)
{
	const struct pool_request request = {
		.ranges = ranges, .count = count, .set = set
	};
	uint64_t size;
	uint64_t taken;

	if (pool_usage(pool, &request, &size, &taken, err) < 0)
		return -1;
	if (taken >= size)
		return fail(err, "all %llu addresses of network \"%s\" are taken",
			(unsigned long long)size, pool->network);
	return 0;
}

int cni_status(struct cni_call *call, struct error *err)
{
	auto_network network = { 0 };
	auto_pool pool = { 0 };
	auto_free struct pool_range *ranges = NULL;
	size_t count;

	call->code = CNI_INVALID_CONFIG;
	if (cni_network(&call->config, &network, err) < 0 ||
		network_ranges(&network, &ranges, &count, err) < 0)
		return -1;
	call->code = CNI_NOT_AVAILABLE;
	if (cni_ipam_is_delegated(&call->config))
		return cni_ipam_call(call, "STATUS", NULL, err);
	if (pool_open_existing(&call->places, network.name, &pool, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	for (size_t i = 0; i < count; i++)
		if (check_set(&pool, ranges, count, ranges[i].set, err) < 0)
			return -1;
	return 0;
}
