/* Connections that the kernel remembers: UDP has no end, so that a client's packets would
 * go on to where a published port led once. */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"

/* One direction of a connection. */
struct tuple {
	struct nlattr *source;
	struct nlattr *destination;
	uint8_t protocol;
	uint16_t port; /* of the destination */
};

struct flush {
	int family;
	bool (*matches)(const struct flush *flush, const struct tuple *original,
		const struct tuple *reply);
	const struct address *container;
	const struct netlink_ports *ports;
	struct netlink *netlink; /* of its own: the other is being read from */
};

static struct nl_msg *conntrack_message(int command, int flags, int family)
{
	const struct nfgenmsg info = {
		.nfgen_family = (uint8_t)family,
		.version = NFNETLINK_V0,
	};

	return netlink_message(
		NFNL_SUBSYS_CTNETLINK << 8 | command, flags, &info, sizeof(info));
}

static bool read_tuple(struct nlattr *nested, int family, struct tuple *ret)
{
	bool inet4 = family == AF_INET;
	struct nlattr *tuple[CTA_TUPLE_MAX + 1];
	struct nlattr *ip[CTA_IP_MAX + 1];
	struct nlattr *protocol[CTA_PROTO_MAX + 1];

	if (!nested || nla_parse_nested(tuple, CTA_TUPLE_MAX, nested, NULL) < 0 ||
		!tuple[CTA_TUPLE_IP] || !tuple[CTA_TUPLE_PROTO] ||
		nla_parse_nested(ip, CTA_IP_MAX, tuple[CTA_TUPLE_IP], NULL) < 0 ||
		nla_parse_nested(protocol, CTA_PROTO_MAX, tuple[CTA_TUPLE_PROTO], NULL) <
			0 ||
		!protocol[CTA_PROTO_NUM])
		return false;
	ret->source = ip[inet4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC];
	ret->destination = ip[inet4 ? CTA_IP_V4_DST : CTA_IP_V6_DST];
	ret->protocol = nla_get_u8(protocol[CTA_PROTO_NUM]);
	ret->port = protocol[CTA_PROTO_DST_PORT]
			    ? ntohs(nla_get_u16(protocol[CTA_PROTO_DST_PORT]))
			    : 0;
	return ret->source && ret->destination;
}

static bool same_host(const struct nlattr *a, const struct nlattr *b)
{
	return nla_len(a) == nla_len(b) &&
	       memcmp(nla_data(a), nla_data(b), (size_t)nla_len(a)) == 0;
}

/* The answers come from the container. */
static bool leads_to_container(const struct flush *flush, const struct tuple *original,
	const struct tuple *reply)
{
	const struct address *container = flush->container;

	return nla_len(reply->source) == (int)address_length(container) &&
	       memcmp(nla_data(reply->source), container->bytes,
		       address_length(container)) == 0;
}

/* To one of the ports, and nothing was translated: what leaves through the host's own
 * address for such a port elsewhere would get another port of its own. */
static bool is_plain_to_port(const struct flush *flush, const struct tuple *original,
	const struct tuple *reply)
{
	bool listed = false;

	for (size_t i = 0; i < flush->ports->count; i++)
		listed = listed || flush->ports->items[i] == original->port;
	return listed && same_host(original->source, reply->destination) &&
	       same_host(original->destination, reply->source);
}

static int queue_if_theirs(void *argument, struct nlmsghdr *header, struct error *err)
{
	const struct flush *flush = argument;
	struct nlattr *parts[CTA_MAX + 1];
	struct tuple original;
	struct tuple reply;
	struct nl_msg *message;

	if (nlmsg_parse(header, sizeof(struct nfgenmsg), parts, CTA_MAX, NULL) < 0 ||
		!read_tuple(parts[CTA_TUPLE_ORIG], flush->family, &original) ||
		!read_tuple(parts[CTA_TUPLE_REPLY], flush->family, &reply) ||
		original.protocol != IPPROTO_UDP ||
		!flush->matches(flush, &original, &reply))
		return 0;
	message = conntrack_message(IPCTNL_MSG_CT_DELETE, 0, flush->family);
	netlink_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED,
		nla_data(parts[CTA_TUPLE_ORIG]), (size_t)nla_len(parts[CTA_TUPLE_ORIG]));
	if (parts[CTA_ZONE])
		netlink_put(message, CTA_ZONE, nla_data(parts[CTA_ZONE]),
			(size_t)nla_len(parts[CTA_ZONE]));
	netlink_tolerate(flush->netlink, ENOENT); /* it ended meanwhile */
	netlink_queue(flush->netlink, message, "forgetting a UDP connection");
	return 0;
}

static int forget(struct flush *flush, struct error *err)
{
	auto_netlink reader = NULL;
	auto_netlink writer = NULL;

	if (netlink_open_protocol(NETLINK_NETFILTER, &reader, err) < 0 ||
		netlink_open_protocol(NETLINK_NETFILTER, &writer, err) < 0)
		return -1;
	flush->netlink = writer;
	if (netlink_ask(reader,
		    conntrack_message(IPCTNL_MSG_CT_GET, NLM_F_DUMP, flush->family),
		    (struct netlink_answers){ .each = queue_if_theirs,
			    .argument = flush,
			    .what = "listing connections" },
		    err) < 0)
		return -1;
	return netlink_commit(writer, err);
}

int netlink_forget_udp(const struct address *container, struct error *err)
{
	return forget(&(struct flush){ .family = container->family,
			      .matches = leads_to_container,
			      .container = container },
		err);
}

int netlink_forget_udp_ports(
	int family, const struct netlink_ports *ports, struct error *err)
{
	return forget(
		&(struct flush){
			.family = family, .matches = is_plain_to_port, .ports = ports },
		err);
}
