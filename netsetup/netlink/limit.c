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

void netlink_limit_rate(struct netlink *netlink, int index, uint64_t bits, uint64_t burst)
{
	struct nl_msg *message = qdisc_message(index, TC_H_MAKE(1U << 16, 0), TC_H_ROOT);
	uint64_t rate = MAX(bits / 8, 1);
	/* Small enough to limit, large enough for packets of any usual MTU. */
	uint64_t bucket = MAX(burst ? burst / 8 : rate / 100, 10000);
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
		index, (unsigned long long)bits);
}

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
