/* The text of the tables in nft's language, and their transactions. */
#include "netsetup/firewall/firewall.h"

#include "netsetup/firewall/firewall_elements.h"
#include "netsetup/firewall/firewall_nft.h"

#define TABLE  "inet " FIREWALL_TABLE
#define BRIDGE "bridge " FIREWALL_TABLE

/* Chains are emptied and filled again, so that two processes that both found no table do
 * not leave each rule twice. */
static const char base_text[] =
	"table " TABLE " {\n"
	"	set bridges { type ifname; }\n"
	"	set strict { type ifname; }\n"
	"	set isolated { type ifname; }\n"
	"	set internal { type ifname; }\n"
	"	set bridged { type ifname . ifname; }\n"
	"	set attached4 { type ipv4_addr . ifname; }\n"
	"	set attached6 { type ipv6_addr . ifname; }\n"
	"	set masquerade4 { type ipv4_addr; }\n"
	"	set masquerade6 { type ipv6_addr; }\n"
	"	map publish4 { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	"	map publish6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	"	map publish4_at {\n"
	"		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;\n"
	"	}\n"
	"	map publish6_at {\n"
	"		type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service;\n"
	"	}\n"
	"	map chosen4 { type inet_proto . inet_service : verdict; }\n"
	"	map chosen6 { type inet_proto . inet_service : verdict; }\n"
	"	map chosen4_at { type ipv4_addr . inet_proto . inet_service : verdict; }\n"
	"	map chosen6_at { type ipv6_addr . inet_proto . inet_service : verdict; }\n"
	"	map inward4 { type ipv4_addr : verdict; }\n"
	"	map inward6 { type ipv6_addr : verdict; }\n"
	"	chain publish { }\n"
	"	chain hide { }\n"
	"	chain inward { }\n"
	"	chain guard { type filter hook prerouting priority raw + 10; }\n"
	"	chain prerouting { type nat hook prerouting priority dstnat + 10; }\n"
	"	chain output { type nat hook output priority -90; }\n"
	"	chain postrouting { type nat hook postrouting priority srcnat + 10; }\n"
	"	chain forward { type filter hook forward priority filter + 10; }\n"
	"}\n"
	"flush chain " TABLE " publish\n"
	"flush chain " TABLE " hide\n"
	"flush chain " TABLE " inward\n"
	"flush chain " TABLE " guard\n"
	"flush chain " TABLE " prerouting\n"
	"flush chain " TABLE " output\n"
	"flush chain " TABLE " postrouting\n"
	"flush chain " TABLE " forward\n"
	"table " TABLE " {\n"
	/* Ports with conditions lead to a chain of their attachment's. */
	"	chain publish {\n"
	"		ip daddr . meta l4proto . th dport vmap @chosen4_at\n"
	"		meta nfproto ipv4 meta l4proto . th dport vmap @chosen4\n"
	"		ip6 daddr . meta l4proto . th dport vmap @chosen6_at\n"
	"		meta nfproto ipv6 meta l4proto . th dport vmap @chosen6\n"
	"		dnat ip to ip daddr . meta l4proto . th dport map @publish4_at\n"
	"		dnat ip to meta l4proto . th dport map @publish4\n"
	"		dnat ip6 to ip6 daddr . meta l4proto . th dport map @publish6_at\n"
	"		dnat ip6 to meta l4proto . th dport map @publish6\n"
	"	}\n"
	/* route_localnet, which lets the host's 127.0.0.1:PORT lead to a container, would
	 * let containers reach what listens on the host's loopback. */
	"	chain guard {\n"
	"		iifname @bridges ip daddr 127.0.0.0/8 counter drop\n"
	"	}\n"
	"	chain prerouting { fib daddr type local jump publish; }\n"
	"	chain output { fib daddr type local jump publish; }\n"
	"	chain hide { masquerade; }\n"
	/* A published port reached from the same bridge, or from the host's loopback: the
	 * answer must come back this way. Unless the container wants every source hidden, or
	 * none. */
	"	chain inward {\n"
	"		ip daddr vmap @inward4\n"
	"		ip6 daddr vmap @inward6\n"
	"		ip saddr . oifname @attached4 masquerade\n"
	"		ip6 saddr . oifname @attached6 masquerade\n"
	"		ip saddr 127.0.0.0/8 oifname @bridges masquerade\n"
	"		ip6 saddr ::1 oifname @bridges masquerade\n"
	"	}\n"
	"	chain postrouting {\n"
	"		ct status dnat jump inward\n"
	"		ip daddr 224.0.0.0/4 return\n"
	"		ip daddr 255.255.255.255 return\n"
	"		ip6 daddr ff00::/8 return\n"
	"		ip saddr . oifname @attached4 return\n"
	"		ip6 saddr . oifname @attached6 return\n"
	"		ip saddr @masquerade4 masquerade\n"
	"		ip6 saddr @masquerade6 masquerade\n"
	"	}\n"
	"	chain forward {\n"
	"		iifname . oifname @bridged accept\n"
	"		ct state established,related accept\n"
	"		ct status dnat accept\n"
	"		iifname @internal oifname != @bridges counter drop\n"
	"		oifname @internal iifname != @bridges counter drop\n"
	"		iifname @strict oifname @bridges counter drop\n"
	"		iifname @bridges oifname @strict counter drop\n"
	"		iifname @isolated oifname @isolated counter drop\n"
	"	}\n"
	"}\n";

/* Of its own, since many kernels have no rules for bridges, and few networks need them. */
static const char bridge_text[] =
	"table " BRIDGE " {\n"
	"	set ports { type ifname; }\n"
	"	set macs { type ifname . ether_addr; }\n"
	"	chain prerouting { type filter hook prerouting priority -290; }\n"
	"}\n"
	"flush chain " BRIDGE " prerouting\n"
	"table " BRIDGE " {\n"
	"	chain prerouting {\n"
	"		iifname . ether saddr @macs accept\n"
	"		iifname @ports counter drop\n"
	"	}\n"
	"}\n";

bool firewall_wanted(const struct attachment *record)
{
	const struct network *network = &record->network;

	if (network->kind == NETWORK_USER)
		return false;
	if (record->publish_count > 0 || network->masquerade ||
		firewall_checks_mac(record))
		return true;
	/* An entry for the firewall alone, after another plugin's bridge. */
	if (record->chained)
		return network->isolation != NETWORK_OPEN;
	return network->kind == NETWORK_BRIDGE && !network->unmanaged &&
	       (network->isolation == NETWORK_STRICT ||
		       network->isolation == NETWORK_SAME_BRIDGE || network->internal);
}

/* ---- transactions -------------------------------------------------------------------- */

/* Loading libnftables takes longer than all that the kernel does: where only elements come
 * and go, it is not needed. */
static int change(struct firewall *firewall, enum element_verb verb,
	const struct elements *elements, struct error *err)
{
	if (firewall_socket(firewall, err) < 0)
		return -1;
	return netlink_change_elements(firewall->netlink, verb, elements, err);
}

/* The chains of conditions come before what leads to them. */
static int append_additions(
	struct str *out, const struct attachment *record, struct error *err)
{
	auto_elements elements = { 0 };

	firewall_network_elements(&record->network, &elements);
	if (firewall_append_chains(out, ELEMENT_ADD, record, err) < 0 ||
		firewall_record_elements(record, &elements, err) < 0)
		return -1;
	elements_append_text(out, ELEMENT_ADD, &elements);
	return 0;
}

static int add(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_elements elements = { 0 };
	auto_str text = { 0 };

	firewall_network_elements(&record->network, &elements);
	if (firewall_record_elements(record, &elements, err) < 0)
		return -1;
	if (elements.chains.count == 0)
		return change(firewall, ELEMENT_ADD, &elements, err);
	if (append_additions(&text, record, err) < 0)
		return -1;
	return nft_run(firewall, text.data, err);
}

int firewall_add(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_str whole = { 0 };

	if (!firewall_wanted(record) || add(firewall, record, err) == 0)
		return 0;
	if (err->errnum != ENOENT)
		return -1;
	str_append(&whole, base_text);
	str_append(&whole, firewall_checks_mac(record) ? bridge_text : "");
	if (append_additions(&whole, record, err) < 0)
		return -1;
	return nft_run(firewall, whole.data, err);
}

/* Of a transaction that something missing refused. Those that are there are asked for
 * first: a transaction that fails takes the kernel longer than all questions. */
int firewall_remove_present(
	struct firewall *firewall, const struct elements *elements, struct error *err)
{
	auto_free struct element *items =
		str_alloc((elements->count + 1) * sizeof(*items));
	struct elements present = { .items = items };
	struct error absent;

	for (size_t i = 0; i < elements->count; i++)
		if (netlink_find_element(
			    firewall->netlink, &elements->items[i], &absent) == 0)
			items[present.count++] = elements->items[i];
	if (present.count == 0 || change(firewall, ELEMENT_DELETE, &present, err) == 0 ||
		err->errnum == ENOENT) /* somebody else removes them as well */
		return 0;
	return -1;
}

static int remove_chains(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_str text = { 0 };
	auto_strings lines = { 0 };
	int result = 0;

	if (firewall_append_chains(&text, ELEMENT_DELETE, record, err) < 0)
		return -1;
	if (!text.data || nft_run(firewall, text.data, err) == 0)
		return 0;
	strings_split(&lines, text.data, '\n');
	strings_each (line, &lines) {
		if (**line && nft_run(firewall, *line, err) < 0 && err->errnum != ENOENT)
			result = -1;
	}
	return result;
}

/* One element that is missing refuses the whole transaction: then the others. */
int firewall_remove(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_elements elements = { 0 };

	if (!firewall_wanted(record))
		return 0;
	if (firewall_record_elements(record, &elements, err) < 0)
		return -1;
	if (elements.count > 0 && change(firewall, ELEMENT_DELETE, &elements, err) < 0 &&
		(err->errnum != ENOENT ||
			firewall_remove_present(firewall, &elements, err) < 0))
		return -1;
	return remove_chains(firewall, record, err);
}

static bool any_checks_mac(const struct attachments *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (firewall_checks_mac(&list->items[i]))
			return true;
	return false;
}

int firewall_reload(
	struct firewall *firewall, const struct attachments *list, struct error *err)
{
	auto_str text = { 0 };

	if (list->unread)
		return fail(err,
			"the firewall rules stay as they are: those of a record that cannot "
			"be read would be lost; mend its file or remove it");
	str_append(&text, "add table " TABLE "\ndelete table " TABLE "\n");
	str_append(&text, base_text);
	if (any_checks_mac(list))
		str_append(&text, "add table " BRIDGE "\ndelete table " BRIDGE "\n");
	if (any_checks_mac(list))
		str_append(&text, bridge_text);
	for (size_t i = 0; i < list->count; i++)
		if (firewall_wanted(&list->items[i]) &&
			append_additions(&text, &list->items[i], err) < 0)
			return -1;
	return nft_run(firewall, text.data, err);
}

/* A chain that an element leads to cannot be missing. */
static int check(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	auto_elements elements = { 0 };

	if (firewall_record_elements(record, &elements, err) < 0 ||
		firewall_socket(firewall, err) < 0)
		return -1;
	for (size_t i = 0; i < elements.count; i++)
		if (netlink_find_element(firewall->netlink, &elements.items[i], err) < 0)
			return -1;
	return 0;
}

int firewall_check(
	struct firewall *firewall, const struct attachment *record, struct error *err)
{
	if (!firewall_wanted(record) || check(firewall, record, err) == 0)
		return 0;
	return fail(err, "its firewall rules are lost; mocker-netsetup reload "
			 "restores them");
}
