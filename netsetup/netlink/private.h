/* What the files of this sub-room share: the socket and its queue. */
#pragma once

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/str.h"
#include "netsetup/netlink/netlink.h"

struct netlink_request {
	char what[160]; /* "adding 10.0.0.1/24 to mocker0" */
	uint32_t sequence;
	int tolerated; /* an errno that is no failure; 0: none */
};

struct netlink {
	struct nl_sock *socket;
	struct str batch;
	struct netlink_request *requests;
	size_t count;
	uint32_t sequence;
	int tolerate; /* of the next request */
};

/* NETLINK_ROUTE, NETLINK_NETFILTER. */
int netlink_open_protocol(
	int protocol, struct netlink **ret, struct error *err) must_check;

/* A message of this type; what is put into it always fits: names are bounded. */
struct nl_msg *netlink_message(int type, int flags, const void *header, size_t length);
void netlink_put(struct nl_msg *message, int type, const void *data, size_t length);
void netlink_put_u32(struct nl_msg *message, int type, uint32_t value);
void netlink_put_text(struct nl_msg *message, int type, const char *text);
struct nlattr *netlink_nest(struct nl_msg *message, int type);

/* Takes the message; the words say what it does. */
void netlink_queue(struct netlink *netlink, struct nl_msg *message, const char *what, ...)
	printf_like(3, 4);

/* Takes the message, gives it the next sequence number and appends it to what is sent next,
 * without a request that waits for its answer. */
void netlink_batch(struct netlink *netlink, struct nl_msg *message);

int netlink_send(struct netlink *netlink, const void *data, size_t length,
	struct error *err) must_check;
/* One datagram. */
ssize_t netlink_receive(struct netlink *netlink, char *buffer, size_t size, int flags,
	struct error *err) must_check;
/* What an answer says that is an error. */
int netlink_fail_answer(
	const char *what, struct nlmsghdr *header, struct error *err) must_check;

/* Sends one message (taken) and gives each answer to the function. */
struct netlink_answers {
	int (*each)(void *argument, struct nlmsghdr *header, struct error *err);
	void *argument;
	const char *what;
};
int netlink_ask(struct netlink *netlink, struct nl_msg *message,
	struct netlink_answers answers, struct error *err) must_check;
