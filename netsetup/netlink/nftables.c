/* Elements of nftables' sets and maps: one transaction between two messages that say so.
 * The tables are libnftables' work (firewall_nft.c). */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/firewall/element.h"
#include "netsetup/netlink/private.h"

int netlink_open_netfilter(struct netlink **ret, struct error *err)
{
	return netlink_open_protocol(NETLINK_NETFILTER, ret, err);
}

/* ---- messages ------------------------------------------------------------------------ */

/* Opens or ends a transaction. */
static void add_mark(struct netlink *netlink, int type)
{
	const struct nfgenmsg info = {
		.nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES),
	};

	netlink_batch(netlink, netlink_message(type, 0, &info, sizeof(info)));
}

static void put_fields(struct nl_msg *message, int type,
	const struct element_field *fields, size_t count)
{
	struct nlattr *nest = netlink_nest(message, type);
	unsigned char bytes[ELEMENT_ROOM];
	size_t length = element_join(fields, count, bytes);

	netlink_put(message, NFTA_DATA_VALUE, bytes, length);
	nla_nest_end(message, nest);
}

static void put_verdict(struct nl_msg *message, const struct element *element)
{
	static const int codes[] = {
		[ELEMENT_RETURN] = NFT_RETURN,
		[ELEMENT_GOTO] = NFT_GOTO,
		[ELEMENT_JUMP] = NFT_JUMP,
	};
	struct nlattr *data = netlink_nest(message, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = netlink_nest(message, NFTA_DATA_VERDICT);

	netlink_put_u32(
		message, NFTA_VERDICT_CODE, htonl((uint32_t)codes[element->verdict]));
	if (element->verdict != ELEMENT_RETURN)
		netlink_put_text(message, NFTA_VERDICT_CHAIN, element->chain);
	nla_nest_end(message, verdict);
	nla_nest_end(message, data);
}

static struct nl_msg *element_message(
	int type, int flags, const struct element *element, bool with_data)
{
	const struct nfgenmsg info = {
		.nfgen_family = element->bridge ? NFPROTO_BRIDGE : NFPROTO_INET,
		.version = NFNETLINK_V0,
	};
	struct nl_msg *message = netlink_message(
		NFNL_SUBSYS_NFTABLES << 8 | type, flags, &info, sizeof(info));
	struct nlattr *list;
	struct nlattr *one;

	netlink_put_text(message, NFTA_SET_ELEM_LIST_TABLE, FIREWALL_TABLE);
	netlink_put_text(message, NFTA_SET_ELEM_LIST_SET, element->set);
	list = netlink_nest(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	one = netlink_nest(message, NFTA_LIST_ELEM);
	put_fields(message, NFTA_SET_ELEM_KEY, element->key, element->key_count);
	if (with_data && element->data_count)
		put_fields(
			message, NFTA_SET_ELEM_DATA, element->data, element->data_count);
	else if (with_data && element->verdict)
		put_verdict(message, element);
	nla_nest_end(message, one);
	nla_nest_end(message, list);
	return message;
}

/* ---- a transaction ------------------------------------------------------------------- */

/* The first failure says why, and the element that it names by its number. */
static int fail_transaction(struct nlmsghdr *header, uint32_t first,
	enum element_verb verb, const struct elements *elements, struct error *err)
{
	uint32_t at = header->nlmsg_seq - first;
	auto_free char *element =
		at < elements->count ? element_text(&elements->items[at], verb) : NULL;
	auto_free char *what = str_format("setting firewall rules%s%s",
		!element              ? ""
		: verb == ELEMENT_ADD ? ": adding to "
				      : ": deleting from ",
		element ? element : "");

	if (netlink_fail_answer(what, header, err) < 0 && err->errnum == EEXIST)
		return fail_hint(err, "it leads elsewhere already");
	if (err->errnum == EOPNOTSUPP)
		return fail_hint(err, "does the kernel have nftables?");
	return -1;
}

/* When send() returns, the kernel has done it all, and has answered where it refused. */
static int read_failures(struct netlink *netlink, uint32_t first, enum element_verb verb,
	const struct elements *elements, struct error *err)
{
	char buffer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool too_many = false;
	int result = 0;

	for (;;) {
		struct nlmsghdr *header = (struct nlmsghdr *)(void *)buffer;
		struct error failure;
		ssize_t got = netlink_receive(
			netlink, buffer, sizeof(buffer), MSG_DONTWAIT, &failure);
		int rest = (int)got;

		if (got < 0 && failure.errnum == ENOBUFS) {
			too_many = true; /* those before are there to be read */
			continue;
		}
		if (got < 0 && failure.errnum == EAGAIN)
			break;
		if (got < 0) {
			*err = failure;
			return -1;
		}
		for (; nlmsg_ok(header, rest); header = nlmsg_next(header, &rest)) {
			const struct nlmsgerr *error = nlmsg_data(header);

			if (header->nlmsg_type == NLMSG_ERROR && error->error &&
				result == 0)
				result = fail_transaction(
					header, first, verb, elements, err);
		}
	}
	if (result == 0 && too_many)
		return fail(err, "setting firewall rules: the kernel's answer is lost");
	return result;
}

/* All of it is one datagram. What an administrator allows to be sent is for others. */
static void make_room(struct netlink *netlink, size_t length)
{
	int fd = nl_socket_get_fd(netlink->socket);
	int size = (int)length;

	if (length > 16384 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int netlink_change_elements(struct netlink *netlink, enum element_verb verb,
	const struct elements *elements, struct error *err)
{
	bool add = verb == ELEMENT_ADD;
	uint32_t first;
	int result;

	add_mark(netlink, NFNL_MSG_BATCH_BEGIN);
	first = netlink->sequence + 1;
	for (size_t i = 0; i < elements->count; i++)
		netlink_batch(netlink,
			element_message(add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
				add ? NLM_F_CREATE : 0, &elements->items[i], add));
	add_mark(netlink, NFNL_MSG_BATCH_END);
	make_room(netlink, netlink->batch.length);
	result = netlink_send(netlink, netlink->batch.data, netlink->batch.length, err);
	netlink->batch.length = 0;
	if (result < 0)
		return -1;
	return read_failures(netlink, first, verb, elements, err);
}

/* ---- questions ----------------------------------------------------------------------- */

static int ignore_answer(void *argument, struct nlmsghdr *header, struct error *err)
{
	return 0;
}

int netlink_find_element(
	struct netlink *netlink, const struct element *element, struct error *err)
{
	return netlink_ask(netlink,
		element_message(NFT_MSG_GETSETELEM, 0, element, false),
		(struct netlink_answers){
			.each = ignore_answer, .what = "asking for a firewall rule" },
		err);
}

/* ---- all of them --------------------------------------------------------------------- */

static struct nl_msg *dump_message(int type, bool bridge)
{
	const struct nfgenmsg info = {
		.nfgen_family = bridge ? NFPROTO_BRIDGE : NFPROTO_INET,
		.version = NFNETLINK_V0,
	};

	return netlink_message(
		NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_DUMP, &info, sizeof(info));
}

/* Those of rules have no names to be found by: "__map0". */
static int note_set(void *argument, struct nlmsghdr *header, struct error *err)
{
	struct nlattr *parts[NFTA_SET_MAX + 1];

	if (nlmsg_parse(header, sizeof(struct nfgenmsg), parts, NFTA_SET_MAX, NULL) < 0 ||
		!parts[NFTA_SET_NAME])
		return fail(err, "the kernel's description of a set is malformed");
	if (!str_after(nla_get_string(parts[NFTA_SET_NAME]), "__"))
		strings_add(argument, nla_get_string(parts[NFTA_SET_NAME]));
	return 0;
}

static int list_sets(
	struct netlink *netlink, bool bridge, struct strings *ret, struct error *err)
{
	struct nl_msg *message = dump_message(NFT_MSG_GETSET, bridge);

	netlink_put_text(message, NFTA_SET_TABLE, FIREWALL_TABLE);
	return netlink_ask(netlink, message,
		(struct netlink_answers){ .each = note_set,
			.argument = ret,
			.what = "listing the firewall's sets" },
		err);
}

struct element_list {
	const char *set;
	bool bridge;
	struct elements *ret;
};

/* Key or data; false: no value, or one that is none of ours. */
static bool read_value(struct nlattr *nest, struct element_field *ret)
{
	struct nlattr *parts[NFTA_DATA_MAX + 1];
	struct nlattr *value;

	if (!nest || nla_parse_nested(parts, NFTA_DATA_MAX, nest, NULL) < 0)
		return false;
	value = parts[NFTA_DATA_VALUE];
	if (!value || (size_t)nla_len(value) > sizeof(ret->bytes))
		return false;
	ret->type = ELEMENT_BYTES;
	ret->length = (unsigned char)nla_len(value);
	memcpy(ret->bytes, nla_data(value), ret->length);
	return true;
}

static int note_elements(void *argument, struct nlmsghdr *header, struct error *err)
{
	const struct element_list *list = argument;
	struct nlattr *parts[NFTA_SET_ELEM_LIST_MAX + 1];
	struct nlattr *one;
	int rest;

	if (nlmsg_parse(header, sizeof(struct nfgenmsg), parts, NFTA_SET_ELEM_LIST_MAX,
		    NULL) < 0)
		return fail(err, "the kernel's description of a set is malformed");
	if (!parts[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	nla_for_each_nested(one, parts[NFTA_SET_ELEM_LIST_ELEMENTS], rest)
	{
		struct nlattr *fields[NFTA_SET_ELEM_MAX + 1];
		struct element element = { .bridge = list->bridge, .key_count = 1 };
		struct element *added;

		if (nla_parse_nested(fields, NFTA_SET_ELEM_MAX, one, NULL) < 0 ||
			!read_value(fields[NFTA_SET_ELEM_KEY], element.key))
			continue;
		element.data_count =
			read_value(fields[NFTA_SET_ELEM_DATA], element.data) ? 1 : 0;
		added = elements_add(list->ret, list->set);
		memcpy(element.set, added->set, sizeof(element.set));
		*added = element;
	}
	return 0;
}

int netlink_list_elements(
	struct netlink *netlink, bool bridge, struct elements *ret, struct error *err)
{
	auto_strings sets = { 0 };

	if (list_sets(netlink, bridge, &sets, err) < 0)
		return err->errnum == ENOENT || err->errnum == EINVAL ? 0 : -1;
	strings_each (set, &sets) {
		struct element_list list = { .set = *set, .bridge = bridge, .ret = ret };
		struct nl_msg *message = dump_message(NFT_MSG_GETSETELEM, bridge);

		netlink_put_text(message, NFTA_SET_ELEM_LIST_TABLE, FIREWALL_TABLE);
		netlink_put_text(message, NFTA_SET_ELEM_LIST_SET, *set);
		if (netlink_ask(netlink, message,
			    (struct netlink_answers){ .each = note_elements,
				    .argument = &list,
				    .what = "listing the firewall's elements" },
			    err) < 0)
			return -1;
	}
	return 0;
}
