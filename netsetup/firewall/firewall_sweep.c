/* Elements that no record asks for any more: those of a bridge whose networks changed, and
 * at garbage collection all. The caller holds the lock of all records, for what is looked
 * at here must not come or go meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "netsetup/firewall/firewall_elements.h"
#include "netsetup/firewall/firewall_nft.h"

static bool contains(const struct elements *list, const struct element *element)
{
	for (size_t i = 0; i < list->count; i++)
		if (element_compare(&list->items[i], element) == 0)
			return true;
	return false;
}

/* A table that cannot be asked has nothing of ours. */
static bool is_there(struct firewall *firewall, const struct element *element)
{
	struct error absent;

	return netlink_find_element(firewall->netlink, element, &absent) == 0;
}

/* A kernel without netfilter has no rules to take back. */
static int open_socket(struct firewall *firewall, bool *ret_none, struct error *err)
{
	int result = firewall_socket(firewall, err);

	*ret_none = result < 0 && err->errnum == EPROTONOSUPPORT;
	return *ret_none ? 0 : result;
}

/* ---- of one bridge ------------------------------------------------------------------- */

int firewall_outdated(struct firewall *firewall, const struct network *network, bool *ret,
	struct error *err)
{
	auto_elements all = { 0 };
	auto_elements wanted = { 0 };

	*ret = false;
	if (firewall_socket(firewall, err) < 0)
		return -1;
	firewall_bridge_elements(network->interface, &all);
	firewall_network_elements(network, &wanted);
	for (size_t i = 0; i < all.count && !*ret; i++)
		*ret = !contains(&wanted, &all.items[i]) &&
		       is_there(firewall, &all.items[i]);
	return 0;
}

int firewall_withdraw(struct firewall *firewall, const char *bridge,
	const struct attachments *list, struct error *err)
{
	auto_elements all = { 0 };
	auto_elements wanted = { 0 };
	size_t kept = 0;
	bool none;

	if (open_socket(firewall, &none, err) < 0 || none)
		return none ? 0 : -1;
	firewall_bridge_elements(bridge, &all);
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i].network.interface, bridge) &&
			firewall_wanted(&list->items[i]))
			firewall_network_elements(&list->items[i].network, &wanted);
	for (size_t i = 0; i < all.count; i++)
		if (!contains(&wanted, &all.items[i]))
			all.items[kept++] = all.items[i];
	all.count = kept;
	return firewall_remove_present(firewall, &all, err);
}

/* ---- of all -------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return element_compare(a, b);
}

/* Its key is wanted, and what it leads to too, as far as the kernel tells. */
static bool is_wanted(const struct elements *sorted, const struct element *element)
{
	const struct element *wanted = bsearch(
		element, sorted->items, sorted->count, sizeof(*sorted->items), compare);
	unsigned char is[ELEMENT_ROOM];
	unsigned char should[ELEMENT_ROOM];

	if (!wanted || !element->data_count || !wanted->data_count)
		return wanted;
	element_join(element->data, element->data_count, is);
	element_join(wanted->data, wanted->data_count, should);
	return memcmp(is, should, sizeof(is)) == 0;
}

static int collect_wanted(
	const struct attachments *list, struct elements *ret, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!firewall_wanted(&list->items[i]))
			continue;
		firewall_network_elements(&list->items[i].network, ret);
		if (firewall_record_elements(&list->items[i], ret, err) < 0)
			return -1;
	}
	if (ret->count > 0)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return 0;
}

int firewall_sweep(
	struct firewall *firewall, const struct attachments *list, struct error *err)
{
	auto_elements wanted = { 0 };
	auto_elements all = { 0 };
	size_t kept = 0;
	bool none;

	if (open_socket(firewall, &none, err) < 0 || none)
		return none ? 0 : -1;
	if (collect_wanted(list, &wanted, err) < 0 ||
		netlink_list_elements(firewall->netlink, false, &all, err) < 0 ||
		netlink_list_elements(firewall->netlink, true, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++)
		if (!is_wanted(&wanted, &all.items[i]))
			all.items[kept++] = all.items[i];
	all.count = kept;
	if (kept == 0)
		return 0;
	log_debug("removing %zu elements of the firewall that no attachment has", kept);
	if (netlink_change_elements(firewall->netlink, ELEMENT_DELETE, &all, err) < 0)
		return err->errnum == ENOENT ? 0
					     : -1; /* somebody else removes them too */
	return 0;
}
