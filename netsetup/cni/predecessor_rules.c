/*
 * What portmap, firewall and the bridge plugin's ipMasq made in iptables for a container:
 * read from iptables-save, and given back to iptables-restore as deletions.
 *
 * portmap and ipMasq name network and container in the comment of each rule that jumps to a
 * chain of the container's; the firewall plugin has rules for its addresses in CNI-FORWARD.
 * Chains that all containers share stay.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "netsetup/cni/predecessor.h"
#include "netsetup/netlink/netlink.h"

#define CHAIN_PREFIX "CNI-" /* of all those plugins' chains */
#define PORTS_PREFIX "CNI-DN-"
#define TABLES_MAX   (64u << 20) /* bytes of text */
#define WAIT_MS      30000

static const struct family {
	const char *save;
	const char *restore;
	int width; /* of an address */
} families[] = {
	{ "iptables-save", "iptables-restore", 32 },
	{ "ip6tables-save", "ip6tables-restore", 128 },
};

/* ---- iptables ------------------------------------------------------------------------- */

static int run(const char *const *argv, const struct str *input, struct str *output,
	struct error *err)
{
	auto_str said = { 0 };
	int status;

	if (process_run(
		    &(struct process_run){
			    .path = argv[0],
			    .sbin = true,
			    .argv = (char *const *)(uintptr_t)argv,
			    .cwd_fd = -1,
			    .input = input ? input->data : NULL,
			    .input_length = input ? input->length : 0,
			    .output = output,
			    .errors = &said,
			    .keep = TABLES_MAX,
			    .timeout_ms = WAIT_MS,
		    },
		    &status, err) < 0)
		return -1;
	return status ? process_fail_status(argv[0], status, &said, err) : 0;
}

/* Without the program there is nothing that it made; that it cannot read keeps nobody from
 * detaching a container. */
static bool save(const struct family *family, struct str *ret)
{
	const char *const argv[] = { family->save, NULL };
	struct error err;

	if (run(argv, NULL, ret, &err) == 0)
		return ret->length > 0;
	if (err.errnum != ENOENT)
		log_warning("%s; rules of other plugins' may be left", err.text);
	return false;
}

static int restore(
	const struct family *family, const struct str *changes, struct error *err)
{
	const char *const argv[] = { family->restore, "--noflush", "--wait=10", NULL };

	return run(argv, changes, NULL, err);
}

/* ---- which rules ---------------------------------------------------------------------- */

struct search {
	const struct family *family;
	const char *comment; /* ends so, as iptables-save quotes it */
	const char *prefix;  /* of the chains that are looked for */
	const struct strings *addresses;
	char *chain; /* one that was found; NULL: none was */
};

/* The chain of the container's that the rule jumps to; NULL: it is no such rule. */
static const char *find_chain(const struct search *search, const char *rule)
{
	const char *comment = strstr(rule, search->comment);
	const char *jump = comment ? strstr(comment, " -j ") : NULL;
	const char *chain = jump ? jump + strlen(" -j ") : "";

	return str_after(chain, search->prefix) ? chain : NULL;
}

/* "-s 10.0.0.2/32 -j ACCEPT", "-d 10.0.0.2/32 -m conntrack … -j ACCEPT" */
static bool is_of_address(const struct search *search, const char *rule)
{
	const char *words = str_after(rule, "-A CNI-FORWARD -");

	if (!search->addresses || !words || (words[0] != 's' && words[0] != 'd') ||
		words[1] != ' ' || !str_ends_with(rule, " -j ACCEPT"))
		return false;
	strings_each (address, search->addresses) {
		auto_free char *wanted =
			str_format("%s/%d ", *address, search->family->width);

		if (str_after(words + 2, wanted))
			return true;
	}
	return false;
}

/* Appends the deletion of a rule that is the container's, and notes its chain. */
static void delete_rule(struct search *search, const char *rule, struct str *changes,
	struct strings *chains)
{
	const char *chain = find_chain(search, rule);

	if (!str_after(rule, "-A ") || (!chain && !is_of_address(search, rule)))
		return;
	str_appendf(changes, "-D %s\n", str_after(rule, "-A "));
	if (!chain || strings_contain(chains, chain))
		return;
	strings_add(chains, chain);
	if (!search->chain)
		search->chain = str_dup(chain);
}

/* The changes of one table: nothing, or all that stands between its name and COMMIT. */
static void end_table(const char *table, const struct strings *chains,
	const struct str *changes, struct str *ret)
{
	if (changes->length == 0)
		return;
	str_appendf(ret, "%s\n%s", table, changes->data);
	strings_each (chain, chains)
		str_appendf(ret, "-F %s\n-X %s\n", *chain, *chain);
	str_append(ret, "COMMIT\n");
}

static void find_changes(struct search *search, const char *tables, struct str *ret)
{
	auto_strings lines = { 0 };
	struct strings chains = { 0 };
	struct str changes = { 0 };
	const char *table = "";

	strings_split(&lines, tables, '\n');
	strings_each (line, &lines) {
		if (**line == '*')
			table = *line;
		delete_rule(search, *line, &changes, &chains);
		if (!str_equal(*line, "COMMIT"))
			continue;
		end_table(table, &chains, &changes, ret);
		strings_free(&chains);
		str_free(&changes);
		chains = (struct strings){ 0 };
		changes = (struct str){ 0 };
	}
	strings_free(&chains);
	str_free(&changes);
}

/* ---- all ------------------------------------------------------------------------------ */

/* The bandwidth plugin's, whose name has the hash that the chains' have: before them, for who
 * was killed between must find it again. */
static int delete_limit(const char *chain, struct error *err)
{
	const char *ports = str_after(chain, PORTS_PREFIX);
	const char *hash = ports ? ports : str_after(chain, CHAIN_PREFIX);
	auto_free char *name = str_format("bwp%.12s", hash);
	auto_netlink host = NULL;
	struct netlink_link link;

	if (netlink_open(&host, err) < 0)
		return -1;
	if (netlink_get_link(host, name, &link, err) < 0)
		return err->errnum == ENODEV ? 0 : -1;
	if (!str_equal(link.kind, "ifb"))
		return 0;
	netlink_tolerate(host, ENODEV);
	netlink_delete_link(host, name);
	return netlink_commit(host, err);
}

int predecessor_remove_rules(
	const struct cni_call *call, const struct strings *addresses, struct error *err)
{
	auto_free char *comment = str_format(
		"name: \\\"%s\\\" id: \\\"%s\\\"\"", call->config.name, call->container);
	struct search search = { .comment = comment,
		.prefix = addresses ? CHAIN_PREFIX : PORTS_PREFIX,
		.addresses = addresses };
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && result == 0; i++) {
		auto_str tables = { 0 };
		auto_str changes = { 0 };

		search.family = &families[i];
		if (!save(search.family, &tables))
			continue;
		find_changes(&search, tables.data, &changes);
		if (addresses && search.chain)
			result = delete_limit(search.chain, err);
		if (result == 0 && changes.length > 0)
			result = restore(search.family, &changes, err);
	}
	free(search.chain);
	return result;
}
