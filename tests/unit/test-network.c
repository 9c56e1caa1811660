/* netsetup: addresses, networks, published ports: what is read and what is refused. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/path.h"
#include "netsetup/attachment.h"
#include "netsetup/firewall/publish.h"
#include "netsetup/netlink/netlink.h"
#include "netsetup/netns.h"
#include "tests/unit/test.h"

/* JSON structs own their strings; those of these tables are never freed. */
#define T(text) ((char *)(text))

static void subnets_are_checked(void)
{
	static const char *const cases[][2] = {
		{ "10.0.0.0/24", NULL },
		{ "fd00::/64", NULL },
		{ "10.0.0.0/30", NULL },
		{ "10.0.0.1/24",
			"10.0.0.1/24 has host bits set; the subnet is 10.0.0.0/24" },
		{ "10.0.0.0/31", "has no room for a gateway and a container" },
		{ "10.0.0.1/32", "has no room" },
		{ "0.0.0.0/0", "has no room" },
		{ "fd00::/127", "has no room" },
		{ "10.0.0.0", "expected an IP address with a prefix length" },
		{ "10.0.0.0/33", "the prefix length of 10.0.0.0/33 is over 32" },
		{ "10.0.0.0/-1", "prefix length" },
		{ "10.0.0/24", "expected an IP address" },
		{ "", "expected an IP address" },
		{ "010.0.0.0/8", "expected an IP address" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address address;
		struct error err;
		int result = address_parse_subnet(cases[i][0], "subnet", &address, &err);

		if (cases[i][1])
			CHECK_FAILS(result, &err, cases[i][1]);
		else
			CHECK_OK(result, &err);
	}
}

static void addresses_count(void)
{
	static const char *const cases[][2] = {
		{ "10.0.0.255", "10.0.1.0" },
		{ "10.255.255.255", "11.0.0.0" },
		{ "fd00::ffff", "fd00::1:0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address address;
		struct address next;
		struct address back;
		struct error err;

		CHECK_OK(address_parse(cases[i][0], "address", &address, &err), &err);
		next = address_next(&address);
		back = address_previous(&next);
		CHECK_STR(address_text(&next).text, cases[i][1]);
		CHECK_STR(address_text(&back).text, cases[i][0]);
	}
}

static void names_are_checked(void)
{
	static const char *const links[] = { "", ".", "..", "a/b", "a b", "a:b",
		"sixteen-bytes-xx", "a\tb" };
	static const char *const names[] = { "", ".", "..", "a/b", "../a", "-a", "a b",
		"a\n", ".a", "@ports" };
	static const char *const macs[] = { "", "02:00:00:00:00", "02:00:00:00:00:0g",
		"02-00-00-00-00-01", "01:00:00:00:00:01", "02:00:00:00:00:01:02" };
	struct netlink_mac mac;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		CHECK_FAILS(netlink_check_name(links[i], "interface", &err), &err,
			"cannot be a network interface's name");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_FAILS(places_check_name(names[i], "network", &err), &err,
			"cannot be the name of a network");
	for (size_t i = 0; i < ARRAY_SIZE(macs); i++)
		CHECK_FAILS(netlink_mac_parse(macs[i], &mac, &err), &err, "MAC address");
	CHECK_OK(netlink_check_name("fifteen-bytes-x", "interface", &err), &err);
	CHECK_OK(places_check_name("a.b_c-d+e9", "container", &err), &err);
	CHECK_OK(netlink_mac_parse("02:00:00:00:00:aB", &mac, &err), &err);
	CHECK_STR(netlink_mac_text(mac).text, "02:00:00:00:00:ab");
}

static void networks_are_checked(void)
{
	static const struct {
		struct network_range ranges[2];
		size_t count;
		const char *error;
	} cases[] = {
		{ { { .subnet = T("10.0.0.0/24") },
			  { .subnet = T("fd00::/64"), .set = 1 } },
			2, NULL },
		{ { { .subnet = T("10.0.0.0/24"), .gateway = T("10.0.1.1") } }, 1,
			"gateway 10.0.1.1 is not in the subnet" },
		{ { { .subnet = T("10.0.0.0/24"), .first = T("10.0.1.1") } }, 1,
			"is not in the subnet" },
		{ { { .subnet = T("10.0.0.0/24"),
			  .first = T("10.0.0.9"),
			  .last = T("10.0.0.8") } },
			1, "ends before it begins" },
		{ { { .subnet = T("10.0.0.0/24") }, { .subnet = T("10.0.0.128/25") } }, 2,
			"overlap" },
		{ { { .subnet = T("10.0.0.0/24") }, { .subnet = T("fd00::/64") } }, 2,
			"mixes IPv4 and IPv6" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct network network = {
			.name = (char[]){ "n" },
			.interface = (char[]){ "br0" },
			.ranges = (struct network_range *)(uintptr_t)cases[i].ranges,
			.ranges_count = cases[i].count,
		};
		struct error err;

		if (cases[i].error)
			CHECK_FAILS(network_check(&network, &err), &err, cases[i].error);
		else
			CHECK_OK(network_check(&network, &err), &err);
	}
}

static void ports_are_read(void)
{
	static const char *const cases[][2] = {
		{ "80:8080", "80->8080/tcp" },
		{ "53:53/udp", "53->53/udp" },
		{ "127.0.0.1:80:8080/sctp", "127.0.0.1:80->8080/sctp" },
		{ "[::1]:80:8080", "::1:80->8080/tcp" },
		{ "80-82:90-92", "80->90/tcp,81->91/tcp,82->92/tcp" },
	};
	static const char *const refused[][2] = {
		{ "80", "expected [HOSTIP:]HOSTPORT:CONTAINERPORT" },
		{ "0:80", "port 0 is not between" },
		{ "80:0", "port 0 is not between" },
		{ "65536:80", "port 65536 is not between" },
		{ "80:80/icmp", "protocol" },
		{ "80-90:80-91", "the two ranges differ in length" },
		{ "90-80:90-80", "fall" },
		{ "x:80", "port" },
		{ ":80", "port" },
		{ "", "expected" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_attachment record = { 0 };
		struct error err;
		auto_free char *text = NULL;

		CHECK_OK(publish_parse(&record, cases[i][0], &err), &err);
		CHECK_OK(publish_check(&record, &err), &err);
		text = publish_text(&record);
		CHECK_STR(text, cases[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		auto_attachment record = { 0 };
		struct error err;

		CHECK_FAILS(
			publish_parse(&record, refused[i][0], &err), &err, refused[i][1]);
	}
}

static void ports_are_published_once(void)
{
	auto_attachment record = { 0 };
	struct error err;

	CHECK_OK(publish_parse(&record, "80:8080", &err), &err);
	CHECK_OK(publish_parse(&record, "80:8080/udp", &err), &err);
	CHECK_OK(publish_check(&record, &err), &err);
	CHECK_OK(publish_parse(&record, "127.0.0.1:80:81", &err), &err);
	CHECK_FAILS(publish_check(&record, &err), &err, "port 80 is published twice");
}

static void definitions_do_not_collide(void)
{
	char directory[] = "/tmp/mocker-test-network.XXXXXX";
	auto_places places = { 0 };
	auto_network first = { 0 };
	auto_network second = { 0 };
	auto_network loaded = { 0 };
	struct error err;

	CHECK(mkdtemp(directory) != NULL);
	CHECK_OK(places_find(directory, &places, &err), &err);
	CHECK_OK(network_load(&places, "default", &loaded, &err), &err);
	if (geteuid() != 0) { /* whose only network is the way out of a user namespace */
		CHECK_STR(loaded.interface, "pasta");
		CHECK_OK(path_remove_tree(AT_FDCWD, directory, &err), &err);
		return;
	}
	CHECK_STR(loaded.interface, "mocker0");
	CHECK_STR(loaded.ranges[0].subnet, "10.0.0.0/24");
	CHECK_OK(network_fill(
			 &places, "first", (struct network_defaults){ 0 }, &first, &err),
		&err);
	CHECK_STR(first.interface, "mocker1");
	CHECK_STR(first.ranges[0].subnet, "10.0.1.0/24");
	CHECK_OK(network_create(&places, &first, &err), &err);
	CHECK_FAILS(network_create(&places, &first, &err), &err, "exists already");
	free(first.name);
	first.name = str_dup("other");
	CHECK_FAILS(
		network_create(&places, &first, &err), &err, "has the bridge mocker1");
	free(first.interface);
	first.interface = str_dup("br7");
	CHECK_FAILS(network_create(&places, &first, &err), &err, "overlaps 10.0.1.0/24");
	CHECK_OK(network_load(&places, "mocker1", &second, &err), &err);
	CHECK_STR(second.name, "first");
	CHECK_OK(path_remove_tree(AT_FDCWD, directory, &err), &err);
}

static void namespaces_are_verified(void)
{
	static const char *const cases[][2] = {
		{ "/nonexistent", "No such file" },
		{ "/dev/null", "is no network namespace" },
		{ "/proc/self/ns/mnt", "is no network namespace" },
		{ "/proc/self/ns/net", "is the host's own network namespace" },
		{ "/tmp", "is no network namespace" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err;
		int fd;

		CHECK_FAILS(netns_open(cases[i][0], &fd, &err), &err, cases[i][1]);
	}
}

static void links_have_names_of_their_own(void)
{
	auto_free char *a = attachment_link_name("veth", "net", "ab", "c");
	auto_free char *b = attachment_link_name("veth", "net", "a", "bc");
	auto_free char *again = attachment_link_name("veth", "net", "ab", "c");

	CHECK_INT(strlen(a), 15);
	CHECK_STR(a, again);
	CHECK(!str_equal(a, b));
}

static const struct test tests[] = {
	{ "a subnet has no host bits and room for two", subnets_are_checked },
	{ "addresses carry over their bytes", addresses_count },
	{ "names and MAC addresses are refused before they name anything",
		names_are_checked },
	{ "ranges lie in their subnets and do not overlap", networks_are_checked },
	{ "published ports are read, ranges port by port", ports_are_read },
	{ "a port of the host is published once", ports_are_published_once },
	{ "definitions share no name, bridge or subnet", definitions_do_not_collide },
	{ "only another network namespace is opened as one", namespaces_are_verified },
	{ "a host's end is named by the whole key", links_have_names_of_their_own },
};

TEST_MAIN(tests)
