/* Questions about rules: what a set has, and who else has chains at a hook. */
#include "netsetup/firewall_nft.h"

#include <string.h>

static int has_element(struct firewall *firewall, const char *set, const char *element,
	bool *ret, struct error *err)
{
	auto_free char *command =
		str_format("get element inet " FIREWALL_TABLE " %s { %s }", set, element);

	*ret = nft_run(firewall, command, err) == 0;
	return *ret || err->errnum == ENOENT ? 0 : -1;
}

int firewall_has(struct firewall *firewall, const char *set, const char *interface,
	bool *ret, struct error *err)
{
	auto_free char *element = str_format("\"%s\"", interface);

	return has_element(firewall, set, element, ret, err);
}

int firewall_masquerades(struct firewall *firewall, const char *address, bool inet6,
	bool *ret, struct error *err)
{
	return has_element(
		firewall, inet6 ? "masquerade6" : "masquerade4", address, ret, err);
}

/* As `nft list chains` prints it: "table inet admin {", "chain forward {", "type filter hook
 * forward priority filter; policy drop;", each on a line. */
int firewall_foreign_chains(struct firewall *firewall, const char *hook,
	struct strings *ret, struct error *err)
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
		const char *policy;

		if (str_after(text, "table "))
			table = str_after(text, "table ");
		if (str_after(text, "chain "))
			chain = str_after(text, "chain ");
		if (!strstr(text, wanted) ||
			str_after(table, "inet " FIREWALL_TABLE " {") ||
			str_after(table, "bridge "))
			continue;
		policy = strstr(text, "policy ");
		strings_addf(ret, "%.*schain %.*s, policy %.*s", (int)strcspn(table, "{"),
			table, (int)strcspn(chain, " "), chain,
			policy ? (int)strcspn(policy + 7, ";") : 6,
			policy ? policy + 7 : "accept");
	}
	return 0;
}
