/* What the plugins left that an entry's "type" named before it was ours: leases of host-local,
 * which keep their addresses, interfaces of containers that live on, and their rules. */
#include "netsetup/cni/predecessor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "netsetup/netns.h"

#define HOST_LOCAL "/var/lib/cni/networks"

/* ---- leases --------------------------------------------------------------------------- */

/* A file for each address, which says "CONTAINER\r\nINTERFACE"; of old, the first alone. */
char *predecessor_leases(const struct cni_call *call)
{
	auto_free char *path = path_join(HOST_LOCAL, call->config.name);

	return access(path, F_OK) == 0 ? take_ptr(&path) : NULL;
}

static bool is_callers(const struct cni_call *call, const char *text)
{
	size_t length = strcspn(text, "\r\n");
	const char *interface = text + length + strspn(text + length, "\r\n");

	return strlen(call->container) == length &&
	       memcmp(text, call->container, length) == 0 &&
	       (!*interface || str_equal(interface, call->interface));
}

/* The addresses that the container has there. */
static int list_leases(
	const struct cni_call *call, struct strings *ret, struct error *err)
{
	auto_free char *path = predecessor_leases(call);
	auto_dir directory = path ? opendir(path) : NULL;

	if (!directory)
		return !path || errno == ENOENT ? 0 : fail_errno(err, "listing %s", path);
	for (const struct dirent *entry; (entry = path_next(directory));) {
		auto_free char *text = NULL;
		struct error ignored; /* released meanwhile, or no lease */

		if (strpbrk(entry->d_name, ".:") && entry->d_name[0] != '.' &&
			file_read_at(dirfd(directory), entry->d_name, 4096, &text, NULL,
				&ignored) == 0 &&
			is_callers(call, text))
			strings_add(ret, entry->d_name);
	}
	return errno ? fail_errno(err, "listing %s", path) : 0;
}

static int release_leases(
	const struct cni_call *call, const struct strings *leases, struct error *err)
{
	auto_free char *directory = predecessor_leases(call);

	strings_each (lease, leases) {
		auto_free char *path = path_join(directory ? directory : "", *lease);

		if (unlink(path) < 0 && errno != ENOENT)
			return fail_errno(err, "releasing %s", path);
	}
	return 0;
}

/* ---- the interface --------------------------------------------------------------------- */

struct visit {
	const struct cni_call *call;
	int netns;
	bool deleted;
};

/* Another network's of ours, or another container's in the same namespace; so may be one that
 * cannot be read. */
static int is_recorded(const struct visit *visit, bool *ret, struct error *err)
{
	struct netns_identity here;
	auto_attachments list = { 0 };

	if (netns_identify(visit->netns, &here, err) < 0 ||
		attachments_load(&visit->call->places, NULL, &list, err) < 0)
		return -1;
	*ret = list.unread > 0;
	for (size_t i = 0; i < list.count; i++)
		*ret = *ret ||
		       (str_equal(list.items[i].interface, visit->call->interface) &&
			       list.items[i].netns_inode == here.inode &&
			       list.items[i].netns_device == here.device);
	return 0;
}

/* Of the kind that this entry would have made: what else stands there is not its own. */
static bool is_of_kind(const struct cni_config *config, const struct netlink_link *link)
{
	int64_t kind = NETWORK_BRIDGE;

	if (config->kind && !word_to_number(network_kind_words, config->kind, &kind))
		return false;
	if (kind == NETWORK_BRIDGE)
		return str_equal(link->kind, "veth");
	return (kind == NETWORK_MACVLAN || kind == NETWORK_IPVLAN) &&
	       str_equal(link->kind, config->kind);
}

static int delete_inside(void *argument, struct error *err)
{
	struct visit *visit = argument;
	const char *name = visit->call->interface;
	struct netlink_link link;
	auto_netlink inside = NULL;
	bool recorded = false;

	if (netlink_open(&inside, err) < 0)
		return -1;
	if (netlink_get_link(inside, name, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	if (!is_of_kind(&visit->call->config, &link))
		return 0;
	if (is_recorded(visit, &recorded, err) < 0 || recorded)
		return recorded ? 0 : -1;
	visit->deleted = true;
	netlink_tolerate(inside, ENODEV);
	netlink_delete_link(inside, name);
	return netlink_commit(inside, err);
}

static int delete_interface(struct visit *visit, struct error *err)
{
	auto_fd netns = -1;
	struct error gone;

	if (!visit->call->netns[0])
		return 0;
	if (netns_open(visit->call->netns, &netns, &gone) < 0) {
		log_debug("nothing to delete there: %s", gone.text);
		return 0;
	}
	visit->netns = netns;
	return netns_visit(netns, delete_inside, visit, err);
}

/* ---- all ------------------------------------------------------------------------------ */

/* An address is released last, when nothing leads there any more. iptables is asked only
 * where another plugin's work was seen, or may be there by what the caller kept of ADD. */
static int remove_container(const struct cni_call *call, struct error *err)
{
	struct visit visit = { .call = call };
	auto_strings leases = { 0 };

	if (delete_interface(&visit, err) < 0 || list_leases(call, &leases, err) < 0)
		return -1;
	if ((visit.deleted || leases.count > 0 || call->config.prev_result) &&
		predecessor_remove_rules(call, &leases, err) < 0)
		return -1;
	return release_leases(call, &leases, err);
}

int predecessor_remove(const struct cni_call *call, struct error *err)
{
	if (cni_makes_interface(&call->config))
		return remove_container(call, err);
	/* In portmap's place, after a plugin that has the interface still, and would fail if
	 * its own rules were gone. */
	if (call->config.prev_result && call->config.runtime.ports_count > 0)
		return predecessor_remove_rules(call, NULL, err);
	return 0;
}
