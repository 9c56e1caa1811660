/* What the plugins left that an entry's "type" named before it was ours: leases of host-local,
 * which keep their addresses, and interfaces of containers that live on. */
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

static int release_leases(const struct cni_call *call, struct error *err)
{
	auto_free char *path = predecessor_leases(call);
	auto_dir directory = path ? opendir(path) : NULL;

	for (const struct dirent *entry; directory && (entry = readdir(directory));) {
		auto_free char *text = NULL;
		struct error ignored; /* released meanwhile, or no lease */

		if (!strpbrk(entry->d_name, ".:") || entry->d_name[0] == '.' ||
			file_read_at(dirfd(directory), entry->d_name, 4096, &text, NULL,
				&ignored) < 0 ||
			!is_callers(call, text))
			continue;
		if (unlinkat(dirfd(directory), entry->d_name, 0) < 0 && errno != ENOENT)
			return fail_errno(err, "releasing %s/%s", path, entry->d_name);
	}
	return 0;
}

/* ---- the interface --------------------------------------------------------------------- */

struct visit {
	const struct cni_call *call;
	int netns;
};

/* Another network's of ours, or another container's in the same namespace. */
static int is_recorded(const struct visit *visit, bool *ret, struct error *err)
{
	struct netns_identity here;
	auto_attachments list = { 0 };

	*ret = false;
	if (netns_identify(visit->netns, &here, err) < 0 ||
		attachments_load(&visit->call->places, NULL, &list, err) < 0)
		return -1;
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
	const struct visit *visit = argument;
	const char *name = visit->call->interface;
	struct netlink_link link;
	auto_netlink inside = NULL;
	bool recorded;

	if (netlink_open(&inside, err) < 0)
		return -1;
	if (netlink_get_link(inside, name, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	if (!is_of_kind(&visit->call->config, &link))
		return 0;
	if (is_recorded(visit, &recorded, err) < 0 || recorded)
		return recorded ? 0 : -1;
	netlink_tolerate(inside, ENODEV);
	netlink_delete_link(inside, name);
	return netlink_commit(inside, err);
}

static int delete_interface(const struct cni_call *call, struct error *err)
{
	struct visit visit = { .call = call };
	auto_fd netns = -1;
	struct error gone;

	if (!call->netns[0])
		return 0;
	if (netns_open(call->netns, &netns, &gone) < 0) {
		log_debug("nothing to delete there: %s", gone.text);
		return 0;
	}
	visit.netns = netns;
	return netns_visit(netns, delete_inside, &visit, err);
}

int predecessor_remove(const struct cni_call *call, struct error *err)
{
	if (!cni_makes_interface(&call->config))
		return 0;
	if (delete_interface(call, err) < 0)
		return -1;
	return release_leases(call, err);
}
