/* Limits of a link's rate: token buckets, and a link's incoming packets led through an
 * ifb device, for only what leaves a device can be queued. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"

#define LATENCY_MS 25 /* how long a packet may wait: the depth of the queue */

static struct nl_msg *qdisc_message(int index, uint32_t handle, uint32_t parent)
{
	struct tcmsg info = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = index,
		.tcm_handle = handle,
		.tcm_parent = parent,
	};

	return netlink_message(
		RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
}

static void queue_bucket(struct netlink *netlink, int index, uint32_t handle,
	uint32_t parent, const struct netlink_limit *limit)
{
	struct nl_msg *message = qdisc_message(index, handle, parent);
	uint64_t rate = MAX(limit->bits / 8, 1);
	/* Small enough to limit, large enough for packets of any usual MTU. */
	uint64_t bucket = MAX(limit->burst ? limit->burst / 8 : rate / 100, 10000);
	uint32_t bucket32 = (uint32_t)MIN(bucket, UINT32_MAX / 2);
	struct tc_tbf_qopt options = {
		.rate = { .rate = (uint32_t)MIN(rate, UINT32_MAX),
			.linklayer = TC_LINKLAYER_ETHERNET },
		.limit = (uint32_t)MIN(
			rate * LATENCY_MS / 1000 + bucket32, UINT32_MAX / 2),
	};
	struct nlattr *nest;

	netlink_put_text(message, TCA_KIND, "tbf");
	nest = netlink_nest(message, TCA_OPTIONS);
	netlink_put(message, TCA_TBF_PARMS, &options, sizeof(options));
	netlink_put_u32(message, TCA_TBF_BURST, bucket32);
	if (rate > UINT32_MAX)
		netlink_put(message, TCA_TBF_RATE64, &rate, sizeof(rate));
	nla_nest_end(message, nest);
	netlink_queue(netlink, message, "limiting interface %d to %llu bits a second",
		index, (unsigned long long)limit->bits);
}

/* ---- by subnet ------------------------------------------------------------------------ */

/* Two classes, of which only one has a bucket: the hierarchy is there to sort packets into
 * them, its own rates are out of reach. */
enum class {
	CLASS_FREE = 1,
	CLASS_LIMITED,
};

static void queue_hierarchy(struct netlink *netlink, int index, enum class other)
{
	struct nl_msg *message = qdisc_message(index, TC_H_MAKE(1U << 16, 0), TC_H_ROOT);
	const struct tc_htb_glob options = {
		.version = 3, .rate2quantum = 10, .defcls = other
	};
	struct nlattr *nest;

	netlink_put_text(message, TCA_KIND, "htb");
	nest = netlink_nest(message, TCA_OPTIONS);
	netlink_put(message, TCA_HTB_INIT, &options, sizeof(options));
	nla_nest_end(message, nest);
	netlink_queue(netlink, message, "sorting what interface %d sends", index);
}

static void queue_class(struct netlink *netlink, int index, enum class class)
{
	const uint64_t rate = 125ULL * 1000 * 1000 * 1000; /* bytes a second */
	const struct tcmsg info = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = index,
		.tcm_handle = TC_H_MAKE(1U << 16, class),
		.tcm_parent = TC_H_MAKE(1U << 16, 0),
	};
	const struct tc_htb_opt options = {
		.rate = { .rate = UINT32_MAX, .linklayer = TC_LINKLAYER_ETHERNET },
		.ceil = { .rate = UINT32_MAX, .linklayer = TC_LINKLAYER_ETHERNET },
		.buffer = 1U << 20,
		.cbuffer = 1U << 20,
		.quantum = 60000,
	};
	struct nl_msg *message = netlink_message(
		RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	struct nlattr *nest;

	netlink_put_text(message, TCA_KIND, "htb");
	nest = netlink_nest(message, TCA_OPTIONS);
	netlink_put(message, TCA_HTB_PARMS, &options, sizeof(options));
	netlink_put(message, TCA_HTB_RATE64, &rate, sizeof(rate));
	netlink_put(message, TCA_HTB_CEIL64, &rate, sizeof(rate));
	nla_nest_end(message, nest);
	netlink_queue(
		netlink, message, "making a class of what interface %d sends", index);
}

/* Where an address stands in the packet: source, destination. */
static int address_offset(int family, bool source)
{
	if (family == AF_INET)
		return source ? 12 : 16;
	return source ? 8 : 24;
}

/* Of one subnet: 32 bits a key. */
union subnet_selector {
	struct tc_u32_sel head;
	char room[sizeof(struct tc_u32_sel) + 4 * sizeof(struct tc_u32_key)];
};

static void fill_selector(
	union subnet_selector *selector, const struct address *subnet, bool by_source)
{
	size_t words = address_length(subnet) / 4;
	struct address network = address_subnet(subnet);
	int offset = address_offset(subnet->family, by_source);

	selector->head.flags = TC_U32_TERMINAL;
	selector->head.nkeys = (unsigned char)words;
	for (size_t i = 0; i < words; i++) {
		struct tc_u32_key *key = &selector->head.keys[i];
		unsigned bits = MIN(MAX(subnet->prefix, 32 * i) - 32 * i, 32);

		memcpy(&key->val, network.bytes + 4 * i, sizeof(key->val));
		key->mask = htonl(bits ? UINT32_MAX << (32 - bits) : 0);
		key->off = offset + 4 * (int)i;
	}
}

static void queue_subnet(struct netlink *netlink, int index,
	const struct netlink_limit *limit, const struct address *subnet)
{
	bool inet6 = subnet->family == AF_INET6;
	const struct tcmsg info = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = index,
		.tcm_parent = TC_H_MAKE(1U << 16, 0),
		/* A priority has filters of one protocol. */
		.tcm_info = TC_H_MAKE(
			(inet6 ? 2U : 1U) << 16, htons(inet6 ? ETH_P_IPV6 : ETH_P_IP)),
	};
	struct nl_msg *message = netlink_message(
		RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	union subnet_selector selector = { .room = { 0 } };
	struct nlattr *nest;

	fill_selector(&selector, subnet, limit->by_source);
	netlink_put_text(message, TCA_KIND, "u32");
	nest = netlink_nest(message, TCA_OPTIONS);
	netlink_put_u32(message, TCA_U32_CLASSID,
		TC_H_MAKE(1U << 16, limit->only ? CLASS_LIMITED : CLASS_FREE));
	netlink_put(message, TCA_U32_SEL, &selector,
		sizeof(selector.head) +
			selector.head.nkeys * sizeof(selector.head.keys[0]));
	nla_nest_end(message, nest);
	netlink_queue(netlink, message, "sorting out what interface %d sends for %s",
		index, address_text_prefix(subnet).text);
}

void netlink_limit_rate(
	struct netlink *netlink, int index, const struct netlink_limit *limit)
{
	if (limit->count == 0) {
		queue_bucket(netlink, index, TC_H_MAKE(1U << 16, 0), TC_H_ROOT, limit);
		return;
	}
	queue_hierarchy(netlink, index, limit->only ? CLASS_FREE : CLASS_LIMITED);
	queue_class(netlink, index, CLASS_FREE);
	queue_class(netlink, index, CLASS_LIMITED);
	queue_bucket(netlink, index, TC_H_MAKE(2U << 16, 0),
		TC_H_MAKE(1U << 16, CLASS_LIMITED), limit);
	for (size_t i = 0; i < limit->count; i++)
		queue_subnet(netlink, index, limit, &limit->subnets[i]);
}

/* ---- what comes in -------------------------------------------------------------------- */

static struct nl_msg *redirect_message(int from, int to)
{
	struct tcmsg info = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = from,
		.tcm_parent = TC_H_MAKE(TC_H_INGRESS, 0),
		.tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL)),
	};
	const struct tc_u32_sel selector = { .flags = TC_U32_TERMINAL, .nkeys = 1 };
	/* And its one key: nothing of the packet is looked at. */
	char every[sizeof(selector) + sizeof(struct tc_u32_key)] = { 0 };
	struct tc_mirred mirred = {
		.action = TC_ACT_STOLEN,
		.eaction = TCA_EGRESS_REDIR,
		.ifindex = (uint32_t)to,
	};
	struct nl_msg *message = netlink_message(
		RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	struct nlattr *nests[4];

	/* u32 with a key that every packet has: older, and in more kernels, than matchall. */
	netlink_put_text(message, TCA_KIND, "u32");
	nests[0] = netlink_nest(message, TCA_OPTIONS);
	memcpy(every, &selector, sizeof(selector));
	netlink_put(message, TCA_U32_SEL, every, sizeof(every));
	nests[1] = netlink_nest(message, TCA_U32_ACT);
	nests[2] = netlink_nest(message, 1); /* the first action */
	netlink_put_text(message, TCA_ACT_KIND, "mirred");
	nests[3] = netlink_nest(message, TCA_ACT_OPTIONS);
	netlink_put(message, TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
	for (size_t i = ARRAY_SIZE(nests); i-- > 0;)
		nla_nest_end(message, nests[i]);
	return message;
}

void netlink_redirect_incoming(struct netlink *netlink, int from, int to)
{
	struct nl_msg *message =
		qdisc_message(from, TC_H_MAKE(TC_H_INGRESS, 0), TC_H_INGRESS);

	netlink_put_text(message, TCA_KIND, "ingress");
	netlink_queue(netlink, message, "catching what interface %d receives", from);
	netlink_queue(netlink, redirect_message(from, to),
		"leading what interface %d receives through %d", from, to);
}

/* ---- and back ------------------------------------------------------------------------- */

static struct nl_msg *delete_message(int index, uint32_t handle, uint32_t parent)
{
	const struct tcmsg info = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = index,
		.tcm_handle = handle,
		.tcm_parent = parent,
	};

	return netlink_message(RTM_DELQDISC, 0, &info, sizeof(info));
}

void netlink_unlimit_rate(struct netlink *netlink, int index)
{
	netlink_tolerate(netlink, EINVAL); /* another handle than ours */
	netlink_queue(netlink, delete_message(index, TC_H_MAKE(1U << 16, 0), TC_H_ROOT),
		"no longer limiting interface %d", index);
}

void netlink_stop_redirecting(struct netlink *netlink, int from)
{
	struct nl_msg *message =
		delete_message(from, TC_H_MAKE(TC_H_INGRESS, 0), TC_H_INGRESS);

	netlink_put_text(message, TCA_KIND, "ingress");
	netlink_tolerate(netlink, ENOENT);
	netlink_queue(
		netlink, message, "no longer catching what interface %d receives", from);
}

/* ---- asking --------------------------------------------------------------------------- */

struct limits_search {
	int index;
	bool limited;
	bool redirected;
};

static int note_qdisc(void *argument, struct nlmsghdr *header, struct error *err)
{
	struct limits_search *search = argument;
	const struct tcmsg *info = nlmsg_data(header);
	struct nlattr *parts[TCA_MAX + 1];
	const char *kind;

	if (nlmsg_parse(header, sizeof(*info), parts, TCA_MAX, NULL) < 0)
		return fail(err, "the kernel's description of a queue is malformed");
	if (info->tcm_ifindex != search->index || !parts[TCA_KIND])
		return 0;
	kind = nla_get_string(parts[TCA_KIND]);
	if (info->tcm_parent == TC_H_ROOT)
		search->limited = str_equal(kind, "tbf") || str_equal(kind, "htb");
	if (info->tcm_parent == TC_H_INGRESS)
		search->redirected = str_equal(kind, "ingress");
	return 0;
}

int netlink_find_limits(struct netlink *netlink, int index, bool *ret_limited,
	bool *ret_redirected, struct error *err)
{
	const struct tcmsg info = { .tcm_family = AF_UNSPEC, .tcm_ifindex = index };
	struct limits_search search = { .index = index };

	if (netlink_ask(netlink,
		    netlink_message(RTM_GETQDISC, NLM_F_DUMP, &info, sizeof(info)),
		    (struct netlink_answers){ .each = note_qdisc,
			    .argument = &search,
			    .what = "listing the queues" },
		    err) < 0)
		return -1;
	*ret_limited = search.limited;
	*ret_redirected = search.redirected;
	return 0;
}
