/* The tables of a CNI configuration. */
#include "netsetup/cni/config.h"

/* clang-format off */
static const struct json_field dns_fields[] = {
	JSON_STRINGS(struct cni_dns, nameservers, "nameservers"),
	JSON_STRING(struct cni_dns, domain, "domain"),
	JSON_STRINGS(struct cni_dns, search, "search"),
	JSON_STRINGS(struct cni_dns, options, "options"),
	JSON_END,
};
const struct json_type cni_dns_type = JSON_TYPE(struct cni_dns, dns_fields);

static const struct json_field ipam_fields[] = {
	JSON_STRING(struct cni_ipam, type, "type"),
	JSON_RAW(struct cni_ipam, ranges, "ranges"),
	JSON_STRING(struct cni_ipam, subnet, "subnet"),
	JSON_STRING(struct cni_ipam, range_start, "rangeStart"),
	JSON_STRING(struct cni_ipam, range_end, "rangeEnd"),
	JSON_STRING(struct cni_ipam, gateway, "gateway"),
	JSON_ARRAY(struct cni_ipam, routes, "routes", &network_route_type),
	JSON_STRING(struct cni_ipam, resolv_conf, "resolvConf"),
	JSON_STRING(struct cni_ipam, data_dir, "dataDir"),
	JSON_END,
};
static const struct json_type ipam_type = JSON_TYPE(struct cni_ipam, ipam_fields);

static const struct json_field trunk_fields[] = {
	JSON_U32_OPT(struct cni_trunk, min_id, "minID"),
	JSON_U32_OPT(struct cni_trunk, max_id, "maxID"),
	JSON_U32_OPT(struct cni_trunk, id, "id"),
	JSON_END,
};
static const struct json_type trunk_type = JSON_TYPE(struct cni_trunk, trunk_fields);

static const struct json_field port_fields[] = {
	JSON_U32_OPT(struct cni_port, host_port, "hostPort"),
	JSON_U32_OPT(struct cni_port, container_port, "containerPort"),
	JSON_U32(struct cni_port, range, "range"),
	JSON_STRING(struct cni_port, protocol, "protocol"),
	JSON_STRING(struct cni_port, host_ip, "hostIP"),
	JSON_END,
};
static const struct json_type port_type = JSON_TYPE(struct cni_port, port_fields);

static const struct json_field runtime_fields[] = {
	JSON_ARRAY(struct cni_runtime, ports, "portMappings", &port_type),
	JSON_POINTER(struct cni_runtime, bandwidth, "bandwidth",
		&attachment_bandwidth_type),
	JSON_STRING(struct cni_runtime, mac, "mac"),
	JSON_STRINGS(struct cni_runtime, ips, "ips"),
	JSON_RAW(struct cni_runtime, ranges, "ipRanges"),
	JSON_RAW(struct cni_runtime, aliases, "aliases"),
	JSON_END,
};
static const struct json_type runtime_type =
	JSON_TYPE(struct cni_runtime, runtime_fields);

static const struct json_field args_cni_fields[] = {
	JSON_STRING(struct cni_args_cni, mac, "mac"),
	JSON_STRINGS(struct cni_args_cni, ips, "ips"),
	JSON_PAIRS(struct cni_args_cni, sysctl, "sysctl"),
	JSON_BOOL_OPT(struct cni_args_cni, promisc, "promisc"),
	JSON_BOOL_OPT(struct cni_args_cni, all_multicast, "allmulti"),
	JSON_U32(struct cni_args_cni, mtu, "mtu"),
	JSON_U32_OPT(struct cni_args_cni, txqlen, "txQLen"),
	JSON_END,
};
static const struct json_type args_cni_type =
	JSON_TYPE(struct cni_args_cni, args_cni_fields);

static const struct json_field args_fields[] = {
	JSON_STRUCT(struct cni_args, cni, "cni", &args_cni_type),
	JSON_END,
};
static const struct json_type args_type = JSON_TYPE(struct cni_args, args_fields);

static const struct json_field valid_fields[] = {
	JSON_STRING(struct cni_valid, container, "containerID", .required = true),
	JSON_STRING(struct cni_valid, interface, "ifname", .required = true),
	JSON_END,
};
static const struct json_type valid_type = JSON_TYPE(struct cni_valid, valid_fields);

static const struct json_field config_fields[] = {
	JSON_STRING(struct cni_config, version, "cniVersion"),
	JSON_STRING(struct cni_config, name, "name"),
	JSON_STRING(struct cni_config, type, "type"),
	JSON_RAW(struct cni_config, prev_result, "prevResult"),
	JSON_POINTER(struct cni_config, ipam, "ipam", &ipam_type),
	JSON_STRUCT(struct cni_config, dns, "dns", &cni_dns_type),
	JSON_STRUCT(struct cni_config, runtime, "runtimeConfig", &runtime_type),
	JSON_STRUCT(struct cni_config, args, "args", &args_type),
	JSON_ARRAY(struct cni_config, valid, "cni.dev/valid-attachments", &valid_type),
	JSON_ARRAY(struct cni_config, valid_old, "cni.dev/attachments", &valid_type),

	JSON_STRING(struct cni_config, bridge, "bridge"),
	JSON_BOOL(struct cni_config, gateway, "isGateway"),
	JSON_BOOL(struct cni_config, default_gateway, "isDefaultGateway"),
	JSON_BOOL(struct cni_config, force_address, "forceAddress"),
	JSON_BOOL(struct cni_config, masquerade, "ipMasq"),
	JSON_STRING(struct cni_config, masquerade_backend, "ipMasqBackend"),
	JSON_U32(struct cni_config, mtu, "mtu"),
	JSON_BOOL(struct cni_config, hairpin, "hairpinMode"),
	JSON_BOOL(struct cni_config, promiscuous, "promiscMode"),
	JSON_U32(struct cni_config, vlan, "vlan"),
	JSON_ARRAY(struct cni_config, vlan_trunk, "vlanTrunk", &trunk_type),
	JSON_BOOL_OPT(struct cni_config, keep_default_vlan, "preserveDefaultVlan"),
	JSON_BOOL(struct cni_config, mac_check, "macspoofchk"),
	JSON_BOOL(struct cni_config, dad, "enabledad"),
	JSON_BOOL(struct cni_config, isolated_ports, "portIsolation"),
	JSON_BOOL_OPT(struct cni_config, disable_interface, "disableContainerInterface"),

	JSON_BOOL_OPT(struct cni_config, snat, "snat"),
	JSON_BOOL(struct cni_config, masquerade_all, "masqAll"),
	JSON_STRING(struct cni_config, backend, "backend"),
	JSON_STRINGS(struct cni_config, conditions_v4, "conditionsV4"),
	JSON_STRINGS(struct cni_config, conditions_v6, "conditionsV6"),

	JSON_STRING(struct cni_config, ingress_policy, "ingressPolicy"),
	JSON_STRING(struct cni_config, admin_chain, "iptablesAdminChainName"),
	JSON_STRING(struct cni_config, zone, "firewalldZone"),

	JSON_U64(struct cni_config, ingress_rate, "ingressRate"),
	JSON_U64(struct cni_config, ingress_burst, "ingressBurst"),
	JSON_U64(struct cni_config, egress_rate, "egressRate"),
	JSON_U64(struct cni_config, egress_burst, "egressBurst"),
	JSON_STRINGS(struct cni_config, unshaped, "unshapedSubnets"),
	JSON_STRINGS(struct cni_config, shaped, "shapedSubnets"),

	JSON_STRING(struct cni_config, kind, "kind"),
	JSON_STRING(struct cni_config, master, "master"),
	JSON_STRING(struct cni_config, mode, "mode"),
	JSON_STRING(struct cni_config, device, "device"),

	JSON_BOOL(struct cni_config, names, "names"),

	JSON_STRING(struct cni_config, mac, "mac"),
	JSON_PAIRS(struct cni_config, sysctl, "sysctl"),
	JSON_BOOL(struct cni_config, promisc, "promisc"),
	JSON_BOOL(struct cni_config, all_multicast, "allmulti"),
	JSON_U32_OPT(struct cni_config, txqlen, "txQLen"),
	JSON_END,
};
const struct json_type cni_config_type = JSON_TYPE(struct cni_config, config_fields);
/* clang-format on */

void cni_config_free(struct cni_config *config)
{
	json_free(&cni_config_type, config);
}

void cni_config_take_args(struct cni_config *config)
{
	const struct cni_args_cni *args = &config->args.cni;

	for (size_t i = 0; i < args->sysctl.count; i++)
		pairs_set(&config->sysctl, args->sysctl.items[i].key,
			args->sysctl.items[i].value);
	if (args->has_promisc)
		config->promisc = args->promisc;
	if (args->has_all_multicast)
		config->all_multicast = args->all_multicast;
	if (args->mtu)
		config->mtu = args->mtu;
	if (args->has_txqlen) {
		config->has_txqlen = true;
		config->txqlen = args->txqlen;
	}
}

bool cni_makes_interface(const struct cni_config *config)
{
	return config->bridge || config->ipam || config->kind;
}
