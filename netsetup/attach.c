/* The table of steps, and walking it forwards and back. */
#include "netsetup/attach.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "netsetup/links/upper.h"
#include "netsetup/links/user.h"
#include "netsetup/names/names.h"
#include "netsetup/netns.h"
#include "netsetup/steps.h"

/* Who removes a network sees the record, or we see that the network is gone. */
static int record_begin(struct attach *attach, struct error *err)
{
	const char *network = attach->record.network.name;
	auto_attachments_lock lock = { 0 };

	if (attachments_lock(attach->places, LOCK_SH, &lock, err) < 0)
		return -1;
	if (attach->defined && !network_exists(attach->places, network))
		return fail_code(
			err, ENOENT, "network \"%s\" was removed meanwhile", network);
	attach->record.complete = false;
	return attachment_write(&attach->store, &attach->record, err);
}

static int record_end(struct attach *attach, struct error *err)
{
	int result = attachment_remove(&attach->store, attach->record.network.name,
		attach->record.interface, err);

	attachments_unlock(&attach->lock);
	return result;
}

static int record_complete(struct attach *attach, struct error *err)
{
	attach->record.complete = true;
	return attachment_write(&attach->store, &attach->record, err);
}

static int name_bind(struct attach *attach, struct error *err)
{
	if (!attach->record.named)
		return 0;
	return netns_bind(attach->record.container, attach->netns_fd, err);
}

static int name_unbind(struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;
	const struct netns_identity identity = { record->netns_device,
		record->netns_inode };

	return record->named ? netns_unbind(record->container, identity, err) : 0;
}

/* What the kinds of networks connect a container by. */
struct link_kind {
	int (*create)(struct attach *attach, struct error *err);
	/* From then on no packet of the container's passes: only then may its rules go.
	 * NULL: this kind has no rules. */
	int (*silence)(struct attach *attach, struct error *err);
	int (*remove)(struct attach *attach, struct error *err);
};

static const struct link_kind link_kinds[] = {
	[NETWORK_BRIDGE] = { veth_create, veth_silence, veth_delete },
	[NETWORK_MACVLAN] = { upper_create, NULL, upper_delete },
	[NETWORK_IPVLAN] = { upper_create, NULL, upper_delete },
	[NETWORK_USER] = { user_create, NULL, user_delete },
	[NETWORK_DEVICE] = { device_move, NULL, device_return },
};

/* A record that is lost says no kind: what can be found without one is a bridge's. */
static const struct link_kind *kind_of(const struct attach *attach)
{
	return &link_kinds[MAX(attach->record.network.kind, NETWORK_BRIDGE)];
}

static bool has_pair(const struct attach *attach)
{
	return !attach->record.chained && kind_of(attach) == &link_kinds[NETWORK_BRIDGE];
}

static int link_create(struct attach *attach, struct error *err)
{
	return kind_of(attach)->create(attach, err);
}

static int link_silence(struct attach *attach, struct error *err)
{
	return kind_of(attach)->silence ? kind_of(attach)->silence(attach, err) : 0;
}

static int link_delete(struct attach *attach, struct error *err)
{
	return kind_of(attach)->remove(attach, err);
}

static int names_add(struct attach *attach, struct error *err)
{
	return names_publish(attach->places, &attach->record, err);
}

static int names_remove(struct attach *attach, struct error *err)
{
	if (attach->record.network.dns && rules_hold(attach, err) < 0)
		return -1;
	return names_withdraw(attach->places, &attach->record, err);
}

struct step {
	const char *name;
	int (*run)(struct attach *attach, struct error *err);  /* NULL: nothing to do */
	int (*undo)(struct attach *attach, struct error *err); /* NULL: nothing to undo */
	/* Not undone while something of a later step is left: who finds that must know of
	 * it, and nobody else may get its address and ports meanwhile. */
	bool holds;
};

/* A link is deleted after its rules, once it is silent: the kernel frees both in the
 * background at once, where one after the other would wait twice. */
/* clang-format off */
static const struct step steps[] = {
	{ "record",    record_begin,     record_end,        .holds = true },
	{ "name",      name_bind,        name_unbind,       .holds = true },
	{ "addresses", addresses_take,   addresses_release, .holds = true },
	{ "ports",     ports_take,       ports_release,     .holds = true },
	{ "mac",       mac_choose,       NULL },
	{ "no link",   NULL,             link_delete },
	{ "rules",     rules_add,        rules_remove },
	{ "zone",      zone_join,        zone_leave },
	{ "link",      link_create,      link_silence },
	{ "delegated", delegated_take,   delegated_release },
	{ "limits",    limits_set,       limits_remove },
	{ "inside",    inside_configure, inside_restore },
	{ "names",     names_add,        names_remove },
	{ "complete",  record_complete,  NULL },
};
/* clang-format on */

void attach_close(struct attach *attach)
{
	attachments_unlock(&attach->lock);
	attachment_store_close(&attach->store);
	attachment_free(&attach->record);
	cleanup_fd(&attach->netns_fd);
	netlink_close(&attach->host);
	netlink_close(&attach->inside);
	firewall_close(&attach->firewall);
	free(attach->wanted);
	free(attach->other_leases);
	free(attach->ranges);
	*attach = (struct attach){ .netns_fd = -1 };
}

int attach_host(struct attach *attach, struct netlink **ret, struct error *err)
{
	if (!attach->host && netlink_open(&attach->host, err) < 0)
		return -1;
	*ret = attach->host;
	return 0;
}

/* ---- back ---------------------------------------------------------------------------- */

static int undo_steps(struct attach *attach, size_t count, struct error *err)
{
	int result = 0;

	while (count-- > 0) {
		struct error later;

		if (!steps[count].undo || (result < 0 && steps[count].holds))
			continue;
		if (steps[count].undo(attach, result == 0 ? err : &later) < 0)
			result = -1;
	}
	return result;
}

int attach_undo(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;

	if (!record->link && has_pair(attach))
		record->link = attachment_link_name(ATTACH_LINK_PREFIX,
			record->network.name, record->container, record->interface);
	return undo_steps(attach, ARRAY_SIZE(steps), err);
}

/* ---- forth --------------------------------------------------------------------------- */

/* What is asked of the container's interface can be had there. */
static int check_wishes(const struct attachment *record, struct error *err)
{
	if (record->network.kind != NETWORK_BRIDGE &&
		(record->bandwidth.ingress_rate || record->bandwidth.egress_rate))
		return fail_code(err, EINVAL,
			"bandwidth: the host has no end of this interface to limit");
	if (record->network.unmanaged && record->publish_count > 0)
		return fail_code(err, EINVAL,
			"network \"%s\" is unmanaged: without rules it publishes no ports",
			record->network.name);
	return 0;
}

int attach_want(
	struct attach *attach, const char *text, const char *what, struct error *err)
{
	struct attach_wanted wanted = { 0 };

	if (address_parse(text, what, &wanted.address, err) < 0)
		return -1;
	for (size_t i = 0; i < attach->wanted_count; i++)
		if (address_compare(&attach->wanted[i].address, &wanted.address) == 0)
			return 0;
	attach->wanted = str_realloc(
		attach->wanted, attach->wanted_count + 1, sizeof(*attach->wanted));
	attach->wanted[attach->wanted_count++] = wanted;
	return 0;
}

/* As the kernel writes it. */
static int check_mac(struct attachment *record, struct error *err)
{
	static const struct netlink_mac none;
	struct netlink_mac mac;

	if (!record->mac)
		return 0;
	if (netlink_mac_parse(record->mac, &mac, err) < 0)
		return -1;
	if (memcmp(&mac, &none, sizeof(mac)) == 0)
		return fail_code(
			err, EINVAL, "the MAC address %s is no interface's", record->mac);
	free(record->mac);
	record->mac = str_dup(netlink_mac_text(mac).text);
	return 0;
}

int attach_plan(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netns_identity identity;
	uint32_t mode;

	if (places_check_name(record->container, "container", err) < 0 ||
		netlink_check_name(record->interface, "interface", err) < 0 ||
		network_check(&record->network, err) < 0 ||
		network_check_kind(&record->network, err) < 0 ||
		check_mac(record, err) < 0 ||
		network_ranges(&record->network, &attach->ranges, &attach->ranges_count,
			err) < 0 ||
		addresses_plan(attach, err) < 0 ||
		netns_identify(attach->netns_fd, &identity, err) < 0 ||
		tune_check(&attach->tune, err) < 0 ||
		upper_mode(&record->network, &mode, err) < 0 ||
		user_check(attach, err) < 0 || check_wishes(record, err) < 0)
		return -1;
	if (str_equal(record->interface, "lo"))
		return fail_code(err, EINVAL, "the interface cannot be called \"lo\"");
	record->netns_device = identity.device;
	record->netns_inode = identity.inode;
	if (has_pair(attach))
		record->link = attachment_link_name(ATTACH_LINK_PREFIX,
			record->network.name, record->container, record->interface);
	return 0;
}

static bool same_ports(const struct attachment *a, const struct attachment *b)
{
	bool same = a->publish_count == b->publish_count;

	for (size_t i = 0; same && i < a->publish_count; i++)
		same = a->publish[i].host_port == b->publish[i].host_port &&
		       a->publish[i].container_port == b->publish[i].container_port &&
		       a->publish[i].protocol == b->publish[i].protocol &&
		       str_equal(a->publish[i].host_ip, b->publish[i].host_ip);
	return same;
}

/* 1: it is there already and that is well. What a killed process left, or one whose
 * namespace is gone, is taken back first. */
static int settle_existing(struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;
	auto_attach old = { .places = attach->places, .netns_fd = -1 };
	int result;

	if (attachment_read(&attach->store, record->network.name, record->interface,
		    &old.record, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (old.record.complete && attachment_alive(&old.record, NULL)) {
		if (attach->idempotent && same_ports(&old.record, record) &&
			old.record.netns_inode == record->netns_inode) {
			attachment_free(record);
			*record = old.record;
			old.record = (struct attachment){ 0 };
			return 1;
		}
		return fail_code(err, EEXIST,
			"\"%s\" is attached to network \"%s\" by %s already",
			record->container, record->network.name, record->interface);
	}
	log_debug("taking back what an attachment of \"%s\" left", record->container);
	old.store = attach->store; /* lent: its lock is ours */
	result = attach_undo(&old, err);
	old.store = (struct attachment_store){ 0 };
	return result;
}

int attach_run(struct attach *attach, struct error *err)
{
	size_t done = 0;
	int settled;

	if (attachment_store_open(
		    attach->places, attach->record.container, &attach->store, err) < 0)
		return -1;
	settled = settle_existing(attach, err);
	if (settled != 0)
		return settled < 0 ? -1 : 0;
	while (done < ARRAY_SIZE(steps) &&
		(!steps[done].run || steps[done].run(attach, err) == 0))
		done++;
	if (done < ARRAY_SIZE(steps)) {
		struct error undone;

		/* The step that failed may have done half of its work. */
		if (undo_steps(attach, done + 1, &undone) < 0)
			log_warning("undoing: %s", undone.text);
		return -1;
	}
	return 0;
}

/* ---- by name ------------------------------------------------------------------------- */

static bool is_meant(const struct detach *detach, const struct attachment *record)
{
	return (!detach->network || str_equal(detach->network, record->network.name)) &&
	       (!detach->interface || str_equal(detach->interface, record->interface)) &&
	       (!detach->wanted || detach->wanted(detach->argument, record));
}

/* The record stays the list's. */
static int detach_one(const struct detach *detach, const struct attachment_store *store,
	struct attachment *record, struct error *err)
{
	struct attach attach = { .places = detach->places,
		.netns_fd = -1,
		.record = *record,
		.store = *store };
	int result = attach_undo(&attach, err);

	*record = attach.record;
	attachments_unlock(&attach.lock);
	netlink_close(&attach.host);
	firewall_close(&attach.firewall);
	return result;
}

void attach_recall(const struct places *places, struct attachment *record)
{
	auto_network network = { 0 };
	struct error unknown;

	if (!network_exists(places, record->network.name) ||
		network_load(places, record->network.name, &network, &unknown) < 0)
		return;
	network_free(&record->network);
	record->network = network;
	network = (struct network){ 0 };
}

/* What only the record named is nobody's once it is gone, and is swept up. Whether the
 * namespace's name is ours nobody knows any more. */
static int detach_damaged(const struct detach *detach, struct attachment_store *store,
	struct attachment *record, struct error *err)
{
	auto_attachment again = { 0 };
	auto_free char *name = netns_path(record->container);

	if (attachment_read(
		    store, record->network.name, record->interface, &again, err) == 0)
		return detach_one(detach, store, &again, err);
	if (!attachment_is_damaged(err))
		return err->errnum == ENOENT ? 0 : -1;
	attach_recall(detach->places, record);
	if (detach_one(detach, store, record, err) < 0)
		return -1;
	if (access(name, F_OK) == 0)
		log_warning(
			"%s stays: the record that said whether it was made here could "
			"not be read",
			name);
	return 0;
}

int attach_detach(const struct detach *detach, size_t *ret_count, struct error *err)
{
	auto_attachment_store store = { 0 };
	auto_attachments list = { 0 };
	struct error later;
	int result = 0;

	*ret_count = 0;
	if (attachment_store_open(detach->places, detach->container, &store, err) < 0 ||
		attachments_load(detach->places, detach->container, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		if (!is_meant(detach, &list.items[i]))
			continue;
		++*ret_count;
		if (detach_one(detach, &store, &list.items[i],
			    result == 0 ? err : &later) < 0)
			result = -1;
	}
	for (size_t i = 0; detach->ret_damaged && i < list.unread; i++) {
		if (!is_meant(detach, &list.damaged[i]))
			continue;
		++*ret_count;
		++*detach->ret_damaged;
		if (detach_damaged(detach, &store, &list.damaged[i],
			    result == 0 ? err : &later) < 0)
			result = -1;
	}
	if (list.unread && !detach->ret_damaged && !detach->network &&
		!detach->interface && result == 0)
		return fail(err,
			"a record of \"%.64s\" cannot be read; mocker-netsetup del %.64s "
			"takes it back",
			detach->container, detach->container);
	return result;
}
