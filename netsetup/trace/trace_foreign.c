/* What rules of others would do, said with what is not known of them. */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "netsetup/firewall/foreign.h"
#include "netsetup/trace/trace_way.h"

bool way_switched_on(const char *file)
{
	auto_free char *text = NULL;
	struct error ignored;

	return file_read_at(AT_FDCWD, file, 16, &text, NULL, &ignored) == 0 &&
	       text[0] != '0';
}

static void say_opinion(struct way *way, const struct way_place *place,
	const struct firewall_chain *chain, const struct foreign_opinion *opinion)
{
	const char *quote = opinion->rule ? "\"" : "";

	strings_each (doubt, &opinion->doubts)
		way_say(way, place->hook,
			"%s, chain %s: may also meet \"%s\", not evaluated here",
			chain->table, chain->name, *doubt);
	way_say(way, place->hook, "%s, chain %s: %s by %s%s%s", chain->table, chain->name,
		opinion->dropped ? "dropped" : "passed", quote,
		opinion->rule ? opinion->rule : "its policy", quote);
	if (opinion->dropped && opinion->doubts.count == 0)
		way_dropped(way, "dropped by somebody else's rules: %s, chain %s",
			chain->table, chain->name);
}

/* The old tables of iptables are not nftables', and are not seen by these means. */
static void say_legacy(struct way *way, const struct way_place *place)
{
	static const char *const files[] = { "/proc/net/ip_tables_names",
		"/proc/net/ip6_tables_names" };
	auto_free char *text = NULL;
	struct error ignored;

	if (place->family != AF_BRIDGE &&
		file_read_at(AT_FDCWD, files[way->to.family == AF_INET6], 4096, &text,
			NULL, &ignored) == 0 &&
		text[0])
		way_say(way, place->hook,
			"may also meet rules of iptables-legacy, not evaluated here");
}

/* The kernel calls all chains of a hook: what one drops, no other lets pass. */
int way_meet_foreign(struct way *way, const struct way_place *place, struct error *err)
{
	auto_chains chains = { 0 };
	struct foreign_packet packet = {
		.in = place->in,
		.out = place->out,
		.destination = way->to,
		.protocol = way->port ? IPPROTO_TCP : 0,
		.port = way->port,
		.translated = way->published,
	};

	say_legacy(way, place);
	if (!way_address_of(way->from, way->to.family, &packet.source))
		return 0;
	if (firewall_foreign_chains(&way->firewall, place->hook,
		    place->family ? place->family : way->to.family, &chains, err) < 0)
		return -1;
	for (size_t i = 0; i < chains.count && !way->ended; i++) {
		auto_opinion opinion = { 0 };

		if (foreign_judge(
			    &way->firewall, &chains.items[i], &packet, &opinion, err) < 0)
			return -1;
		say_opinion(way, place, &chains.items[i], &opinion);
	}
	return 0;
}
