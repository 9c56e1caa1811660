/* Connections that the kernel remembers: UDP has no end, so that a client's packets would
 * go on to where a published port led once. */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"

struct flush {
	const struct address *container;
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

/* The answers come from this address, by UDP. */
static bool is_from(struct nlattr *reply, const struct address *container)
{
	struct nlattr *tuple[CTA_TUPLE_MAX + 1];
	struct nlattr *ip[CTA_IP_MAX + 1];
	struct nlattr *protocol[CTA_PROTO_MAX + 1];
	struct nlattr *source;

	if (nla_parse_nested(tuple, CTA_TUPLE_MAX, reply, NULL) < 0 ||
		!tuple[CTA_TUPLE_IP] || !tuple[CTA_TUPLE_PROTO] ||
		nla_parse_nested(ip, CTA_IP_MAX, tuple[CTA_TUPLE_IP], NULL) < 0 ||
		nla_parse_nested(protocol, CTA_PROTO_MAX, tuple[CTA_TUPLE_PROTO], NULL) <
			0)
		return false;
	source = ip[container->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC];
	return source && nla_len(source) == (int)address_length(container) &&
	       memcmp(nla_data(source), container->bytes, address_length(container)) ==
		       0 &&
	       protocol[CTA_PROTO_NUM] &&
	       nla_get_u8(protocol[CTA_PROTO_NUM]) == IPPROTO_UDP;
}

static int queue_if_theirs(void *argument, struct nlmsghdr *header, struct error *err)
{
	const struct flush *flush = argument;
	struct nlattr *parts[CTA_MAX + 1];
	struct nl_msg *message;

	if (nlmsg_parse(header, sizeof(struct nfgenmsg), parts, CTA_MAX, NULL) < 0 ||
		!parts[CTA_TUPLE_ORIG] || !parts[CTA_TUPLE_REPLY] ||
		!is_from(parts[CTA_TUPLE_REPLY], flush->container))
		return 0;
	message = conntrack_message(IPCTNL_MSG_CT_DELETE, 0, flush->container->family);
	netlink_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED,
		nla_data(parts[CTA_TUPLE_ORIG]), (size_t)nla_len(parts[CTA_TUPLE_ORIG]));
	if (parts[CTA_ZONE])
		netlink_put(message, CTA_ZONE, nla_data(parts[CTA_ZONE]),
			(size_t)nla_len(parts[CTA_ZONE]));
	netlink_tolerate(flush->netlink, ENOENT); /* it ended meanwhile */
	netlink_queue(flush->netlink, message, "forgetting a UDP connection");
	return 0;
}

int netlink_forget_udp(const struct address *container, struct error *err)
{
	auto_netlink reader = NULL;
	auto_netlink writer = NULL;
	struct flush flush = { .container = container };

	if (netlink_open_protocol(NETLINK_NETFILTER, &reader, err) < 0 ||
		netlink_open_protocol(NETLINK_NETFILTER, &writer, err) < 0)
		return -1;
	flush.netlink = writer;
	if (netlink_ask(reader,
		    conntrack_message(IPCTNL_MSG_CT_GET, NLM_F_DUMP, container->family),
		    (struct netlink_answers){ .each = queue_if_theirs,
			    .argument = &flush,
			    .what = "listing connections" },
		    err) < 0)
		return -1;
	return netlink_commit(writer, err);
}
