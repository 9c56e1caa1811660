/* One table knows each match in both languages; its values are checked and written anew, so
 * that nothing of the configuration's text reaches nft unread. */
#include "netsetup/firewall/conditions.h"

#include <errno.h>
#include <string.h>

#include "netsetup/addresses/address.h"
#include "netsetup/netlink/netlink.h"

/* What a list is read with. */
struct reading {
	const char *key;
	bool inet6;
	struct strings *to;
};

/* ---- values -------------------------------------------------------------------------- */

static int write_address(const struct reading *reading, const char *text, struct str *to,
	struct error *err)
{
	struct address address;
	int result = strchr(text, '/')
			     ? address_parse_prefix(text, reading->key, &address, err)
			     : address_parse(text, reading->key, &address, err);

	if (result < 0)
		return -1;
	if ((address.family == AF_INET6) != reading->inet6)
		return fail_code(
			err, EINVAL, "%s: %s is of the other family", reading->key, text);
	address = address_subnet(&address);
	str_append(to, address_text_prefix(&address).text);
	return 0;
}

/* A "+" of iptables at the end is nft's "*", for every interface that begins so. */
static int write_interface(const struct reading *reading, const char *text,
	struct str *to, struct error *err)
{
	size_t length = strlen(text);
	bool begins = length > 1 && strchr("+*", text[length - 1]);
	auto_free char *name = str_dup_n(text, begins ? length - 1 : length);

	if (netlink_check_name(name, reading->key, err) < 0)
		return -1;
	str_appendf(to, "\"%s%s\"", name, begins ? "*" : "");
	return 0;
}

static int write_port(const struct reading *reading, const char *text, struct str *to,
	struct error *err)
{
	uint32_t port;

	if (str_to_u32(text, "port", &port, err) < 0)
		return fail_while(err, "%s", reading->key);
	if (port > 65535)
		return fail_code(
			err, EINVAL, "%s: port %s is above 65535", reading->key, text);
	str_appendf(to, "%u", port);
	return 0;
}

/* "80", "80:90", ":90", "80:"; nft has a dash there. */
static int write_ports(const struct reading *reading, const char *text, struct str *to,
	struct error *err)
{
	size_t first = strcspn(text, ":-");
	auto_free char *before = str_dup_n(text, first);
	const char *after = text[first] ? text + first + 1 : NULL;

	if (!after)
		return write_port(reading, text, to, err);
	if (write_port(reading, *before ? before : "0", to, err) < 0)
		return -1;
	str_append(to, "-");
	return write_port(reading, *after ? after : "65535", to, err);
}

static const struct word address_kinds[] = {
	{ "unicast", 0 },
	{ "local", 0 },
	{ "broadcast", 0 },
	{ "anycast", 0 },
	{ "multicast", 0 },
	{ "blackhole", 0 },
	{ "unreachable", 0 },
	{ "prohibit", 0 },
	{ NULL, 0 },
};

static int write_kind(const struct reading *reading, const char *text, struct str *to,
	struct error *err)
{
	auto_free char *lower = str_dup(text);
	int64_t unused;

	for (char *c = lower; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	if (word_to_number(address_kinds, lower, &unused)) {
		str_append(to, lower);
		return 0;
	}
	(void)word_fail(address_kinds, "the type of an address", text, err);
	err->errnum = EINVAL;
	return fail_while(err, "%s", reading->key);
}

/* Decimal or with 0x. */
static int read_mark(
	const struct reading *reading, const char *text, uint32_t *ret, struct error *err)
{
	bool hex = str_after(text, "0x");
	const char *digits = hex ? text + 2 : text;
	uint64_t value = 0;

	for (const char *c = digits; *c && value <= UINT32_MAX; c++) {
		const char *all = "0123456789abcdef";
		const char *at = strchr(all, *c >= 'A' && *c <= 'F' ? *c + 32 : *c);

		value = at && at - all < (hex ? 16 : 10)
				? value * (hex ? 16 : 10) + (uint64_t)(at - all)
				: UINT64_MAX;
	}
	if (!*digits || value > UINT32_MAX)
		return fail_code(err, EINVAL,
			"%s: expected a mark of 32 bits, found \"%.32s\"", reading->key,
			text);
	*ret = (uint32_t)value;
	return 0;
}

static int write_mark(const struct reading *reading, const char *text, struct str *to,
	struct error *err)
{
	uint32_t mark;

	if (read_mark(reading, text, &mark, err) < 0)
		return -1;
	str_appendf(to, "0x%x", mark);
	return 0;
}

/* ---- matches ------------------------------------------------------------------------- */

struct match {
	const char *options[3];
	const char *left[2]; /* nft's, by family; NULL: this has no meaning */
	int (*write)(const struct reading *reading, const char *text, struct str *to,
		struct error *err);
	bool list; /* several values, with commas between them */
};

/* clang-format off */
static const struct match matches[] = {
	{ { "-s", "--source", "--src" }, { "ip saddr", "ip6 saddr" }, write_address, true },
	{ { "-d", "--destination", "--dst" }, { "ip daddr", "ip6 daddr" }, write_address, true },
	{ { "-i", "--in-interface" }, { "iifname", "iifname" }, write_interface },
	{ { "-o", "--out-interface" }, { "oifname", "oifname" }, write_interface },
	{ { "--sport", "--source-port" }, { "th sport", "th sport" }, write_ports },
	{ { "--dport", "--destination-port" }, { "th dport", "th dport" }, write_ports },
	{ { "--sports", "--source-ports" }, { "th sport", "th sport" }, write_ports, true },
	{ { "--dports", "--destination-ports" }, { "th dport", "th dport" }, write_ports, true },
	{ { "--src-type" }, { "fib saddr type", "fib saddr type" }, write_kind, true },
	{ { "--dst-type" }, { "fib daddr type", "fib daddr type" }, write_kind, true },
	{ { "--mark" }, { "meta mark", "meta mark" }, write_mark },
	{ { "--comment" } },
};
/* clang-format on */

/* Whose options are in the table; -m NAME itself matches nothing. */
static const char *const extensions[] = { "addrtype", "comment", "mark", "multiport",
	"sctp", "tcp", "udp" };

static bool has_extension(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
		if (str_equal(extensions[i], name))
			return true;
	return false;
}

static int write_values(const struct reading *reading, const struct match *match,
	const char *text, struct str *to, struct error *err)
{
	auto_strings values = { 0 };

	if (!match->list || !strchr(text, ','))
		return match->write(reading, text, to, err);
	strings_split(&values, text, ',');
	str_append(to, "{ ");
	strings_each (value, &values) {
		if (value != values.items)
			str_append(to, ", ");
		if (match->write(reading, *value, to, err) < 0)
			return -1;
	}
	str_append(to, " }");
	return 0;
}

/* MARK/MASK: which bits are looked at stands on nft's left side. */
static int add_masked_mark(
	const struct reading *reading, const char *value, bool negated, struct error *err)
{
	const char *slash = strchr(value, '/');
	auto_free char *mark_text = str_dup_n(value, (size_t)(slash - value));
	uint32_t mark;
	uint32_t mask;

	if (read_mark(reading, mark_text, &mark, err) < 0 ||
		read_mark(reading, slash + 1, &mask, err) < 0)
		return -1;
	strings_addf(reading->to, "meta mark & 0x%x %s 0x%x", mask,
		negated ? "!=" : "==", mark);
	return 0;
}

static int add_match(const struct reading *reading, const struct match *match,
	const char *value, bool negated, struct error *err)
{
	auto_str text = { 0 };

	if (!match->write)
		return 0;
	if (match->write == write_mark && strchr(value, '/'))
		return add_masked_mark(reading, value, negated, err);
	str_appendf(&text, "%s %s", match->left[reading->inet6], negated ? "!= " : "");
	if (write_values(reading, match, value, &text, err) < 0)
		return -1;
	strings_add_take(reading->to, str_take(&text));
	return 0;
}

static int refuse(const struct reading *reading, const char *word, struct error *err)
{
	(void)fail_code(err, ENOTSUP,
		"%s: \"%.64s\" is not among the supported conditions", reading->key,
		word);
	if (str_equal(word, "-p") || str_equal(word, "--protocol"))
		return fail_hint(err, "the port mapping itself has a protocol");
	return fail_hint(err, "mocker-netsetup(8) lists them");
}

/* ---- iptables ------------------------------------------------------------------------ */

static const struct match *find_option(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++)
		for (size_t j = 0; j < ARRAY_SIZE(matches[i].options); j++)
			if (str_equal(matches[i].options[j], word))
				return &matches[i];
	return NULL;
}

/* Reads from words[at]; ret_next is behind the value. */
static int read_option(const struct reading *reading, const struct strings *words,
	size_t at, size_t *ret_next, struct error *err)
{
	bool negated = str_equal(words->items[at], "!");
	const char *word = at + negated < words->count ? words->items[at + negated] : "";
	const char *value;
	bool extension = str_equal(word, "-m") || str_equal(word, "--match");
	const struct match *match = find_option(word);

	at += negated;
	if (!match && !(extension && !negated))
		return refuse(reading, negated && !*word ? "!" : word, err);
	if (at + 1 >= words->count)
		return fail_code(
			err, EINVAL, "%s: nothing follows \"%s\"", reading->key, word);
	value = words->items[++at];
	*ret_next = at + 1;
	if (extension)
		return has_extension(value) ? 0 : refuse(reading, value, err);
	return add_match(reading, match, value, negated, err);
}

static int read_options(
	const struct reading *reading, const struct strings *words, struct error *err)
{
	for (size_t at = 0; at < words->count;)
		if (read_option(reading, words, at, &at, err) < 0)
			return -1;
	return 0;
}

/* ---- nft ----------------------------------------------------------------------------- */

/* What follows a word, without the blanks. */
static const char *after_word(const char *text, const char *word)
{
	const char *rest = str_after(text, word);

	return rest && *rest == ' ' ? rest + strspn(rest, " ") : NULL;
}

static const struct match *find_left(
	const struct reading *reading, const char *text, const char **ret_rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		const char *left = matches[i].left[reading->inet6];

		*ret_rest = left ? after_word(text, left) : NULL;
		if (*ret_rest)
			return &matches[i];
	}
	return NULL;
}

/* Without the quotation marks that names may stand in. */
static char *cut_value(const char *start, const char *end)
{
	bool quoted = end - start > 1 && *start == '"' && end[-1] == '"';

	return str_dup_n(start + quoted, (size_t)(end - start) - (quoted ? 2 : 0));
}

/* "ip saddr != 192.0.2.0/24 th sport 1024-65535": one value a match. */
static int read_nft(
	const struct reading *reading, const struct strings *words, struct error *err)
{
	auto_free char *joined = strings_join(words, " ");
	const char *text = joined + strspn(joined, " ");

	while (*text) {
		const char *rest;
		const struct match *match = find_left(reading, text, &rest);
		const char *other = match ? after_word(rest, "!=") : NULL;
		const char *same = match ? after_word(rest, "==") : NULL;
		auto_free char *value = NULL;

		if (!match)
			return refuse(reading, text, err);
		rest = other ? other : same ? same : rest;
		text = rest + strcspn(rest, " ");
		value = cut_value(rest, text);
		text += strspn(text, " ");
		if (add_match(reading, match, value, other, err) < 0)
			return -1;
	}
	return 0;
}

/* As the reference plugin tells the languages apart. */
int conditions_read(const struct strings *words, bool inet6, const char *key,
	struct strings *ret, struct error *err)
{
	const struct reading reading = { key, inet6, ret };
	const char *first = words->count ? words->items[0] : "";

	return *first == '-' || str_equal(first, "!") ? read_options(&reading, words, err)
						      : read_nft(&reading, words, err);
}
