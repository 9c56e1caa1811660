/* Switches and properties of the container's interface. */
#include "netsetup/tune.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "netsetup/sysctl.h"

/* "net.ipv4.conf.IFNAME.rp_filter" as a path below /proc/sys/net; as sysctl(8), dots and
 * slashes change places where the key's first separator is a dot. */
static char *key_path(const char *key, const char *interface)
{
	static const char word[] = "IFNAME";
	bool dots = strcspn(key, ".") < strcspn(key, "/");
	struct str path = { 0 };

	for (const char *c = key + strlen("net."); *c;) {
		if (str_after(c, word)) {
			str_append(&path, interface);
			c += strlen(word);
			continue;
		}
		str_append_char(&path, (char)(dots && *c == '.'    ? '/'
					       : dots && *c == '/' ? '.'
								   : *c));
		c++;
	}
	return str_take(&path);
}

static int check_key(const char *key, struct error *err)
{
	auto_strings parts = { 0 };
	auto_free char *path = NULL;

	if (!str_after(key, "net.") && !str_after(key, "net/"))
		return fail_code(err, EINVAL,
			"sysctl \"%.100s\": only those below net belong to a network "
			"namespace",
			key);
	path = key_path(key, "eth0");
	strings_split(&parts, path, '/');
	strings_each (part, &parts) {
		if (!**part || str_equal(*part, ".") || str_equal(*part, ".."))
			return fail_code(
				err, EINVAL, "sysctl \"%.100s\" is malformed", key);
	}
	return 0;
}

int tune_check(const struct tune *tune, struct error *err)
{
	for (size_t i = 0; tune->sysctl && i < tune->sysctl->count; i++)
		if (check_key(tune->sysctl->items[i].key, err) < 0)
			return -1;
	return 0;
}

static int apply_sysctls(
	const struct pairs *sysctl, const char *interface, struct error *err)
{
	for (size_t i = 0; i < sysctl->count; i++) {
		const struct pair *pair = &sysctl->items[i];
		auto_free char *path = key_path(pair->key, interface);
		auto_free char *file = str_format("/proc/sys/net/%s", path);

		if (access(file, F_OK) < 0)
			return fail_errno(err, "sysctl %s", pair->key);
		if (sysctl_set(path, pair->value, NULL, err) < 0)
			return -1;
	}
	return 0;
}

int tune_apply(const struct tune *tune, struct netlink *inside,
	const struct netlink_link *link, struct error *err)
{
	struct netlink_change change = {
		.mtu = tune->mtu,
		.has_txqlen = tune->has_txqlen,
		.txqlen = tune->txqlen,
	};
	struct netlink_mac mac;

	if (tune->sysctl && apply_sysctls(tune->sysctl, link->name, err) < 0)
		return -1;
	if (tune->mac) {
		if (netlink_mac_parse(tune->mac, &mac, err) < 0)
			return -1;
		change.mac = &mac;
	}
	if (tune->promiscuous)
		change.flags |= IFF_PROMISC;
	if (tune->all_multicast)
		change.flags |= IFF_ALLMULTI;
	if (change.flags || change.mtu || change.mac || change.has_txqlen)
		netlink_change_link(inside, link->index, &change);
	return netlink_commit(inside, err);
}
