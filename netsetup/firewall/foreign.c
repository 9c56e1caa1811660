/* Reads rules as `nft list chain` prints them, a line a rule. */
#include "netsetup/firewall/foreign.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/firewall/firewall_nft.h"

#define JUMPS_MAX 16 /* the kernel's own limit */

enum verdict {
	VERDICT_NONE,
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_RETURN,
	VERDICT_JUMP,
	VERDICT_GOTO,
};

struct rule {
	enum foreign_answer matches;
	enum verdict verdict;
	const char *target; /* of a jump; borrowed */
	bool decides;       /* by something that is not understood */
};

void foreign_opinion_free(struct foreign_opinion *opinion)
{
	free(opinion->rule);
	strings_free(&opinion->doubts);
}

/* ---- words --------------------------------------------------------------------------- */

/* What is in quotes or braces is one word. */
static size_t word_length(const char *text)
{
	size_t length;

	if (*text == '"') {
		length = strcspn(text + 1, "\"") + 1;
		return length + (text[length] == '"');
	}
	if (*text == '{') {
		length = strcspn(text, "}");
		return length + (text[length] == '}');
	}
	return strcspn(text, " \t");
}

static void split_words(const char *text, struct strings *ret)
{
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t length = word_length(text);

		strings_add_take(ret, str_dup_n(text, length));
		text += length;
	}
}

/* ---- one value ------------------------------------------------------------------------ */

static enum foreign_answer yes_or_no(bool yes)
{
	return yes ? FOREIGN_YES : FOREIGN_NO;
}

/* "mocker*" begins so. */
static enum foreign_answer compare_name(const char *name, const char *value)
{
	size_t length = strlen(value);
	bool quoted = length >= 2 && value[0] == '"';
	auto_free char *wanted =
		quoted ? str_dup_n(value + 1, length - 2) : str_dup(value);

	if (!name)
		return FOREIGN_NO;
	if (str_ends_with(wanted, "*")) {
		wanted[strlen(wanted) - 1] = '\0';
		return yes_or_no(str_after(name, wanted));
	}
	return yes_or_no(str_equal(name, wanted));
}

static enum foreign_answer compare_address(
	const struct address *address, int family, const char *value)
{
	const char *dash = strchr(value, '-');
	auto_free char *head = dash ? str_dup_n(value, (size_t)(dash - value)) : NULL;
	struct address first;
	struct address last;
	struct error ignored;

	if (address->family != family)
		return FOREIGN_NO;
	if (strchr(value, '/'))
		return address_parse_prefix(value, "rule", &first, &ignored) < 0
			       ? FOREIGN_UNKNOWN
			       : yes_or_no(address_contains(&first, address));
	if (address_parse(dash ? head : value, "rule", &first, &ignored) < 0 ||
		address_parse(dash ? dash + 1 : value, "rule", &last, &ignored) < 0)
		return FOREIGN_UNKNOWN;
	return yes_or_no(address_compare(address, &first) >= 0 &&
			 address_compare(address, &last) <= 0);
}

static enum foreign_answer compare_port(uint32_t port, const char *value)
{
	const char *dash = strchr(value, '-');
	auto_free char *head = dash ? str_dup_n(value, (size_t)(dash - value)) : NULL;
	struct error ignored;
	uint32_t first;
	uint32_t last;

	if (!port || str_to_u32(dash ? head : value, "port", &first, &ignored) < 0 ||
		str_to_u32(dash ? dash + 1 : value, "port", &last, &ignored) < 0)
		return FOREIGN_UNKNOWN;
	return yes_or_no(port >= first && port <= last);
}

static enum foreign_answer compare_protocol(int protocol, const char *value)
{
	static const struct word words[] = {
		{ "tcp", IPPROTO_TCP },
		{ "udp", IPPROTO_UDP },
		{ "sctp", IPPROTO_SCTP },
		{ "icmp", IPPROTO_ICMP },
		{ "icmpv6", IPPROTO_ICMPV6 },
		{ NULL, 0 },
	};
	int64_t wanted;

	if (!protocol || !word_to_number(words, value, &wanted))
		return FOREIGN_UNKNOWN;
	return yes_or_no(protocol == wanted);
}

/* ---- matches -------------------------------------------------------------------------- */

enum subject {
	SUBJECT_IN,
	SUBJECT_OUT,
	SUBJECT_SOURCE4,
	SUBJECT_DESTINATION4,
	SUBJECT_SOURCE6,
	SUBJECT_DESTINATION6,
	SUBJECT_TCP_PORT,
	SUBJECT_UDP_PORT,
	SUBJECT_PORT,
	SUBJECT_PROTOCOL,
	SUBJECT_STATE,
	SUBJECT_STATUS,
};

static const struct {
	const char *first;
	const char *second; /* NULL: one word */
	enum subject subject;
} matches[] = {
	{ "iifname", NULL, SUBJECT_IN },
	{ "iif", NULL, SUBJECT_IN },
	{ "oifname", NULL, SUBJECT_OUT },
	{ "oif", NULL, SUBJECT_OUT },
	{ "ip", "saddr", SUBJECT_SOURCE4 },
	{ "ip", "daddr", SUBJECT_DESTINATION4 },
	{ "ip6", "saddr", SUBJECT_SOURCE6 },
	{ "ip6", "daddr", SUBJECT_DESTINATION6 },
	{ "tcp", "dport", SUBJECT_TCP_PORT },
	{ "udp", "dport", SUBJECT_UDP_PORT },
	{ "th", "dport", SUBJECT_PORT },
	{ "meta", "l4proto", SUBJECT_PROTOCOL },
	{ "ip", "protocol", SUBJECT_PROTOCOL },
	{ "ip6", "nexthdr", SUBJECT_PROTOCOL },
	{ "ct", "state", SUBJECT_STATE },
	{ "ct", "status", SUBJECT_STATUS },
};

static enum foreign_answer compare_port_of(
	const struct foreign_packet *packet, int protocol, const char *value)
{
	if (packet->protocol && packet->protocol != protocol)
		return FOREIGN_NO;
	return compare_port(packet->protocol ? packet->port : 0, value);
}

static enum foreign_answer compare(
	const struct foreign_packet *packet, enum subject subject, const char *value)
{
	switch (subject) {
	case SUBJECT_IN:
		return compare_name(packet->in, value);
	case SUBJECT_OUT:
		return compare_name(packet->out, value);
	case SUBJECT_SOURCE4:
		return compare_address(&packet->source, AF_INET, value);
	case SUBJECT_DESTINATION4:
		return compare_address(&packet->destination, AF_INET, value);
	case SUBJECT_SOURCE6:
		return compare_address(&packet->source, AF_INET6, value);
	case SUBJECT_DESTINATION6:
		return compare_address(&packet->destination, AF_INET6, value);
	case SUBJECT_TCP_PORT:
		return compare_port_of(packet, IPPROTO_TCP, value);
	case SUBJECT_UDP_PORT:
		return compare_port_of(packet, IPPROTO_UDP, value);
	case SUBJECT_PORT:
		return compare_port(packet->port, value);
	case SUBJECT_PROTOCOL:
		return compare_protocol(packet->protocol, value);
	case SUBJECT_STATE:
		return yes_or_no(str_equal(value, "new"));
	case SUBJECT_STATUS:
		return str_equal(value, "dnat") ? yes_or_no(packet->translated)
						: FOREIGN_UNKNOWN;
	}
	return FOREIGN_UNKNOWN;
}

/* "{ 80, 443 }" and "established,related": one of them is enough. */
static enum foreign_answer compare_any(
	const struct foreign_packet *packet, enum subject subject, const char *operand)
{
	enum foreign_answer answer = FOREIGN_NO;
	auto_strings values = { 0 };
	auto_free char *text = str_dup(operand);

	if (operand[0] == '@')
		return FOREIGN_UNKNOWN;
	for (char *c = text; *c; c++)
		*c = strchr("{},", *c) ? ' ' : *c;
	split_words(text, &values);
	strings_each (value, &values)
		answer = MAX(answer, compare(packet, subject, *value));
	return answer;
}

/* The number of words of the match that begins here; 0: none does. */
static size_t read_match(const struct foreign_packet *packet, char **words, size_t count,
	struct rule *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		size_t length = matches[i].second ? 2 : 1;
		enum foreign_answer answer;
		bool negated;

		if (!str_equal(words[0], matches[i].first) || count < length + 1 ||
			(matches[i].second && !str_equal(words[1], matches[i].second)))
			continue;
		negated = str_equal(words[length], "!=");
		length += negated ? 2 : 1;
		if (count < length)
			return 0;
		answer = compare_any(packet, matches[i].subject, words[length - 1]);
		if (negated)
			answer = FOREIGN_YES - answer;
		rule->matches = MIN(rule->matches, answer);
		return length;
	}
	return 0;
}

/* ---- rules ---------------------------------------------------------------------------- */

static const struct word verdicts[] = {
	{ "accept", VERDICT_ACCEPT },
	{ "drop", VERDICT_DROP },
	{ "reject", VERDICT_DROP },
	{ "return", VERDICT_RETURN },
	{ "jump", VERDICT_JUMP },
	{ "goto", VERDICT_GOTO },
	{ NULL, 0 },
};

/* Statements that decide nothing, with so many words after them. */
static const struct word harmless[] = {
	{ "counter", 0 },
	{ "packets", 1 },
	{ "bytes", 1 },
	{ "log", 0 },
	{ "prefix", 1 },
	{ "level", 1 },
	{ "comment", 1 },
	{ NULL, 0 },
};

static const struct word deciding[] = {
	{ "vmap", 0 },
	{ "queue", 0 },
	{ "dnat", 0 },
	{ "redirect", 0 },
	{ "tproxy", 0 },
	{ NULL, 0 },
};

static struct rule read_rule(
	const struct foreign_packet *packet, const struct strings *words)
{
	struct rule rule = { .matches = FOREIGN_YES };
	int64_t number;

	for (size_t i = 0; i < words->count;) {
		size_t matched =
			read_match(packet, words->items + i, words->count - i, &rule);
		const char *word = words->items[i];

		if (matched) {
			i += matched;
		} else if (word_to_number(verdicts, word, &number)) {
			rule.verdict = (enum verdict)number;
			rule.target = i + 1 < words->count ? words->items[i + 1] : "";
			break;
		} else if (word_to_number(harmless, word, &number)) {
			i += 1 + (size_t)number;
		} else {
			rule.matches = MIN(rule.matches, FOREIGN_UNKNOWN);
			rule.decides =
				rule.decides || word_to_number(deciding, word, &number);
			i++;
		}
	}
	return rule;
}

enum foreign_answer foreign_match(
	const struct strings *conditions, const struct foreign_packet *packet)
{
	auto_strings words = { 0 };

	strings_each (match, conditions)
		split_words(*match, &words);
	return read_rule(packet, &words).matches;
}

/* ---- chains --------------------------------------------------------------------------- */

struct walk {
	struct firewall *firewall;
	const char *table; /* "inet admin" */
	const struct foreign_packet *packet;
	struct foreign_opinion *opinion;
};

static int walk_chain(struct walk *walk, const char *name, unsigned depth,
	bool *ret_ended, struct error *err);

/* 1: the chain ends here. */
static int apply(struct walk *walk, const struct rule *rule, const char *text,
	unsigned depth, bool *ret_ended, struct error *err)
{
	if (rule->matches == FOREIGN_UNKNOWN &&
		(rule->verdict != VERDICT_NONE || rule->decides))
		strings_add(&walk->opinion->doubts, text);
	if (rule->matches != FOREIGN_YES)
		return 0;
	switch (rule->verdict) {
	case VERDICT_NONE:
		return 0;
	case VERDICT_RETURN:
		return 1;
	case VERDICT_ACCEPT:
	case VERDICT_DROP:
		walk->opinion->dropped = rule->verdict == VERDICT_DROP;
		walk->opinion->rule = str_dup(text);
		*ret_ended = true;
		return 1;
	case VERDICT_JUMP:
	case VERDICT_GOTO:
		if (walk_chain(walk, rule->target, depth + 1, ret_ended, err) < 0)
			return -1;
		return *ret_ended || rule->verdict == VERDICT_GOTO;
	}
	return 0;
}

static bool is_rule(const char *text)
{
	static const char *const others[] = { "table ", "chain ", "type ", "policy ", "}",
		"#" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (str_after(text, others[i]))
			return false;
	return text[0] != '\0';
}

static int walk_chain(struct walk *walk, const char *name, unsigned depth,
	bool *ret_ended, struct error *err)
{
	auto_free char *command = str_format("list chain %s %s", walk->table, name);
	auto_str listing = { 0 };
	auto_strings lines = { 0 };

	if (depth > JUMPS_MAX)
		return 0;
	if (nft_ask(walk->firewall, command, &listing, err) < 0)
		return -1;
	strings_split(&lines, listing.data ? listing.data : "", '\n');
	strings_each (line, &lines) {
		const char *text = *line + strspn(*line, " \t");
		auto_strings words = { 0 };
		struct rule rule;
		int ends;

		if (!is_rule(text))
			continue;
		split_words(text, &words);
		rule = read_rule(walk->packet, &words);
		ends = apply(walk, &rule, text, depth, ret_ended, err);
		if (ends != 0)
			return ends < 0 ? -1 : 0;
	}
	return 0;
}

int foreign_judge(struct firewall *firewall, const struct firewall_chain *chain,
	const struct foreign_packet *packet, struct foreign_opinion *ret,
	struct error *err)
{
	struct walk walk = { firewall, chain->table, packet, ret };
	bool ended = false;

	if (walk_chain(&walk, chain->name, 0, &ended, err) < 0)
		return -1;
	if (!ended)
		ret->dropped = chain->drops;
	return 0;
}
