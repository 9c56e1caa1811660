/* Switches and properties of the container's interface. */
#include "netsetup/links/tune.h"

#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "netsetup/links/sysctl.h"

#define ALLOWED "/etc/cni/tuning/allowlist.conf"

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

/* What an administrator allows on this host, a regular expression a line, in the file of
 * the reference plugin; no file: everything. */
static int read_allowed(struct strings *ret, bool *ret_restricted, struct error *err)
{
	auto_free char *text = NULL;

	*ret_restricted = false;
	if (access(ALLOWED, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (file_read_at(AT_FDCWD, ALLOWED, 1 << 20, &text, NULL, err) < 0)
		return -1;
	*ret_restricted = true;
	strings_split(ret, text, '\n');
	return 0;
}

static int check_allowed(
	const char *key, const struct strings *allowed, struct error *err)
{
	strings_each (line, allowed) {
		regex_t expression;
		bool matches;

		if (!**line)
			continue;
		if (regcomp(&expression, *line, REG_EXTENDED | REG_NOSUB) != 0)
			return fail(err, "%s: \"%.100s\" is no regular expression",
				ALLOWED, *line);
		matches = regexec(&expression, key, 0, NULL, 0) == 0;
		regfree(&expression);
		if (matches)
			return 0;
	}
	return fail_code(
		err, EINVAL, "sysctl \"%.100s\" is not among those of %s", key, ALLOWED);
}

bool tune_changes_link(const struct tune *tune)
{
	return tune->promiscuous || tune->all_multicast || tune->has_txqlen ||
	       tune->mtu || tune->mac;
}

bool tune_asks(const struct tune *tune)
{
	return (tune->sysctl && tune->sysctl->count) || tune_changes_link(tune);
}

int tune_check(const struct tune *tune, struct error *err)
{
	auto_strings allowed = { 0 };
	bool restricted;

	if (!tune->sysctl || tune->sysctl->count == 0)
		return 0;
	if (read_allowed(&allowed, &restricted, err) < 0)
		return -1;
	for (size_t i = 0; i < tune->sysctl->count; i++) {
		const char *key = tune->sysctl->items[i].key;

		if (check_key(key, err) < 0 ||
			(restricted && check_allowed(key, &allowed, err) < 0))
			return -1;
	}
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

struct attachment_device *tune_save(const struct netlink_link *link)
{
	struct attachment_device *before = str_alloc(sizeof(*before));

	*before = (struct attachment_device){
		.mac = str_dup(netlink_mac_text(link->mac).text),
		.mtu = link->mtu,
		.up = link->flags & IFF_UP,
		.promiscuous = link->flags & IFF_PROMISC,
		.all_multicast = link->flags & IFF_ALLMULTI,
		.has_txqlen = true,
		.txqlen = link->txqlen,
	};
	return before;
}

/* The flags that the kernel tells are what was asked of it, not what bridges and captures
 * make of that. */
int tune_restore(const struct attachment_device *before, struct netlink *netlink,
	const struct netlink_link *link, struct error *err)
{
	struct netlink_change change = { 0 };
	struct netlink_mac mac;

	if (netlink_mac_parse(before->mac, &mac, err) < 0)
		return -1;
	if (memcmp(&link->mac, &mac, sizeof(mac)) != 0)
		change.mac = &mac;
	if (link->mtu != before->mtu)
		change.mtu = before->mtu;
	if (before->has_txqlen && link->txqlen != before->txqlen) {
		change.has_txqlen = true;
		change.txqlen = before->txqlen;
	}
	*(before->promiscuous ? &change.flags : &change.clear) |= IFF_PROMISC;
	*(before->all_multicast ? &change.flags : &change.clear) |= IFF_ALLMULTI;
	netlink_change_link(netlink, link->index, &change);
	return 0;
}

static int verify_sysctls(
	const struct pairs *sysctl, const char *interface, struct error *err)
{
	for (size_t i = 0; i < sysctl->count; i++) {
		const struct pair *pair = &sysctl->items[i];
		auto_free char *path = key_path(pair->key, interface);
		bool has;

		if (sysctl_has(path, pair->value, &has, err) < 0)
			return -1;
		if (!has)
			return fail(err, "sysctl %s is not \"%.100s\" any more",
				pair->key, pair->value);
	}
	return 0;
}

int tune_verify(
	const struct tune *tune, const struct netlink_link *link, struct error *err)
{
	if (tune->sysctl && verify_sysctls(tune->sysctl, link->name, err) < 0)
		return -1;
	if (tune->promiscuous && !(link->flags & IFF_PROMISC))
		return fail(err, "%s is not promiscuous any more", link->name);
	if (tune->all_multicast && !(link->flags & IFF_ALLMULTI))
		return fail(err, "%s does not take all multicast any more", link->name);
	if (tune->has_txqlen && link->txqlen != tune->txqlen)
		return fail(err, "%s has a queue of %u, not %u", link->name, link->txqlen,
			tune->txqlen);
	if (tune->mtu && link->mtu != tune->mtu)
		return fail(err, "%s has an MTU of %u, not %u", link->name, link->mtu,
			tune->mtu);
	return 0;
}
