/* netsetup/cni: configurations as the reference plugins read them, results by version. */
#include <stdlib.h>
#include <string.h>

#include "netsetup/cni/config.h"
#include "netsetup/cni/result.h"
#include "netsetup/firewall/conditions.h"
#include "netsetup/firewall/publish.h"
#include "tests/unit/test.h"

static int read_config(const char *text, struct cni_config *ret, struct error *err)
{
	return json_read(&cni_config_type, ret, text, strlen(text),
		&(struct json_options){ .name = "config", .any_case = true }, err);
}

#define HEAD "{\"cniVersion\":\"1.1.0\",\"name\":\"n\",\"type\":\"x\","

static void configurations_become_networks(void)
{
	static const char text[] = HEAD
		"\"bridge\":\"br7\",\"isDefaultGateway\":true,\"ipMasq\":true,\"mtu\":1400,"
		"\"hairpinMode\":true,\"vlan\":42,\"vlanTrunk\":[{\"id\":7},"
		"{\"minID\":10,\"maxID\":12}],\"preserveDefaultVlan\":false,"
		"\"ingressPolicy\":\"same-bridge\",\"ipam\":{\"type\":\"host-local\","
		"\"ranges\":[[{\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.1.0.10\"},"
		"{\"subnet\":\"10.2.0.0/24\"}],[{\"subnet\":\"fd00::/64\"}]],"
		"\"routes\":[{\"dst\":\"0.0.0.0/0\",\"mtu\":1300,\"priority\":0}]}}";
	auto_cni_config config = { 0 };
	auto_network network = { 0 };
	struct error err;

	CHECK_OK(read_config(text, &config, &err), &err);
	CHECK_OK(cni_network(&config, &network, &err), &err);
	CHECK_STR(network.interface, "br7");
	CHECK(network.gateway && network.default_route && network.masquerade);
	CHECK(network.hairpin && !network.keep_default_vlan);
	CHECK_INT(network.isolation, NETWORK_SAME_BRIDGE);
	CHECK_INT(network.vlan, 42);
	CHECK_INT(network.vlan_trunk_count, 2);
	CHECK_INT(network.vlan_trunk[1].last, 12);
	CHECK_INT(network.ranges_count, 3);
	CHECK_INT(network.ranges[1].set, 0);
	CHECK_INT(network.ranges[2].set, 1);
	CHECK_STR(network.ranges[0].first, "10.1.0.10");
	CHECK_INT(network.routes[0].mtu, 1300);
	CHECK(network.routes[0].has_priority);
}

static void wrong_ones_are_refused(void)
{
	static const struct {
		const char *text;
		const char *error;
		int errnum;
	} cases[] = {
		{ HEAD "\"ipam\":{\"subnet\":\"10.0.0.1/24\"}}", "host bits", EINVAL },
		{ HEAD "\"ipam\":{\"type\":\"host-local\"}}", "no subnet", EINVAL },
		{ HEAD "\"ipam\":{\"ranges\":{}}}", "array of arrays", EINVAL },
		{ HEAD "\"ipam\":{\"ranges\":[{}]}}", "expected an array", EINVAL },
		{ HEAD "\"ipam\":{\"ranges\":[[{\"subnet\":\"10.0.0.0/24\"}],"
		       "[{\"subnet\":\"10.0.0.0/25\"}]]}}",
			"overlap", EINVAL },
		{ HEAD "\"bridge\":\"sixteen-bytes-xx\"}", "interface's name", EINVAL },
		{ HEAD "\"bridge\":\"a/b\"}", "interface's name", EINVAL },
		{ HEAD "\"vlan\":4095}", "VLAN 4095", EINVAL },
		{ HEAD "\"ingressPolicy\":\"opne\"}", "ingressPolicy", EINVAL },
		{ HEAD "\"hairpinMode\":true,\"promiscMode\":true}", "exclude", EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_cni_config config = { 0 };
		auto_network network = { 0 };
		struct error err;

		CHECK_OK(read_config(cases[i].text, &config, &err), &err);
		if (!CHECK_FAILS(
			    cni_network(&config, &network, &err), &err, cases[i].error) ||
			!CHECK_INT(err.errnum, cases[i].errnum))
			printf("# configuration: %s\n", cases[i].text);
	}
}

static void requests_are_read(void)
{
	static const char text[] =
		HEAD "\"runtimeConfig\":{\"portMappings\":[{\"HostPort\":8080,"
		     "\"ContainerPort\":80,\"Protocol\":\"TCP\",\"HostIP\":\"\"},"
		     "{\"hostPort\":0,\"containerPort\":81},"
		     "{\"hostPort\":53,\"containerPort\":53,\"protocol\":\"udp\","
		     "\"hostIP\":\"10.9.9.9\"}],\"ips\":[\"10.0.0.7/24\"],"
		     "\"bandwidth\":{\"ingressRate\":8000,\"ingressBurst\":16000},"
		     "\"mac\":\"02:00:00:00:00:07\"},"
		     "\"args\":{\"cni\":{\"mac\":\"02:00:00:00:00:08\"}}}";
	auto_cni_config config = { 0 };
	struct attach attach = { .netns_fd = -1 };
	struct error err;
	auto_free char *ports = NULL;

	CHECK_OK(read_config(text, &config, &err), &err);
	CHECK_OK(cni_requests(&config,
			 "IgnoreUnknown=1;IP=10.0.0.8;IP=fd00::8;K8S_POD_NAME=x", &attach,
			 &err),
		&err);
	ports = publish_text(&attach.record);
	CHECK_STR(ports, "8080->80/tcp,10.9.9.9:53->53/udp");
	CHECK_STR(attach.record.mac, "02:00:00:00:00:07");
	/* What runtimeConfig says goes before CNI_ARGS, family by family. */
	CHECK_INT(attach.wanted_count, 2);
	CHECK_STR(address_text(&attach.wanted[0].address).text, "fd00::8");
	CHECK_STR(address_text(&attach.wanted[1].address).text, "10.0.0.7");
	CHECK_INT(attach.record.bandwidth.ingress_rate, 8000);
	attach_close(&attach);
}

/* Words are given with blanks between them. */
static void conditions_are_translated(void)
{
	static const struct {
		const char *words;
		bool inet6;
		const char *text;
	} cases[] = {
		{ "", false, "" },
		{ "! -d 192.0.2.7/24", false, "ip daddr != 192.0.2.0/24" },
		{ "-s fd00::1 -i eth+", true, "ip6 saddr fd00::1/128|iifname \"eth*\"" },
		{ "-s 10.0.0.1,10.1.0.0/16", false,
			"ip saddr { 10.0.0.1/32, 10.1.0.0/16 }" },
		{ "-o eth0 -m udp --dport :1023 ! --sport 5:", false,
			"oifname \"eth0\"|th dport 0-1023|th sport != 5-65535" },
		{ "-m multiport --dports 1,3:5", true, "th dport { 1, 3-5 }" },
		{ "-m addrtype ! --src-type LOCAL,unicast", false,
			"fib saddr type != { local, unicast }" },
		{ "-m mark --mark 0xA/255 -m mark ! --mark 7", false,
			"meta mark & 0xff == 0xa|meta mark != 0x7" },
		{ "-m comment --comment why", false, "" },
		{ "ip saddr 10.0.0.0/8 th dport != 80-90 iifname \"br0\"", false,
			"ip saddr 10.0.0.0/8|th dport != 80-90|iifname \"br0\"" },
		{ "fib daddr type  == local meta mark 0x7", true,
			"fib daddr type local|meta mark 0x7" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strings words = { 0 };
		auto_strings matches = { 0 };
		auto_free char *joined = NULL;
		struct error err;

		if (*cases[i].words)
			strings_split(&words, cases[i].words, ' ');
		CHECK_OK(conditions_read(
				 &words, cases[i].inet6, "conditions", &matches, &err),
			&err);
		joined = strings_join(&matches, "|");
		CHECK_STR(joined, cases[i].text);
	}
}

static void results_follow_the_version(void)
{
	static const struct {
		const char *version;
		const char *has;
		const char *lacks;
	} cases[] = {
		{ "0.3.1", "\"version\": \"4\"", "\"mtu\"" },
		{ "0.4.0", "\"version\": \"4\"", "\"mtu\"" },
		{ "1.0.0", "\"cniVersion\": \"1.0.0\"", "\"mtu\"" },
		{ "1.1.0", "\"mtu\": 1500", "\"version\": \"4\"" },
	};
	struct attachment_address address = { (char[]){ "10.0.0.2/24" },
		(char[]){ "10.0.0.1" } };
	const struct attachment record = {
		.interface = (char[]){ "eth0" },
		.netns = (char[]){ "/run/netns/a" },
		.link = (char[]){ "veth0" },
		.mac = (char[]){ "02:00:00:00:00:01" },
		.mtu = 1500,
		.addresses = &address,
		.addresses_count = 1,
		.network = { .interface = (char[]){ "br0" }, .default_route = true },
	};
	const struct netlink_link bridge = { .index = 3, .mtu = 1500 };
	const struct cni_dns dns = { .domain = (char[]){ "example.org" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_str out = { 0 };

		cni_append_result(&out, cases[i].version, &record, &bridge,
			"02:00:00:00:00:02", &dns);
		CHECK_HAS(out.data, cases[i].has);
		CHECK(!strstr(out.data, cases[i].lacks));
		CHECK_HAS(out.data, "\"interface\": 2");
		CHECK_HAS(out.data, "\"dst\": \"0.0.0.0/0\"");
		CHECK_HAS(out.data, "\"domain\": \"example.org\"");
	}
}

static void versions_are_known(void)
{
	static const char *const unknown[] = { NULL, "", "0.1.0", "0.2.0", "1.2.0", "x" };

	CHECK_INT(cni_version("1.1.0"), 10100);
	CHECK(cni_version("0.3.1") < cni_version("0.4.0"));
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		CHECK_INT(cni_version(unknown[i]), 0);
}

static const struct test tests[] = {
	{ "the reference plugins' keys become a network",
		configurations_become_networks },
	{ "what is wrong or not supported is refused", wrong_ones_are_refused },
	{ "ports, addresses and limits are read in either case", requests_are_read },
	{ "conditions of iptables and of nft are one", conditions_are_translated },
	{ "a result has the members of its version", results_follow_the_version },
	{ "versions from 0.3.0 to 1.1.0 are spoken", versions_are_known },
};

TEST_MAIN(tests)
