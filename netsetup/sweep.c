/*
 * Attachments first, then leases and rules: an attachment's record is written before its
 * lease is taken and removed after it is released, so that a lease without a record, looked
 * at under the pool's lock and the container's, is nobody's. So is a rule, under the lock of
 * all records.
 */
#include "netsetup/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "netsetup/attach.h"

/* Who knows what is wanted knows better than a process that has ended. */
static bool is_garbage(const struct sweep *sweep, const struct attachment *record,
	struct netns_users *users)
{
	if (sweep->unwanted)
		return sweep->unwanted(sweep->argument, record);
	/* A chained one's namespace is the business of whoever made the interface. */
	return !record->complete || !attachment_alive(record, users);
}

/* Looked at again under the container's lock: it may be in the making just now. */
static int remove_attachment(
	const struct sweep *sweep, const struct attachment *seen, struct error *err)
{
	auto_attach attach = { .places = sweep->places, .netns_fd = -1 };

	if (attachment_store_open(sweep->places, seen->container, &attach.store, err) < 0)
		return -1;
	if (attachment_read(&attach.store, seen->network.name, seen->interface,
		    &attach.record, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (!is_garbage(sweep, &attach.record, NULL))
		return 0;
	if (attach_undo(&attach, err) < 0)
		return fail_while(err, "removing \"%s\"", seen->container);
	if (sweep->removed)
		sweep->removed(sweep->argument, &attach.record);
	return 0;
}

/* A veth goes with either of its ends: without the host's end the container has none. Of
 * another kind, or a network that no definition tells of, nothing can be known so. */
static bool has_lost_link(const struct attachment *record)
{
	auto_free char *link = attachment_link_name(ATTACH_LINK_PREFIX,
		record->network.name, record->container, record->interface);
	auto_netlink host = NULL;
	struct netlink_link found;
	struct error err;

	return record->network.kind == NETWORK_BRIDGE && netlink_open(&host, &err) == 0 &&
	       netlink_get_link(host, link, &found, &err) < 0 && err.errnum == ENODEV;
}

/* A record that cannot be read is of a container that may run. */
static int remove_damaged(
	const struct sweep *sweep, const struct attachment *seen, struct error *err)
{
	auto_attach attach = { .places = sweep->places, .netns_fd = -1 };
	auto_attachment read = { 0 };
	auto_free char *path = attachment_path(sweep->places, seen);
	struct attachment *record = &attach.record;

	if (attachment_store_open(sweep->places, seen->container, &attach.store, err) < 0)
		return -1;
	if (attachment_read(
		    &attach.store, seen->network.name, seen->interface, &read, err) == 0)
		return 0; /* it is another by now */
	if (!attachment_is_damaged(err))
		return err->errnum == ENOENT ? 0 : -1;
	record->container = str_dup(seen->container);
	record->interface = str_dup(seen->interface);
	record->network.name = str_dup(seen->network.name);
	attach_recall(sweep->places, record);
	if (!has_lost_link(record))
		return fail(err,
			"%s cannot be read and its container may live; mocker-netsetup "
			"del %s removes it",
			path, seen->container);
	if (attach_undo(&attach, err) < 0)
		return fail_while(err, "removing \"%s\"", seen->container);
	if (sweep->removed)
		sweep->removed(sweep->argument, record);
	return 0;
}

static int sweep_attachments(const struct sweep *sweep, struct error *err)
{
	auto_attachments list = { 0 };
	auto_netns_users users = { 0 };
	struct error later;
	int result = 0;

	if (attachments_load(sweep->places, NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct attachment *record = &list.items[i];

		if (!is_garbage(sweep, record, &users))
			continue;
		if (remove_attachment(sweep, record, result == 0 ? err : &later) < 0)
			result = -1;
	}
	for (size_t i = 0; !sweep->unwanted && i < list.unread; i++)
		if (remove_damaged(sweep, &list.damaged[i], result == 0 ? err : &later) <
			0)
			result = -1;
	return result;
}

/* ---- leases -------------------------------------------------------------------------- */

struct lease_search {
	struct strings owners;
};

static int note_owner(
	void *argument, const char *address, const char *owner, struct error *err)
{
	struct lease_search *search = argument;

	if (!strings_contain(&search->owners, owner))
		strings_add(&search->owners, owner);
	return 0;
}

static int release_orphan(const struct places *places, const char *network,
	const char *owner, struct error *err)
{
	auto_attachment_store store = { 0 };
	auto_pool pool = { 0 };
	const char *slash = strchr(owner, '/');
	auto_free char *container =
		str_dup_n(owner, slash ? (size_t)(slash - owner) : strlen(owner));
	auto_free char *file = str_format("%s@%s", slash ? slash + 1 : "", network);

	/* The container's lock before the pool's, as attaching takes them. */
	if (attachment_store_open(places, container, &store, err) < 0)
		return -1;
	if (faccessat(store.directory, file, F_OK, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return fail_errno(err, "looking for %s/%s", store.path, file);
	if (pool_open_existing(places, network, &pool, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	log_info("releasing what %s held of network \"%s\" without an attachment", owner,
		network);
	return pool_release(&pool, owner, err);
}

static int sweep_pool(const struct places *places, const char *network, struct error *err)
{
	struct lease_search search = { 0 };
	struct pool pool = { 0 };
	int result = 0;

	if (pool_open_existing(places, network, &pool, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	result = pool_each(&pool, note_owner, &search, err);
	pool_close(&pool);
	strings_each (owner, &search.owners) {
		if (result == 0)
			result = release_orphan(places, network, *owner, err);
	}
	strings_free(&search.owners);
	return result;
}

/* Of the one network that is asked for, or of all. */
static int sweep_pools(
	const struct places *places, const char *network, struct error *err)
{
	const char *pools = places->pools;
	auto_dir directory = NULL;
	struct error later;
	int result = 0;

	if (network)
		return sweep_pool(places, network, err);
	directory = opendir(pools);
	if (!directory)
		return errno == ENOENT ? 0 : fail_errno(err, "listing %s", pools);
	for (const struct dirent *entry; (entry = path_next(directory));)
		if (entry->d_name[0] != '.' && entry->d_name[0] != '@' &&
			sweep_pool(places, entry->d_name, result == 0 ? err : &later) < 0)
			result = -1;
	return errno && result == 0 ? fail_errno(err, "listing %s", pools) : result;
}

/* ---- ports --------------------------------------------------------------------------- */

struct port_search {
	struct strings names;
	struct strings owners;
};

static int note_port(
	void *argument, const char *name, const char *owner, struct error *err)
{
	struct port_search *search = argument;

	strings_add(&search->names, name);
	strings_add(&search->owners, owner);
	return 0;
}

/* The owner of a port is "CONTAINER/INTERFACE@NETWORK", the name of its record. */
static int release_port(const struct places *places, const char *name, const char *owner,
	struct error *err)
{
	auto_attachment_store store = { 0 };
	auto_pool pool = { 0 };
	const char *slash = strchr(owner, '/');
	auto_free char *container =
		str_dup_n(owner, slash ? (size_t)(slash - owner) : strlen(owner));

	if (attachment_store_open(places, container, &store, err) < 0)
		return -1;
	if (slash && faccessat(store.directory, slash + 1, F_OK, 0) == 0)
		return 0;
	if (pool_open_ports(places, &pool, err) < 0)
		return -1;
	log_info("releasing the port %s of %s, which is gone", name, owner);
	return pool_release_name(&pool, name, owner, err);
}

static int sweep_ports(const struct places *places, struct error *err)
{
	struct port_search search = { 0 };
	struct pool pool = { 0 };
	int result;

	if (access(places->pools, F_OK) < 0)
		return 0;
	if (pool_open_ports(places, &pool, err) < 0)
		return -1;
	result = pool_each(&pool, note_port, &search, err);
	pool_close(&pool);
	for (size_t i = 0; result == 0 && i < search.names.count; i++)
		result = release_port(
			places, search.names.items[i], search.owners.items[i], err);
	strings_free(&search.names);
	strings_free(&search.owners);
	return result;
}

/* ---- rules --------------------------------------------------------------------------- */

/* A root of its own knows only its own records, and the table is everybody's. Users without
 * privilege have no rules. */
static int sweep_rules(const struct places *places, struct error *err)
{
	auto_attachments list = { 0 };
	auto_attachments_lock lock = { 0 };
	auto_firewall firewall = { 0 };

	if (places->own || geteuid() != 0)
		return 0;
	if (attachments_lock(places, LOCK_EX, &lock, err) < 0 ||
		attachments_load(places, NULL, &list, err) < 0)
		return -1;
	/* What nobody can read may still ask for some of them. */
	return list.unread ? 0 : firewall_sweep(&firewall, &list, err);
}

int sweep_orphans(const struct places *places, const char *network, struct error *err)
{
	int result = sweep_ports(places, err);
	struct error later;

	if (sweep_rules(places, result == 0 ? err : &later) < 0)
		result = -1;
	if (sweep_pools(places, network, result == 0 ? err : &later) < 0)
		result = -1;
	return result;
}

int sweep_run(const struct sweep *sweep, struct error *err)
{
	int result = sweep_attachments(sweep, err);
	struct error later;

	if (sweep_orphans(sweep->places, sweep->network, result == 0 ? err : &later) < 0)
		result = -1;
	return result;
}
