/*
 * The socket: a queue of requests that goes out as one datagram, answers matched to
 * requests by sequence number.
 */
#include "netsetup/netlink/netlink.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"
#include "netsetup/netns.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static void set_option(struct netlink *netlink, int option)
{
	int on = 1;

	/* Comfort only: words of the kernel, filtered dumps. Older ones have none. */
	(void)setsockopt(
		nl_socket_get_fd(netlink->socket), SOL_NETLINK, option, &on, sizeof(on));
}

int netlink_open_protocol(int protocol, struct netlink **ret, struct error *err)
{
	auto_netlink netlink = str_alloc(sizeof(*netlink));
	int result;

	netlink->socket = nl_socket_alloc();
	if (!netlink->socket)
		str_out_of_memory();
	result = nl_connect(netlink->socket, protocol);
	if (result < 0)
		return fail(err, "opening a netlink socket: %s", nl_geterror(result));
	set_option(netlink, NETLINK_EXT_ACK);
	set_option(netlink, NETLINK_CAP_ACK);
	set_option(netlink, NETLINK_GET_STRICT_CHK);
	*ret = take_ptr(&netlink);
	return 0;
}

int netlink_open(struct netlink **ret, struct error *err)
{
	return netlink_open_protocol(NETLINK_ROUTE, ret, err);
}

static int open_here(void *argument, struct error *err)
{
	return netlink_open(argument, err);
}

int netlink_open_in(int netns_fd, struct netlink **ret, struct error *err)
{
	return netns_visit(netns_fd, open_here, ret, err);
}

int netlink_open_at(const char *netns, struct netlink **ret, struct error *err)
{
	auto_fd fd = -1;

	if (netns_open(netns, &fd, err) < 0)
		return -1;
	return netlink_open_in(fd, ret, err);
}

void netlink_close(struct netlink *const *netlink)
{
	int saved = errno;

	if (*netlink) {
		nl_socket_free((*netlink)->socket);
		str_free(&(*netlink)->batch);
		free((*netlink)->requests);
		free(*netlink);
	}
	errno = saved;
}

/* ---- messages ------------------------------------------------------------------------ */

static void *need(void *pointer)
{
	if (!pointer)
		str_out_of_memory();
	return pointer;
}

struct nl_msg *netlink_message(int type, int flags, const void *header, size_t length)
{
	struct nl_msg *message = need(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));

	if (nlmsg_append(message, (void *)(uintptr_t)header, length, NLMSG_ALIGNTO) < 0)
		str_out_of_memory();
	return message;
}

void netlink_put(struct nl_msg *message, int type, const void *data, size_t length)
{
	if (nla_put(message, type, (int)length, data) < 0)
		str_out_of_memory();
}

void netlink_put_u32(struct nl_msg *message, int type, uint32_t value)
{
	netlink_put(message, type, &value, sizeof(value));
}

void netlink_put_text(struct nl_msg *message, int type, const char *text)
{
	netlink_put(message, type, text, strlen(text) + 1);
}

struct nlattr *netlink_nest(struct nl_msg *message, int type)
{
	return need(nla_nest_start(message, type | NLA_F_NESTED));
}

/* ---- the queue ----------------------------------------------------------------------- */

void netlink_tolerate(struct netlink *netlink, int errnum)
{
	netlink->tolerate = errnum;
}

void netlink_batch(struct netlink *netlink, struct nl_msg *message)
{
	static const char padding[NLMSG_ALIGNTO];
	struct nlmsghdr *header = nlmsg_hdr(message);

	header->nlmsg_seq = ++netlink->sequence;
	str_append_n(&netlink->batch, (const char *)header, header->nlmsg_len);
	str_append_n(&netlink->batch, padding,
		NLMSG_ALIGN(header->nlmsg_len) - header->nlmsg_len);
	nlmsg_free(message);
}

void netlink_queue(struct netlink *netlink, struct nl_msg *message, const char *what, ...)
{
	struct netlink_request *request;
	va_list arguments;

	netlink->requests = str_realloc(
		netlink->requests, netlink->count + 1, sizeof(*netlink->requests));
	request = &netlink->requests[netlink->count++];
	request->sequence = netlink->sequence + 1;
	request->tolerated = netlink->tolerate;
	netlink->tolerate = 0;
	va_start(arguments, what);
	vsnprintf(request->what, sizeof(request->what), what, arguments);
	va_end(arguments);

	nlmsg_hdr(message)->nlmsg_flags |= NLM_F_ACK;
	netlink_batch(netlink, message);
}

/* The kernel's own words, from the attributes after the acknowledgement. */
static const char *extended_words(struct nlmsghdr *header)
{
	struct nlmsgerr *error = nlmsg_data(header);
	size_t offset = sizeof(*error);
	struct nlattr *attribute;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		offset += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	if (offset > (size_t)nlmsg_datalen(header))
		return NULL;
	attribute = nla_find((struct nlattr *)((char *)error + offset),
		nlmsg_datalen(header) - (int)offset, NLMSGERR_ATTR_MSG);
	return attribute ? nla_get_string(attribute) : NULL;
}

int netlink_fail_answer(const char *what, struct nlmsghdr *header, struct error *err)
{
	const struct nlmsgerr *error = nlmsg_data(header);
	const char *words = extended_words(header);

	errno = -error->error;
	if (words)
		return fail_code(err, errno, "%s: %s: %s", what, strerror(errno), words);
	return fail_errno(err, "%s", what);
}

/* One datagram of answers. */
ssize_t netlink_receive(
	struct netlink *netlink, char *buffer, size_t size, int flags, struct error *err)
{
	ssize_t got;

	do
		got = recv(nl_socket_get_fd(netlink->socket), buffer, size,
			MSG_TRUNC | flags);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return fail_errno(err, "reading the kernel's netlink answer");
	if ((size_t)got > size)
		return fail(err, "a netlink answer of %zd bytes is too long", got);
	return got;
}

int netlink_send(
	struct netlink *netlink, const void *data, size_t length, struct error *err)
{
	ssize_t sent;

	do
		sent = send(nl_socket_get_fd(netlink->socket), data, length, 0);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return fail_errno(err, "sending to the kernel by netlink");
	return 0;
}

/* 1: this was the answer to a request of the queue. */
static int take_answer(
	struct netlink *netlink, struct nlmsghdr *header, int *result, struct error *err)
{
	const struct nlmsgerr *error = nlmsg_data(header);

	if (header->nlmsg_type != NLMSG_ERROR)
		return 0;
	for (size_t i = 0; i < netlink->count; i++) {
		const struct netlink_request *request = &netlink->requests[i];

		if (request->sequence != header->nlmsg_seq)
			continue;
		if (error->error && -error->error != request->tolerated && *result == 0)
			*result = netlink_fail_answer(request->what, header, err);
		return 1;
	}
	return 0;
}

int netlink_commit(struct netlink *netlink, struct error *err)
{
	char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t answered = 0;
	int result = 0;

	if (netlink->count > 0 && netlink_send(netlink, netlink->batch.data,
					  netlink->batch.length, err) < 0)
		return -1;
	while (answered < netlink->count) {
		ssize_t got = netlink_receive(netlink, buffer, sizeof(buffer), 0, err);
		struct nlmsghdr *header = (struct nlmsghdr *)(void *)buffer;
		int rest = (int)got;

		if (got < 0)
			return -1;
		for (; nlmsg_ok(header, rest); header = nlmsg_next(header, &rest))
			answered += (size_t)take_answer(netlink, header, &result, err);
	}
	netlink->count = 0;
	netlink->batch.length = 0;
	return result;
}

/* ---- questions ----------------------------------------------------------------------- */

/* 1: that was the last of them. */
static int take_message(
	const struct netlink_answers *answers, struct nlmsghdr *header, struct error *err)
{
	const struct nlmsgerr *error = nlmsg_data(header);

	switch (header->nlmsg_type) {
	case NLMSG_DONE:
		return 1;
	case NLMSG_ERROR:
		if (error->error)
			return netlink_fail_answer(answers->what, header, err);
		return 1;
	default:
		return answers->each(answers->argument, header, err);
	}
}

int netlink_ask(struct netlink *netlink, struct nl_msg *message,
	struct netlink_answers answers, struct error *err)
{
	/* Not zeroed: that would touch all of it. */
	auto_free char *buffer = str_realloc(NULL, 65536, 1);
	struct nlmsghdr *header = nlmsg_hdr(message);
	uint32_t sequence = ++netlink->sequence;
	int result;

	header->nlmsg_flags |= NLM_F_ACK;
	header->nlmsg_seq = sequence;
	result = netlink_send(netlink, header, header->nlmsg_len, err);
	nlmsg_free(message);
	if (result < 0)
		return -1;
	/* A failure of ours still reads to the end: the socket is used again. */
	for (bool ended = false; !ended;) {
		ssize_t got = netlink_receive(netlink, buffer, 65536, 0, err);
		int rest = (int)got;

		if (got < 0)
			return -1;
		header = (struct nlmsghdr *)(void *)buffer;
		for (; nlmsg_ok(header, rest); header = nlmsg_next(header, &rest)) {
			if (header->nlmsg_seq != sequence)
				continue;
			ended = ended || header->nlmsg_type == NLMSG_DONE ||
				header->nlmsg_type == NLMSG_ERROR;
			if (result == 0 && take_message(&answers, header, err) < 0)
				result = -1;
		}
	}
	return result;
}
