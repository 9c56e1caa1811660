/* From a CNI configuration to a network and an attachment of ours. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/cni/config.h"
#include "netsetup/firewall/conditions.h"
#include "netsetup/firewall/publish.h"

#define DEFAULT_BRIDGE "cni0" /* the reference plugin's */

/* ---- ranges -------------------------------------------------------------------------- */

struct range_set {
	struct cni_range *ranges;
	size_t ranges_count;
};

/* clang-format off */
static const struct json_field range_fields[] = {
	JSON_STRING(struct cni_range, subnet, "subnet", .required = true),
	JSON_STRING(struct cni_range, range_start, "rangeStart"),
	JSON_STRING(struct cni_range, range_end, "rangeEnd"),
	JSON_STRING(struct cni_range, gateway, "gateway"),
	JSON_END,
};
static const struct json_type range_type = JSON_TYPE(struct cni_range, range_fields);

static const struct json_field set_fields[] = {
	JSON_ARRAY(struct range_set, ranges, "ranges", &range_type),
	JSON_END,
};
static const struct json_type set_type = JSON_TYPE(struct range_set, set_fields);
/* clang-format on */

static void add_range(
	struct network *network, const struct cni_range *range, uint32_t set)
{
	network->ranges = str_realloc(
		network->ranges, network->ranges_count + 1, sizeof(*network->ranges));
	network->ranges[network->ranges_count++] = (struct network_range){
		.subnet = str_dup(range->subnet),
		.first = str_dup(range->range_start),
		.last = str_dup(range->range_end),
		.gateway = str_dup(range->gateway),
		.set = set,
	};
}

static int add_set(struct network *network, const char *text, size_t length, uint32_t set,
	struct error *err)
{
	struct range_set ranges = { 0 };
	auto_str document = { 0 };

	str_append(&document, "{\"ranges\":");
	str_append_n(&document, text, length);
	str_append(&document, "}");
	if (json_read(&set_type, &ranges, document.data, document.length,
		    &(struct json_options){ .name = "ipam.ranges", .any_case = true },
		    err) < 0) {
		err->errnum = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < ranges.ranges_count; i++)
		add_range(network, &ranges.ranges[i], set);
	json_free(&set_type, &ranges);
	return 0;
}

/* The length of the JSON value at the start of well-formed text. */
static size_t value_length(const char *text)
{
	int depth = 0;
	bool quoted = false;

	for (size_t i = 0; text[i]; i++) {
		if (quoted) {
			if (text[i] == '\\' && text[i + 1])
				i++;
			else if (text[i] == '"')
				quoted = false;
			continue;
		}
		quoted = text[i] == '"';
		if (text[i] == '[' || text[i] == '{')
			depth++;
		if ((text[i] == ']' || text[i] == '}' || text[i] == ',') && depth == 0)
			return i;
		if (text[i] == ']' || text[i] == '}')
			depth--;
	}
	return strlen(text);
}

/* An array of arrays, which no table describes: cut into its elements. */
static int add_sets(
	struct network *network, const char *text, uint32_t *set, struct error *err)
{
	static const char space[] = " \t\r\n";

	text += strspn(text, space);
	if (*text != '[')
		return fail_code(err, EINVAL, "ipam.ranges: expected an array of arrays");
	text++;
	for (;;) {
		size_t length;

		text += strspn(text, space);
		if (*text == ']' || !*text)
			return 0;
		length = value_length(text);
		if (add_set(network, text, length, (*set)++, err) < 0)
			return -1;
		text += length;
		text += *text == ',';
	}
}

static void copy_routes(const struct cni_ipam *ipam, struct network *network)
{
	network->routes = str_alloc((ipam->routes_count + 1) * sizeof(*network->routes));
	for (size_t i = 0; i < ipam->routes_count; i++) {
		network->routes[i] = ipam->routes[i];
		network->routes[i].destination = str_dup(ipam->routes[i].destination);
		network->routes[i].gateway = str_dup(ipam->routes[i].gateway);
	}
	network->routes_count = ipam->routes_count;
}

/* "ipam": {} is the reference bridge's way to have none, as null is. */
static bool asks_for_addresses(const struct cni_config *config)
{
	const struct cni_ipam *ipam = config->ipam;

	return ipam && ((ipam->type && ipam->type[0]) || ipam->subnet || ipam->ranges ||
			       config->runtime.ranges);
}

/* Sets are numbered in their order: the runtime's, the old way's one range, the others. */
static int convert_ipam(
	const struct cni_config *config, struct network *network, struct error *err)
{
	const struct cni_ipam *ipam = config->ipam;
	const struct cni_range single = { ipam->subnet, ipam->range_start,
		ipam->range_end, ipam->gateway };
	uint32_t set = 0;

	copy_routes(ipam, network);
	if (cni_ipam_is_delegated(config))
		return 0;
	if (config->runtime.ranges &&
		add_sets(network, config->runtime.ranges, &set, err) < 0)
		return -1;
	if (ipam->subnet)
		add_range(network, &single, set++);
	if (ipam->ranges && add_sets(network, ipam->ranges, &set, err) < 0)
		return -1;
	if (network->ranges_count == 0)
		return fail_code(err, EINVAL, "ipam: no subnet and no ranges");
	return 0;
}

/* ---- the network --------------------------------------------------------------------- */

/* Asked for and not done: better an error than a silent gap. */
static int refuse_unsupported(const struct cni_config *config, struct error *err)
{
	if (config->admin_chain && config->admin_chain[0])
		return fail_code(err, ENOTSUP,
			"iptablesAdminChainName: this program has no chains of iptables; "
			"rules of yours go before its own wherever they are");
	return 0;
}

static int check_backend(
	const struct word *words, const char *key, const char *word, struct error *err)
{
	int64_t unused;

	if (!word || !word[0] || word_to_number(words, word, &unused))
		return 0;
	if (word_fail(words, key, word, err) < 0)
		err->errnum = EINVAL;
	return -1;
}

/* Rules are of nftables in any case; firewalld is told besides (zone.c). What is no word of
 * the reference plugins' is wrong. */
static int check_backends(const struct cni_config *config, struct error *err)
{
	static const struct word words[] = {
		{ "firewalld", 0 }, /* no word for masquerading */
		{ "nftables", 0 },
		{ "iptables", 0 },
		{ NULL, 0 },
	};

	if (check_backend(words, "backend", config->backend, err) < 0)
		return -1;
	return check_backend(words + 1, "ipMasqBackend", config->masquerade_backend, err);
}

static int convert_vlans(
	const struct cni_config *config, struct network *network, struct error *err)
{
	network->vlan = config->vlan;
	network->keep_default_vlan =
		!config->has_keep_default_vlan || config->keep_default_vlan;
	network->vlan_trunk =
		str_alloc((config->vlan_trunk_count + 1) * sizeof(*network->vlan_trunk));
	for (size_t i = 0; i < config->vlan_trunk_count; i++) {
		const struct cni_trunk *trunk = &config->vlan_trunk[i];

		if (!trunk->has_id && !(trunk->has_min_id && trunk->has_max_id))
			return fail_code(err, EINVAL,
				"vlanTrunk: expected an id, or minID and maxID");
		network->vlan_trunk[network->vlan_trunk_count++] = (struct network_trunk){
			.first = trunk->has_id ? trunk->id : trunk->min_id,
			.last = trunk->has_id ? trunk->id : trunk->max_id,
		};
	}
	return 0;
}

static int convert_isolation(
	const struct cni_config *config, struct network *network, struct error *err)
{
	static const struct word policies[] = {
		{ "open", NETWORK_OPEN },
		{ "same-bridge", NETWORK_SAME_BRIDGE },
		{ "isolated", NETWORK_STRICT },
		{ NULL, 0 },
	};

	network->isolation = NETWORK_OPEN;
	if (!config->ingress_policy || !config->ingress_policy[0])
		return 0;
	if (word_to_number(policies, config->ingress_policy, &network->isolation))
		return 0;
	if (word_fail(policies, "ingressPolicy", config->ingress_policy, err) < 0)
		err->errnum = EINVAL;
	return -1;
}

/* The interface that each kind's reference plugin names by another key. */
static int convert_kind(
	const struct cni_config *config, struct network *network, struct error *err)
{
	const char *interface = config->bridge;
	const char *key = "bridge";

	network->kind = NETWORK_BRIDGE;
	if (config->kind &&
		!word_to_number(network_kind_words, config->kind, &network->kind)) {
		if (word_fail(network_kind_words, "kind", config->kind, err) < 0)
			err->errnum = EINVAL;
		return -1;
	}
	if (network->kind == NETWORK_DEVICE) {
		interface = config->device;
		key = "device";
	} else if (network->kind != NETWORK_BRIDGE) {
		interface = config->master;
		key = "master";
		network->mode = str_dup(config->mode);
	}
	if (network->kind == NETWORK_BRIDGE && (!interface || !interface[0]))
		interface = DEFAULT_BRIDGE;
	if (!interface || !interface[0])
		return fail_code(
			err, EINVAL, "kind \"%s\" needs \"%s\"", config->kind, key);
	network->interface = str_dup(interface);
	if (network->kind != NETWORK_BRIDGE)
		network->gateway = network->masquerade = false;
	return 0;
}

int cni_network(const struct cni_config *config, struct network *ret, struct error *err)
{
	auto_network network = {
		.name = str_dup(config->name),
		.gateway = config->gateway || config->default_gateway,
		.default_route = config->default_gateway,
		.masquerade = config->masquerade,
		.keep_sources = config->has_snat && !config->snat,
		.hide_sources = config->masquerade_all,
		.idle = config->disable_interface,
		.mtu = config->mtu,
		.hairpin = config->hairpin,
		.promiscuous = config->promiscuous,
		.force_address = config->force_address,
		.duplicate_detection = config->dad,
		.isolated_ports = config->isolated_ports,
		.dns = config->names,
		.check_mac = config->mac_check,
	};

	if (config->hairpin && config->promiscuous)
		return fail_code(
			err, EINVAL, "hairpinMode and promiscMode exclude each other");
	if (convert_kind(config, &network, err) < 0 ||
		refuse_unsupported(config, err) < 0 || check_backends(config, err) < 0 ||
		convert_isolation(config, &network, err) < 0 ||
		convert_vlans(config, &network, err) < 0)
		return -1;
	if (asks_for_addresses(config) && convert_ipam(config, &network, err) < 0)
		return -1;
	if (network_check(&network, err) < 0 || network_check_kind(&network, err) < 0) {
		err->errnum = EINVAL;
		return -1;
	}
	*ret = network;
	network = (struct network){ 0 };
	return 0;
}

/* ---- requests ------------------------------------------------------------------------ */

static int convert_port(
	const struct cni_port *port, struct attachment *record, struct error *err)
{
	struct attachment_port converted = { .host_ip = port->host_ip,
		.protocol = IPPROTO_TCP };
	uint64_t count = MAX(port->range, 1);
	auto_free char *protocol = str_dup(port->protocol ? port->protocol : "tcp");

	if (!port->has_host_port || port->host_port == 0)
		return 0; /* the reference plugin: nothing to publish */
	for (char *c = protocol; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	if (!word_to_number(port_protocol_words, protocol, &converted.protocol))
		return fail_code(err, EINVAL,
			"portMappings: expected the protocol tcp, udp or sctp, found "
			"\"%.32s\"",
			protocol);
	if (port->host_port + count > 65536 || port->container_port + count > 65536 ||
		port->container_port == 0)
		return fail_code(err, EINVAL,
			"portMappings: port %u to %u: ports are from 1 to 65535",
			port->host_port, port->container_port);
	if (converted.host_ip && !converted.host_ip[0])
		converted.host_ip = NULL;
	for (uint64_t i = 0; i < count; i++) {
		converted.host_port = (uint16_t)(port->host_port + i);
		converted.container_port = (uint16_t)(port->container_port + i);
		publish_add(record, &converted);
	}
	return 0;
}

/* Read in any case, and kept where there is a port to which they apply. */
static int convert_conditions(
	const struct cni_config *config, struct attachment *record, struct error *err)
{
	auto_strings v4 = { 0 };
	auto_strings v6 = { 0 };

	if (conditions_read(&config->conditions_v4, false, "conditionsV4", &v4, err) <
			0 ||
		conditions_read(&config->conditions_v6, true, "conditionsV6", &v6, err) <
			0) {
		if (err->errnum != ENOTSUP)
			err->errnum = EINVAL;
		return -1;
	}
	if (record->publish_count > 0) {
		strings_copy(&record->conditions_v4, &v4);
		strings_copy(&record->conditions_v6, &v6);
	}
	return 0;
}

static int check_subnets(const struct strings *list, const char *key, struct error *err)
{
	struct address unused;

	strings_each (text, list) {
		if (address_parse_prefix(*text, key, &unused, err) == 0)
			continue;
		err->errnum = EINVAL;
		return -1;
	}
	return 0;
}

static int convert_bandwidth(
	const struct cni_config *config, struct attachment *record, struct error *err)
{
	const struct attachment_bandwidth own = {
		.ingress_rate = config->ingress_rate,
		.ingress_burst = config->ingress_burst,
		.egress_rate = config->egress_rate,
		.egress_burst = config->egress_burst,
		.shaped = config->shaped,
		.unshaped = config->unshaped,
	};
	/* What the runtime asks for goes before the configuration. */
	const struct attachment_bandwidth *wanted =
		config->runtime.bandwidth ? config->runtime.bandwidth : &own;

	record->bandwidth = *wanted;
	record->bandwidth.shaped = record->bandwidth.unshaped = (struct strings){ 0 };
	strings_copy(&record->bandwidth.shaped, &wanted->shaped);
	strings_copy(&record->bandwidth.unshaped, &wanted->unshaped);
	if (wanted->shaped.count && wanted->unshaped.count)
		return fail_code(err, EINVAL,
			"shapedSubnets and unshapedSubnets exclude each other");
	if (check_subnets(&wanted->shaped, "shapedSubnets", err) < 0)
		return -1;
	return check_subnets(&wanted->unshaped, "unshapedSubnets", err);
}

static int want(struct attach *attach, const char *text, struct error *err)
{
	auto_free char *ip = str_dup_n(text, strcspn(text, "/"));

	if (attach_want(attach, ip, "a requested address", err) == 0)
		return 0;
	err->errnum = EINVAL;
	return -1;
}

/* What this source says of a family goes before all that weaker ones said of it. */
static int want_instead(
	struct attach *attach, const struct strings *list, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < attach->wanted_count; i++) {
		bool named = false;

		strings_each (text, list)
			named = named ||
				address_family(*text) == attach->wanted[i].address.family;
		if (!named)
			attach->wanted[kept++] = attach->wanted[i];
	}
	attach->wanted_count = kept;
	strings_each (text, list) {
		if (want(attach, *text, err) < 0)
			return -1;
	}
	return 0;
}

static void set_mac(struct attachment *record, const char *mac)
{
	if (!mac || !mac[0])
		return;
	free(record->mac);
	record->mac = str_dup(mac);
}

/* IP=10.0.0.5;MAC=02:…: the reference plugins'; K8S_POD_NAME=…: the name by which people
 * know the container. */
static int read_arguments(struct attach *attach, const char *arguments, struct error *err)
{
	auto_strings fields = { 0 };

	strings_split(&fields, arguments ? arguments : "", ';');
	strings_each (field, &fields) {
		const char *ip = str_after(*field, "IP=");

		if (ip && want(attach, ip, err) < 0)
			return -1;
		set_mac(&attach->record, str_after(*field, "MAC="));
		if (str_after(*field, "K8S_POD_NAME="))
			strings_add(&attach->record.aliases,
				str_after(*field, "K8S_POD_NAME="));
	}
	return 0;
}

struct alias_list {
	struct strings names;
};

/* ["a"], or {"network": ["a"]} as podman has it. */
static int read_aliases(
	const struct cni_config *config, struct strings *ret, struct error *err)
{
	const char *text = config->runtime.aliases;
	bool by_network = text && text[strspn(text, " \t\r\n")] == '{';
	const struct json_field fields[] = {
		JSON_STRINGS(
			struct alias_list, names, by_network ? config->name : "aliases"),
		JSON_END,
	};
	const struct json_type type = JSON_TYPE(struct alias_list, fields);
	auto_free char *document = NULL;
	struct alias_list list = { 0 };

	if (!text)
		return 0;
	document = by_network ? str_dup(text) : str_format("{\"aliases\":%s}", text);
	if (json_read(&type, &list, document, strlen(document),
		    &(struct json_options){ .name = "runtimeConfig.aliases" }, err) < 0) {
		err->errnum = EINVAL;
		return -1;
	}
	strings_copy(ret, &list.names);
	json_free(&type, &list);
	return 0;
}

int cni_requests(const struct cni_config *config, const char *arguments,
	struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;

	for (size_t i = 0; i < config->runtime.ports_count; i++)
		if (convert_port(&config->runtime.ports[i], record, err) < 0)
			return -1;
	if (publish_check(record, err) < 0) {
		err->errnum = EINVAL;
		return -1;
	}
	if (convert_conditions(config, record, err) < 0 ||
		convert_bandwidth(config, record, err) < 0)
		return -1;
	attach->tune = (struct tune){
		.sysctl = (struct pairs *)(uintptr_t)&config->sysctl,
		.promiscuous = config->promisc,
		.all_multicast = config->all_multicast,
		.has_txqlen = config->has_txqlen,
		.txqlen = config->txqlen,
	};
	if (read_aliases(config, &record->aliases, err) < 0)
		return -1;
	/* From the weakest to the strongest. */
	set_mac(record, config->mac);
	if (read_arguments(attach, arguments, err) < 0)
		return -1;
	set_mac(record, config->args.cni.mac);
	set_mac(record, config->runtime.mac);
	if (tune_check(&attach->tune, err) < 0 ||
		want_instead(attach, &config->args.cni.ips, err) < 0)
		return -1;
	return want_instead(attach, &config->runtime.ips, err);
}
