/*
 * Rules of others, as far as they are understood: what a chain of theirs would do to one
 * packet. Matches by interface, address, port, protocol and state of the connection are
 * evaluated, jumps are followed; of every other rule that could decide it is said that it
 * may be met.
 */
#pragma once

#include "netsetup/addresses/address.h"
#include "netsetup/firewall/firewall.h"

/* A packet that begins a connection. */
struct foreign_packet {
	const char *in; /* NULL: there is none at this hook */
	const char *out;
	struct address source;
	struct address destination;
	int protocol; /* IPPROTO_…; 0: any */
	uint32_t port;
	bool translated; /* its destination was another */
};

/* Whether it meets all of these matches of nft's. */
enum foreign_answer {
	FOREIGN_NO,
	FOREIGN_UNKNOWN,
	FOREIGN_YES,
};
enum foreign_answer foreign_match(
	const struct strings *conditions, const struct foreign_packet *packet);

struct foreign_opinion {
	bool dropped;
	char *rule;            /* that decided; NULL: the chain's policy */
	struct strings doubts; /* rules before that which were not understood */
};
#define auto_opinion __attribute__((cleanup(foreign_opinion_free))) struct foreign_opinion
void foreign_opinion_free(struct foreign_opinion *opinion);

int foreign_judge(struct firewall *firewall, const struct firewall_chain *chain,
	const struct foreign_packet *packet, struct foreign_opinion *ret,
	struct error *err) must_check;
