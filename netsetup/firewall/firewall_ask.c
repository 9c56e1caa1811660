/* Questions about rules: what a set has, and who else has chains at a hook. */
#include "netsetup/firewall/firewall_nft.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int has_element(struct firewall *firewall, const struct elements *elements,
	bool *ret, struct error *err)
{
	if (firewall_socket(firewall, err) < 0)
		return -1;
	*ret = netlink_find_element(firewall->netlink, elements->items, err) == 0;
	return *ret || err->errnum == ENOENT ? 0 : -1;
}

int firewall_has(struct firewall *firewall, const char *set, const char *interface,
	bool *ret, struct error *err)
{
	auto_elements elements = { 0 };

	element_key_interface(elements_add(&elements, set), interface);
	return has_element(firewall, &elements, ret, err);
}

int firewall_masquerades(struct firewall *firewall, const struct address *address,
	bool *ret, struct error *err)
{
	auto_elements elements = { 0 };

	element_key_address(
		elements_add(&elements,
			address->family == AF_INET6 ? "masquerade6" : "masquerade4"),
		address);
	return has_element(firewall, &elements, ret, err);
}

void firewall_chains_free(struct firewall_chains *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].table);
		free(list->items[i].name);
	}
	free(list->items);
}

/* "inet admin {", of a family that sees such packets. */
static bool is_of_family(const char *table, int family)
{
	const char *name = family == AF_BRIDGE  ? "bridge "
			   : family == AF_INET6 ? "ip6 "
						: "ip ";

	return str_after(table, name) ||
	       (family != AF_BRIDGE && str_after(table, "inet "));
}

static bool is_ours(const char *table)
{
	return str_after(table, "inet " FIREWALL_TABLE " {") ||
	       str_after(table, "bridge " FIREWALL_TABLE " {");
}

/* "inet admin {" without what is after the name. */
static char *cut(const char *text)
{
	size_t length = strcspn(text, "{");

	while (length > 0 && text[length - 1] == ' ')
		length--;
	return str_dup_n(text, length);
}

/* As `nft list chains` prints it: "table inet admin {", "chain forward {", "type filter hook
 * forward priority filter; policy drop;", each on a line. */
int firewall_foreign_chains(struct firewall *firewall, const char *hook, int family,
	struct firewall_chains *ret, struct error *err)
{
	auto_free char *wanted = str_format(" hook %s ", hook);
	auto_str listing = { 0 };
	auto_strings lines = { 0 };
	const char *table = "";
	const char *chain = "";

	if (nft_ask(firewall, "list chains", &listing, err) < 0)
		return -1;
	strings_split(&lines, listing.data ? listing.data : "", '\n');
	strings_each (line, &lines) {
		const char *text = *line + strspn(*line, " \t");

		if (str_after(text, "table "))
			table = str_after(text, "table ");
		if (str_after(text, "chain "))
			chain = str_after(text, "chain ");
		if (!strstr(text, wanted) || !is_of_family(table, family) ||
			is_ours(table))
			continue;
		ret->items = str_realloc(ret->items, ret->count + 1, sizeof(*ret->items));
		ret->items[ret->count++] = (struct firewall_chain){
			.table = cut(table),
			.name = cut(chain),
			.drops = strstr(text, "policy drop"),
		};
	}
	return 0;
}
