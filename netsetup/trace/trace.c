/* From the container's own routes over the bridge to the host's routes and rules. */
#include "netsetup/trace/trace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/firewall/foreign.h"
#include "netsetup/links/user.h"
#include "netsetup/netns.h"
#include "netsetup/trace/trace_way.h"

#define OUTSIDE4 "192.0.2.1"   /* of documentation: they stand for the world */
#define OUTSIDE6 "2001:db8::1" /* the same */

static void close_way(struct way *way)
{
	attachments_free(&way->all);
	netlink_close(&way->host);
	firewall_close(&way->firewall);
}

void way_say(struct way *way, const char *where, const char *format, ...)
{
	auto_str text = { 0 };
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(&text, format, arguments);
	va_end(arguments);
	table_add(&way->trace->table, where);
	table_add(&way->trace->table, text.data);
}

/* ---- where to ------------------------------------------------------------------------ */

static bool is_address_of(const struct attachment *record, const struct address *wanted)
{
	for (size_t i = 0; i < record->addresses_count; i++) {
		struct address has;
		struct error ignored;

		if (address_parse_prefix(record->addresses[i].address, "address", &has,
			    &ignored) == 0 &&
			address_compare(&has, wanted) == 0)
			return true;
	}
	return false;
}

static const struct attachment *holder_of(
	const struct way *way, const struct address *address)
{
	for (size_t i = 0; i < way->all.count; i++)
		if (is_address_of(&way->all.items[i], address))
			return &way->all.items[i];
	return NULL;
}

/* The first address of this family; 0: of any. */
bool way_address_of(const struct attachment *record, int family, struct address *ret)
{
	for (size_t i = 0; i < record->addresses_count; i++) {
		struct error ignored;

		if (address_parse_prefix(record->addresses[i].address, "address", ret,
			    &ignored) == 0 &&
			(!family || ret->family == family))
			return true;
	}
	return false;
}

/* A container's address on a network that the sender is on too, else its first. */
static bool find_container(struct way *way, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < way->all.count; i++) {
		const struct attachment *record = &way->all.items[i];

		if (!str_equal(record->container, name))
			continue;
		for (size_t j = 0; j < way->all.count; j++)
			if (str_equal(
				    way->all.items[j].container, way->trace->container) &&
				str_equal(way->all.items[j].network.name,
					record->network.name) &&
				way_address_of(record, 0, &way->to))
				return true;
		found = found || way_address_of(record, 0, &way->to);
	}
	return found;
}

static int parse_destination(struct way *way, char *text, struct error *err)
{
	char *port = NULL;

	if (text[0] == '[' && strchr(text, ']')) {
		*strchr(text, ']') = '\0';
		port = text[strlen(text) + 1] == ':' ? text + strlen(text) + 2 : NULL;
		text++;
	} else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
		port = strchr(text, ':');
		*port++ = '\0';
	}
	if (port && (str_to_u32(port, "port", &way->port, err) < 0))
		return -1;
	if (way->port > 65535)
		return fail(err, "port %u is over 65535", way->port);
	if (address_parse(text, "destination", &way->to, err) == 0)
		return 0;
	if (find_container(way, text))
		return 0;
	return fail(err,
		"\"%.64s\" is neither an address nor the name of an attached container",
		text);
}

static int find_destination(struct way *way, struct error *err)
{
	auto_free char *text = str_dup(way->trace->destination);
	struct address own;
	bool found = false;

	if (text)
		return parse_destination(way, text, err);
	for (size_t i = 0; i < way->all.count && !found; i++)
		found = str_equal(way->all.items[i].container, way->trace->container) &&
			way_address_of(&way->all.items[i], AF_INET, &own);
	return address_parse(found ? OUTSIDE4 : OUTSIDE6, "destination", &way->to, err);
}

/* ---- inside -------------------------------------------------------------------------- */

struct leaving {
	struct way *way;
	struct netlink_route route;
	struct netlink_link link;
	bool no_route;
};

static int look_inside(void *argument, struct error *err)
{
	struct leaving *leaving = argument;
	auto_netlink inside = NULL;

	if (netlink_open(&inside, err) < 0)
		return -1;
	if (netlink_find_route(inside, &leaving->way->to, &leaving->route, err) < 0) {
		leaving->no_route = err->errnum == ENETUNREACH ||
				    err->errnum == EHOSTUNREACH || err->errnum == EACCES;
		return leaving->no_route ? 0 : -1;
	}
	return netlink_get_link_by_index(
		inside, leaving->route.index, &leaving->link, err);
}

static const struct attachment *record_of(const struct way *way, const char *interface)
{
	for (size_t i = 0; i < way->all.count; i++)
		if (str_equal(way->all.items[i].container, way->trace->container) &&
			str_equal(way->all.items[i].interface, interface) &&
			!way->all.items[i].chained)
			return &way->all.items[i];
	return NULL;
}

static int leave_container(struct way *way, struct leaving *leaving, struct error *err)
{
	const struct attachment *any = NULL;
	auto_fd netns = -1;

	for (size_t i = 0; i < way->all.count && !any; i++)
		if (str_equal(way->all.items[i].container, way->trace->container))
			any = &way->all.items[i];
	if (!any)
		return fail_code(err, ENOENT,
			"\"%.64s\" is attached to no network; mocker-netsetup list shows "
			"what is",
			way->trace->container);
	leaving->way = way;
	if (netns_open(any->netns, &netns, err) < 0 ||
		netns_visit(netns, look_inside, leaving, err) < 0)
		return -1;
	if (leaving->no_route) {
		way_dropped(way, "dropped: the container has no route to %s",
			address_text(&way->to).text);
		return 0;
	}
	way_say(way, "route inside", "%s%s%s by %s", address_text(&way->to).text,
		leaving->route.gateway.family ? " via " : "",
		address_text(&leaving->route.gateway).text, leaving->link.name);
	if (leaving->link.flags & IFF_LOOPBACK) {
		way_arrives(way, "arrives: the address is the container's own");
		return 0;
	}
	way_say(way, "interface", "%s, MAC address %s, MTU %u, %s", leaving->link.name,
		netlink_mac_text(leaving->link.mac).text, leaving->link.mtu,
		leaving->link.flags & IFF_UP ? "up" : "down");
	way->from = record_of(way, leaving->link.name);
	if (!(leaving->link.flags & IFF_UP))
		way_dropped(way, "dropped: the interface is down");
	else if (!way->from)
		way_arrives(way, "leaves by %s, which is not ours", leaving->link.name);
	return 0;
}

/* ---- the bridge ---------------------------------------------------------------------- */

/* Rules for bridges, and where br_netfilter is on the host's as well. */
static int meet_on_bridge(
	struct way *way, const struct attachment *other, struct error *err)
{
	static const char *const files[] = {
		"/proc/sys/net/bridge/bridge-nf-call-iptables",
		"/proc/sys/net/bridge/bridge-nf-call-ip6tables"
	};
	const char *bridge = way->from->network.interface;
	const struct way_place ports = { "forward", way->from->link, other->link,
		AF_BRIDGE };
	const struct way_place host = { "forward", bridge, bridge, 0 };

	if (way_meet_foreign(way, &ports, err) < 0)
		return -1;
	if (way->ended || !way_switched_on(files[way->to.family == AF_INET6]))
		return 0;
	return way_meet_foreign(way, &host, err);
}

/* To somebody on the same bridge: no route and no rule of ours is met. */
static int cross_bridge(struct way *way, struct error *err)
{
	const struct attachment *other = holder_of(way, &way->to);

	if (!other ||
		!str_equal(other->network.interface, way->from->network.interface)) {
		way_arrives(way,
			"is sent on the bridge to whoever has %s: no container of ours",
			address_text(&way->to).text);
		return 0;
	}
	if (way->from->network.isolated_ports && other->network.isolated_ports) {
		way_dropped(way,
			"dropped: containers of network \"%s\" are isolated ports",
			other->network.name);
		return 0;
	}
	if (meet_on_bridge(way, other, err) < 0)
		return -1;
	if (way->ended)
		return 0;
	way_say(way, "bridge port", "%s, the host's end of %s in \"%s\"", other->link,
		other->interface, other->container);
	way_arrives(way, "arrives at \"%s\" by the bridge alone", other->container);
	return 0;
}

static int reach_bridge(struct way *way, bool *ret_is_host, const struct leaving *leaving,
	struct error *err)
{
	const struct attachment *from = way->from;
	struct netlink_route local;
	struct netlink_link port;
	struct netlink_link bridge;
	struct netlink_link out;

	*ret_is_host = false;
	if (from->network.kind != NETWORK_BRIDGE) {
		way_say(way, "host",
			"a %s of %s: this host's routes and rules are not met",
			word_of_number(network_kind_words, from->network.kind),
			from->network.interface);
		way_arrives(way, "leaves by %s", from->network.interface);
		return 0;
	}
	if (netlink_get_link(way->host, from->link, &port, err) < 0 ||
		netlink_get_link(way->host, from->network.interface, &bridge, err) < 0)
		return -1;
	way_say(way, "bridge port", "%s, port of %s, %s", port.name, bridge.name,
		port.flags & IFF_UP ? "up" : "down");
	if (!(port.flags & IFF_UP) || port.master != bridge.index ||
		!(bridge.flags & IFF_UP)) {
		way_dropped(way, "dropped: %s is down or no port of the bridge",
			bridge.flags & IFF_UP ? port.name : bridge.name);
		return 0;
	}
	if (netlink_find_route(way->host, &way->to, &local, err) == 0 &&
		netlink_get_link_by_index(way->host, local.index, &out, err) == 0)
		*ret_is_host = out.flags & IFF_LOOPBACK;
	if (!*ret_is_host && !leaving->route.gateway.family)
		return cross_bridge(way, err);
	return 0;
}

/* ---- the host ------------------------------------------------------------------------ */

/* Conditions may keep its ports from this packet. */
static bool is_let_in(struct way *way, const struct attachment *record)
{
	const struct strings *conditions = way->to.family == AF_INET6
						   ? &record->conditions_v6
						   : &record->conditions_v4;
	auto_free char *text = strings_join(conditions, " ");
	struct foreign_packet packet = {
		.in = way->from->network.interface,
		.destination = way->to,
		.protocol = IPPROTO_TCP,
		.port = way->port,
	};
	enum foreign_answer answer;

	if (conditions->count == 0 ||
		!way_address_of(way->from, way->to.family, &packet.source))
		return true;
	answer = foreign_match(conditions, &packet);
	way_say(way, "prerouting", "port %u of \"%s\" has conditions, which this %s: %s",
		way->port, record->container,
		answer == FOREIGN_YES  ? "meets"
		: answer == FOREIGN_NO ? "does not meet"
				       : "may meet",
		text);
	return answer != FOREIGN_NO;
}

/* What prerouting makes of a packet to the host itself. */
static void translate(struct way *way)
{
	for (size_t i = 0; way->port && i < way->all.count; i++) {
		const struct attachment *record = &way->all.items[i];

		for (size_t j = 0; j < record->publish_count; j++) {
			const struct attachment_port *port = &record->publish[j];
			struct address to;

			if (port->protocol != IPPROTO_TCP ||
				port->host_port != way->port ||
				(port->host_ip && !str_equal(port->host_ip,
							  address_text(&way->to).text)) ||
				!way_address_of(record, way->to.family, &to) ||
				!is_let_in(way, record))
				continue;
			way_say(way, "prerouting",
				"port %u is published by \"%s\": to %s:%u", way->port,
				record->container, address_text(&to).text,
				port->container_port);
			way->to = to;
			way->port = port->container_port;
			way->published = true;
			return;
		}
	}
}

static bool forwards(const struct way *way)
{
	static const char *const files[] = { "/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/net/ipv6/conf/all/forwarding" };

	return way_switched_on(files[way->to.family == AF_INET6]);
}

/* Rules of others at a hook of the host's, to this interface or to none yet. */
static int meet_at(struct way *way, const char *hook, const char *out, struct error *err)
{
	const struct way_place place = { hook, way->from->network.interface, out, 0 };

	return way_meet_foreign(way, &place, err);
}

/* The chain "forward" of our table, rule by rule; ret_rule: what drops it, or NULL. */
static int find_drop(
	struct way *way, const char *out, const char **ret_rule, struct error *err)
{
	static const struct {
		const char *in;
		const char *out;
		const char *rule;
		bool elsewhere; /* not out by those, but by any other */
	} rules[] = {
		{ "internal", "bridges", "iifname @internal oifname != @bridges drop",
			.elsewhere = true },
		{ "strict", "bridges", "iifname @strict oifname @bridges drop" },
		{ "bridges", "strict", "iifname @bridges oifname @strict drop" },
		{ "isolated", "isolated", "iifname @isolated oifname @isolated drop" },
	};
	const char *in = way->from->network.interface;

	*ret_rule = NULL;
	if (way->published || str_equal(in, out))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(rules) && !*ret_rule; i++) {
		bool has_in;
		bool has_out;

		if (firewall_has(&way->firewall, rules[i].in, in, &has_in, err) < 0 ||
			firewall_has(&way->firewall, rules[i].out, out, &has_out, err) <
				0)
			return -1;
		if (has_in && has_out != rules[i].elsewhere)
			*ret_rule = rules[i].rule;
	}
	return 0;
}

static int say_masquerade(struct way *way, const char *out, struct error *err)
{
	struct address own;
	bool masquerades;

	if (!way_address_of(way->from, way->to.family, &own))
		return 0;
	if (firewall_masquerades(&way->firewall, &own, &masquerades, err) < 0)
		return -1;
	if (str_equal(out, way->from->network.interface))
		masquerades = way->published;
	if (masquerades)
		way_say(way, "postrouting", "masquerade: %s becomes the address of %s",
			address_text(&own).text, out);
	return 0;
}

static int forward(struct way *way, struct error *err)
{
	const struct attachment *other = holder_of(way, &way->to);
	struct netlink_route route;
	struct netlink_link out;
	const char *rule;

	if (netlink_find_route(way->host, &way->to, &route, err) < 0) {
		way_dropped(way, "dropped: the host has no route to %s",
			address_text(&way->to).text);
		return 0;
	}
	if (netlink_get_link_by_index(way->host, route.index, &out, err) < 0)
		return -1;
	way_say(way, "route", "%s%s%s by %s", address_text(&way->to).text,
		route.gateway.family ? " via " : "", address_text(&route.gateway).text,
		out.name);
	if (!forwards(way)) {
		way_dropped(way, "dropped: the host does not forward (net.ipv%d)",
			way->to.family == AF_INET6 ? 6 : 4);
		return 0;
	}
	if (meet_at(way, "forward", out.name, err) < 0)
		return -1;
	if (way->ended)
		return 0;
	if (find_drop(way, out.name, &rule, err) < 0)
		return -1;
	way_say(way, "forward", "table inet mocker: %s",
		rule ? rule
		     : (way->published ? "ct status dnat accept" : "no rule drops it"));
	if (rule) {
		way_dropped(way, other ? "dropped: networks are isolated from each other"
				       : "dropped: the network is internal");
		return 0;
	}
	if (say_masquerade(way, out.name, err) < 0)
		return -1;
	if (other)
		way_arrives(way, "arrives at \"%s\"", other->container);
	else
		way_arrives(way, "leaves the host by %s", out.name);
	return 0;
}

static int reach_host(struct way *way, struct error *err)
{
	if (meet_at(way, "input", NULL, err) < 0)
		return -1;
	if (!way->ended)
		way_arrives(way, "arrives at the host itself");
	return 0;
}

static bool is_gateway_of(const struct attachment *record, const struct address *to)
{
	for (size_t i = 0; i < record->addresses_count; i++) {
		const char *text = record->addresses[i].gateway;
		struct address gateway;
		struct error ignored;

		if (text && address_parse(text, "gateway", &gateway, &ignored) == 0 &&
			address_compare(&gateway, to) == 0)
			return true;
	}
	return false;
}

/* A user's network: pasta takes the packets for what sockets of the user's send. */
static bool leave_by_pasta(struct way *way, const struct places *places)
{
	const struct attachment *record = NULL;

	for (size_t i = 0; i < way->all.count && !record; i++)
		if (str_equal(way->all.items[i].container, way->trace->container))
			record = &way->all.items[i];
	if (!record || record->network.kind != NETWORK_USER)
		return false;
	way_say(way, "interface",
		"%s of pasta, which speaks for it by sockets of the user's",
		record->interface);
	if (!user_runs(places, record))
		way_dropped(way, "dropped: its pasta has ended; detach and attach it");
	else if (is_address_of(record, &way->to))
		way_arrives(way, "arrives: the address is the container's own");
	else if (is_gateway_of(record, &way->to))
		way_dropped(way, "dropped: the gateway leads to nothing of the host's");
	else
		way_arrives(way,
			"leaves as a connection of pasta's, by the host's routes and rules "
			"for what it sends itself, which are not evaluated here");
	return true;
}

static int walk(struct way *way, const struct places *places, struct error *err)
{
	struct leaving leaving = { 0 };
	bool is_host = false;

	if (leave_by_pasta(way, places))
		return 0;
	if (leave_container(way, &leaving, err) < 0)
		return -1;
	if (!way->ended && reach_bridge(way, &is_host, &leaving, err) < 0)
		return -1;
	if (way->ended)
		return 0;
	if (meet_at(way, "prerouting", NULL, err) < 0)
		return -1;
	if (is_host && !way->ended)
		translate(way);
	if (way->ended)
		return 0;
	return is_host && !way->published ? reach_host(way, err) : forward(way, err);
}

int trace_run(const struct places *places, struct trace *trace, struct error *err)
{
	struct way way = { .trace = trace };
	int result = -1;

	trace->table.columns = 2;
	table_add(&trace->table, "WHERE");
	table_add(&trace->table, "WHAT");
	if (attachments_load(places, NULL, &way.all, err) == 0 &&
		netlink_open(&way.host, err) == 0 && find_destination(&way, err) == 0)
		result = walk(&way, places, err);
	close_way(&way);
	return result;
}
