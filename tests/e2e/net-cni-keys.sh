#!/bin/bash
# The reference plugins' keys keep their meaning when "type" becomes mocker-netsetup: one
# case a key or a few, each seen in the kernel or in the result.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /run/cni|^file /var/lib/(cni|mocker/networks)'

config='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"cni1",
	"isDefaultGateway":true,"ipam":{"type":"host-local","subnet":"10.88.0.0/24"}}'

with() { # JQ FILTER
	jq -c "$1" <<<"$config"
}

# pods NAME...: namespaces; gone by unpod.
pods() {
	local name

	for name; do
		ip netns add "$name"
	done
}

unpod() {
	local name

	for name; do
		ip netns del "$name"
	done
	cni_collect "$config"
}

in_pod() {
	ip netns exec pod "$@"
}

route_fields() {
	pods pod
	cni ADD "$(with '.ipam.routes = [{dst: "192.0.2.0/24", gw: "10.88.0.9", mtu: 1400,
		advmss: 1300, priority: 7}, {dst: "198.51.100.0/24", scope: 253, table: 99}]')"
	check_status 0
	check_equal "$(result '.routes[0] | "\(.mtu) \(.advmss) \(.priority)"')" "1400 1300 7"
	check_equal "$(result '.routes[1] | "\(.table) \(.scope)"')" "99 253"
	check_matches "$(ip -n pod route)" \
		'192.0.2.0/24 via 10.88.0.9 dev eth0 metric 7 mtu 1400 advmss 1300'
	check_matches "$(ip -n pod route show table 99)" '198.51.100.0/24 .*scope link'
	check_equal "$(result '.interfaces[] | .mtu' | sort -u)" \
		"$(cat /sys/class/net/cni1/mtu)" "the result's MTU"
	unpod pod
}
test_case "routes with mtu, advmss, priority, table and scope" route_fields

address_keys() {
	printf 'nameserver 192.0.2.53\nsearch example.org test\noptions ndots:2\n' >"$tmp/resolv"
	ip link del cni1 2>/dev/null # two bridges cannot have one subnet
	pods pod
	cni ADD "$(with '.ipam.rangeStart = "10.88.0.20" | .ipam.rangeEnd = "10.88.0.21" |
		.ipam.gateway = "10.88.0.254" | .bridge = "cni3" | .ipam.resolvConf = "'"$tmp/resolv"'"')"
	check_status 0
	check_equal "$(result '.ips[0] | .address + " " + .gateway')" "10.88.0.20/24 10.88.0.254"
	check_equal "$(result '.dns | "\(.nameservers[0]) \(.search[1]) \(.options[0])"')" \
		"192.0.2.53 test ndots:2"
	check_has "$(ip address show cni3)" "inet 10.88.0.254/24"
	cni DEL "$config"
	cni ADD "$(with '.name = "net9" | .bridge = "cni2" | .ipam = {type: "host-local"} |
		.runtimeConfig.ipRanges = [[{subnet: "10.87.0.0/24"}], [{subnet: "fd87::/64"}]]')"
	check_status 0
	check_equal "$(result '.ips[].address' | xargs)" "10.87.0.2/24 fd87::2/64"
	cni DEL "$(with '.name = "net9"')"
	cni ADD "$(with '.bridge = "cni3"')"
	cni_code 100 "has the address 10.88.0.254/24, not 10.88.0.1/24; forceAddress replaces it"
	cni ADD "$(with '.runtimeConfig.ips = ["10.88.0.77/24"] | .forceAddress = true |
		.bridge = "cni3"')"
	check_equal "$(result '.ips[0].address')" 10.88.0.77/24
	check_has "$(ip address show cni3)" "inet 10.88.0.1/24"
	check_lacks "$(ip address show cni3)" 10.88.0.254
	cni DEL "$config"
	ip link del cni3
	cni_args='IP=10.88.0.78;MAC=02:00:00:00:00:78' cni ADD "$config"
	check_equal "$(result '.ips[0].address + " " + .interfaces[2].mac')" \
		"10.88.0.78/24 02:00:00:00:00:78"
	cni DEL "$config"
	cni ADD "$(with '.args.cni = {ips: ["10.88.0.79"], mac: "02:00:00:00:00:79"} |
		.runtimeConfig.mac = "02:00:00:00:00:80"')"
	check_equal "$(result '.ips[0].address + " " + .interfaces[2].mac')" \
		"10.88.0.79/24 02:00:00:00:00:80"
	cni DEL "$config"
	cni_args='IP=10.88.0.81' cni ADD "$(with '.runtimeConfig.ips = ["10.88.0.82"]')"
	check_equal "$(result '.ips[0].address')" 10.88.0.82/24 "the stronger's address"
	cni DEL "$config"
	cni_args='IP=10.88.0.83' cni ADD "$(with '.runtimeConfig.ips = ["10.88.0.83/24"]')"
	check_equal "$(result '.ips[0].address')" 10.88.0.83/24 "asked for twice"
	unpod pod
}
test_case "ranges, gateway, resolvConf, ipRanges, forceAddress, requested addresses and MACs" \
	address_keys

bridge_keys() {
	local port

	pods pod
	cni ADD "$(with '.mtu = 1400 | .hairpinMode = true | .portIsolation = true')"
	check_status 0
	port=$(result '.interfaces[1].name')
	check_has "$(ip -n pod link show eth0)" "mtu 1400"
	check_equal "$(cat "/sys/class/net/$port/brport/hairpin_mode")" 1
	check_equal "$(cat "/sys/class/net/$port/brport/isolated")" 1
	cni DEL "$config"
	cni ADD "$(with '.promiscMode = true')"
	check_has "$(ip link show cni1)" PROMISC
	cni DEL "$config"
	cni ADD "$(with '.hairpinMode = true | .promiscMode = true')"
	cni_code 7 "exclude each other"
	cni ADD "$(with '.isDefaultGateway = false | .isGateway = true')"
	check_equal "$(ip -n pod route show default)" "" "the default route"
	unpod pod
}
test_case "mtu, hairpinMode, portIsolation, promiscMode, isGateway" bridge_keys

masquerade_keys() {
	pods pod
	cni ADD "$(with '.ipMasq = true | .ipMasqBackend = "nftables"')"
	check_status 0
	check_has "$(nft list set inet mocker masquerade4)" "10.88.0."
	cni DEL "$config"
	check_lacks "$(nft list set inet mocker masquerade4)" "10.88.0."
	cni ADD "$(with '.ipMasq = false')"
	check_lacks "$(nft list set inet mocker masquerade4)" "10.88.0."
	unpod pod
}
test_case "ipMasq" masquerade_keys

duplicate_detection() {
	local mine

	pods pod
	mine=$(with '.ipam = {ranges: [[{subnet: "fd88::/64"}]]}')
	cni ADD "$mine"
	check_status 0
	check_lacks "$(ip -n pod -6 address show dev eth0)" tentative
	# By which the host asks for whom it forwards to.
	check_has "$(ip -6 -o address show dev cni1 scope link)" "inet6 fe80::"
	check_lacks "$(ip -6 -o address show dev cni1)" tentative
	check_equal "$(in_pod cat /proc/sys/net/ipv6/conf/eth0/accept_dad)" 0
	check_equal "$(in_pod cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" 0
	check in_pod busybox ping -6 -c 1 -W 20 fd88::1 >/dev/null
	cni DEL "$mine"
	cni ADD "$(jq -c '.isDefaultGateway = false | .bridge = "cni9"' <<<"$mine")"
	check_status 0
	check_equal "$(ip -6 -o address show dev cni9)" "" "addresses of a bridge that is no gateway"
	cni DEL "$mine"
	cni ADD "$(jq -c '.enabledad = true' <<<"$mine")"
	check_equal "$(in_pod cat /proc/sys/net/ipv6/conf/eth0/accept_dad)" 1
	check wait_until 20 sh -c '! ip -n pod -6 address show dev eth0 | grep -q tentative'
	unpod pod
}
test_case "IPv6 without detecting duplicates, and with it by enabledad" duplicate_detection

spoofing() {
	pods pod other
	cni ADD "$(with '.macspoofchk = true')"
	check_status 0
	netns=/run/netns/other container=pod2 cni ADD "$config"
	check in_pod busybox ping -c 1 -W 20 10.88.0.1 >/dev/null
	ip -n pod link set eth0 address 02:00:00:00:00:99
	check_not in_pod busybox ping -c 1 -W 1 10.88.0.1 >/dev/null
	ip -n other link set eth0 address 02:00:00:00:00:98 # not asked for there
	check ip netns exec other busybox ping -c 1 -W 20 10.88.0.1 >/dev/null
	nft flush ruleset
	mocker-netsetup reload
	check_not in_pod busybox ping -c 1 -W 1 10.88.0.1 >/dev/null
	cni DEL "$config"
	check_lacks "$(nft list table bridge mocker)" veth
	unpod pod other
}
test_case "macspoofchk drops what comes from a made-up MAC address" spoofing

# An overlay, for /etc is the machine's.
allowed_sysctls() {
	local mine

	mkdir -p "$tmp/etc/cni/tuning" "$tmp/etc-work"
	printf '%s\n' '^net\.core\.somaxconn$' '^net\.ipv4\.conf\..*\.log_martians$' \
		>"$tmp/etc/cni/tuning/allowlist.conf"
	mount -t overlay -o "lowerdir=/etc,upperdir=$tmp/etc,workdir=$tmp/etc-work" overlay /etc ||
		{ mkdir -p /etc/cni && mount --bind "$tmp/etc/cni" /etc/cni; }
	pods pod
	mine=$(with '.sysctl = {"net.core.somaxconn": "77",
		"net.ipv4.conf.IFNAME.log_martians": "1"} | .txQLen = 55 | .allmulti = true |
		.promisc = true | .mac = "02:00:00:00:00:55"')
	cni ADD "$mine"
	check_status 0
	check_equal "$(in_pod cat /proc/sys/net/core/somaxconn)" 77
	check_matches "$(ip -n pod link show eth0)" 'ALLMULTI.*PROMISC.*qlen 55'
	check_has "$(ip -n pod link show eth0)" 02:00:00:00:00:55
	cni DEL "$mine"
	cni ADD "$(jq -c '.sysctl = {"net.ipv4.ip_forward": "1"}' <<<"$mine")"
	cni_code 7 'sysctl "net.ipv4.ip_forward" is not among those of /etc/cni/tuning'
	check_equal "$(ip -o link show type veth | wc -l)" 0
	unpod pod
	umount /etc 2>/dev/null || umount /etc/cni
	rm -r "${tmp:?}/etc" "$tmp/etc-work"
}
test_case "tuning: the allow-list of sysctls, txQLen, allmulti, promisc, mac" allowed_sysctls

port_ranges() {
	pods pod
	cni ADD "$(with '.runtimeConfig.portMappings = [
		{hostPort: 9001, containerPort: 80, protocol: "tcp", hostIP: "127.0.0.1"},
		{hostPort: 9002, containerPort: 80, protocol: "tcp", hostIP: "0.0.0.0"},
		{hostPort: 9003, containerPort: 53, protocol: "udp"},
		{hostPort: 9004, containerPort: 7, protocol: "sctp"}, {containerPort: 1},
		{hostPort: 9020, containerPort: 79, range: 3}]')"
	check_status 0
	serve pod 80 pod
	check_equal "$(ask host 127.0.0.1 9001)" pod
	check_has "$(ask host 10.88.0.1 9001)" refused "another address"
	check_equal "$(ask host 10.88.0.1 9002)" pod
	check_has "$(nft list map inet mocker publish4)" "udp . 9003"
	check_has "$(nft list map inet mocker publish4)" "sctp . 9004"
	check_equal "$(ask host 127.0.0.1 9021)" pod "the second of a range"
	check_matches "$(nft list map inet mocker publish4)" \
		'tcp \. 9022 : 10\.88\.0\.[0-9]+ \. 81'
	stop_servers
	cni DEL "$config"
	cni ADD "$(with '.runtimeConfig.portMappings = [{hostPort: 65000, containerPort: 1, range: 1000}]')"
	cni_code 7 "ports are from 1 to 65535"
	cni ADD "$(with '.runtimeConfig.portMappings = [{hostPort: 9001, containerPort: 1, range: 3},
		{hostPort: 9003, containerPort: 1}]')"
	cni_code 7 "port 9003 is published twice"
	unpod pod
	check_lacks "$(nft list map inet mocker publish4)" 900
}
test_case "portMappings: addresses of the host, tcp, udp, sctp, nothing to publish" port_ranges

# The reference portmap and netavark leave those out in silence.
ports_of_no_address() {
	local ports='{portMappings: [{hostPort: 9031, containerPort: 80},
		{hostPort: 9032, containerPort: 80, hostIP: "::1"},
		{hostPort: 9033, containerPort: 80, hostIP: "0.0.0.0"},
		{hostPort: 9034, containerPort: 80, hostIP: "::"}]}'
	local list

	pods pod
	cni ADD "$(with ".runtimeConfig = $ports")"
	check_status 0
	check_has "$errors" \
		'port 9032 of the host is not published on ::1: "pod1" has no address of that family'
	check_equal "$(grep -oE 'port [0-9]+' <<<"$errors" | xargs)" "port 9032 port 9034"
	check_equal "$(nft list map inet mocker publish4 | grep -oE '90[0-9]+' | sort -u | xargs)" \
		"9031 9033"
	cni DEL "$config"
	cni ADD "$(with ".runtimeConfig = $ports | .bridge = \"cni6\" |
		.ipam.ranges = [[{subnet: \"10.83.0.0/24\"}], [{subnet: \"fd83::/64\"}]] | del(.ipam.subnet)")"
	check_status 0
	check_lacks "$errors" "is not published"
	cni DEL "$config"
	cni ADD "$(with ".runtimeConfig = $ports | .ipam = {} | .isDefaultGateway = false")"
	check_status 0
	check_has "$errors" 'port 9031 of the host is not published: "pod1" has no address'
	cni DEL "$config"
	[ ! -x /usr/lib/cni/bridge ] || {
		list=$(jq -c ".runtimeConfig = $ports | .plugins[0].type = \"bridge\" |
			.plugins[1].type = \"mocker-netsetup\" | .plugins |= .[:2]" <<<"$whole_chain")
		chain ADD "$list"
		check_status 0
		check_has "$errors" 'port 9032 of the host is not published on ::1'
		check_lacks "$errors" 9031
		chain DEL "$list"
		iptables -t nat -F && iptables -t nat -X && nft flush ruleset
	}
	unpod pod
}

# The address that a neighbour's question to a published port comes from: masqAll hides it
# behind the host's, snat false leaves it even where no answer can come back.
sources() {
	local mine

	mine=$(with '.isDefaultGateway = true | .ipMasq = false |
		.runtimeConfig.portMappings = [{hostPort: 9010, containerPort: 80, protocol: "tcp"}]')
	another_host outside
	pods pod other
	netns=/run/netns/other container=pod2 cni ADD "$(with '.ipMasq = true')"
	cni ADD "$mine"
	serve pod 80 PEER
	check_equal "$(ask outside 10.99.0.1 9010)" 10.99.0.2 "a source outside"
	check_equal "$(ask other 10.88.0.1 9010)" 10.88.0.1 "a neighbour's"
	check_equal "$(ask host 127.0.0.1 9010)" 10.88.0.1 "the host's"
	stop_servers
	cni DEL "$mine"
	cni ADD "$(jq -c '.masqAll = true' <<<"$mine")"
	check_status 0
	serve pod 80 PEER
	check_equal "$(ask outside 10.99.0.1 9010)" 10.88.0.1 "a source outside, with masqAll"
	stop_servers
	cni CHECK "$(with_prev "$(jq -c '.masqAll = true' <<<"$mine")")"
	check_status 0
	cni DEL "$mine"
	echo 0 >/proc/sys/net/ipv4/conf/cni1/route_localnet
	cni ADD "$(jq -c '.snat = false' <<<"$mine")"
	check_status 0
	serve pod 80 PEER
	check_equal "$(ask outside 10.99.0.1 9010)" 10.99.0.2 "a source outside, without snat"
	check_has "$(ask pod 10.88.0.1 9010)" "timed out" "hairpin, without snat"
	check_has "$(ask host 127.0.0.1 9010)" "timed out" "the host's, without snat"
	check_equal "$(cat /proc/sys/net/ipv4/conf/cni1/route_localnet)" 0
	stop_servers
	cni DEL "$mine"
	check_lacks "$(nft list table inet mocker)" "10.88.0.3"
	ip netns del outside
	unpod pod other
}
test_case "snat and masqAll: what a published port's senders are seen as" sources

# From one port of the client's each time, so that the kernel takes it for one connection.
asked_before() {
	local both

	both=$(with '.bridge = "cni7" | .ipam = {ranges: [[{subnet: "10.85.0.0/24"}], [{subnet: "fd85::/64"}]]}')
	another_host outside
	ip address add fd99::1/64 dev outside0 nodad
	ip -n outside address add fd99::2/64 dev eth0 nodad
	pods pod other
	# Whose rules make the kernel remember connections.
	netns=/run/netns/other container=pod2 cni ADD "$(jq -c '.ipMasq = true' <<<"$both")"
	check_has "$(ask_udp outside 10.99.0.1 5300 4444)" refused
	check_has "$(ask_udp outside '[fd99::1]' 5300 4444)" refused
	cni ADD "$(jq -c '.runtimeConfig.portMappings =
		[{hostPort: 5300, containerPort: 53, protocol: "udp"}]' <<<"$both")"
	check_status 0
	serve_udp pod 53 pod
	check_equal "$(ask_udp outside 10.99.0.1 5300 4444)" pod
	check_equal "$(ask_udp outside '[fd99::1]' 5300 4444)" pod
	stop_servers
	cni DEL "$both"
	ip netns del outside
	unpod pod other
}
test_case "a client that asked by UDP before its port was published is answered" asked_before

idle() {
	local mine

	mine=$(with '.disableContainerInterface = true | del(.ipam, .isDefaultGateway)')
	pods pod
	cni ADD "$mine"
	check_status 0
	check_equal "$(result '.ips | length')" 0
	check_lacks "$(ip -n pod link show eth0)" "UP"
	cni CHECK "$(with_prev "$mine")"
	check_status 0
	cni DEL "$mine"
	check_status 0
	# As the reference bridge's documentation has it.
	mine=$(with '.disableContainerInterface = true | .isDefaultGateway = false | .ipam = {}')
	cni ADD "$mine"
	check_status 0
	check_equal "$(result '.ips | length')" 0
	cni DEL "$mine"
	cni ADD "$(with '.disableContainerInterface = true')"
	cni_code 7 "an interface that stays down has no addresses"
	unpod pod
}
test_case "disableContainerInterface" idle

# Each by the code that the specification has for it, before anything is made.
codes() {
	local key message

	pods pod
	while IFS='~' read -r key message; do
		cni ADD "$(with "$key")"
		cni_code 7 "$message"
	done <<-'END'
		.mac = "zz"~is no MAC address
		.runtimeConfig.mac = "01:00:00:00:00:01"~is a multicast address
		.runtimeConfig.ips = ["192.0.2.1"]~192.0.2.1 is in no subnet of network "net1"; ask for one of 10.88.0.0/24
		.runtimeConfig.ips = ["fd88::5/64"]~fd88::5 is in no subnet of network "net1"
		.runtimeConfig.ips = ["10.88.0.5/24"] | .ipam = {}~10.88.0.5 cannot be had of network "net1", which gives no addresses
		.args.cni.ips = ["10.88.0.5"] | del(.ipam)~10.88.0.5 cannot be had of network "net1"
		.ipam.rangeEnd = "10.88.0.9" | .args.cni.ips = ["10.88.0.10"]~10.88.0.10 is not among
		.runtimeConfig.ips = ["10.88.0.5", "10.88.0.6"]~10.88.0.5 and 10.88.0.6 are of one set
		.kind = "macvlan" | .master = "lo" | .mode = "zz"~zz
	END
	ifname=lo cni ADD "$config"
	cni_code 4 'cannot be called "lo"'
	cni_args='IP=10.88.0.5' cni ADD "$(with '.ipam = {}')"
	cni_code 7 '10.88.0.5 cannot be had of network "net1"'
	cni ADD "$(with '.prevResult = {"interfaces": []} | .mac = "zz"')"
	cni_code 7 "is no MAC address"
	check_equal "$(ip -o link show type veth | wc -l)" 0
	unpod pod
}
test_case "what cannot be asked for is refused with the specification's code" codes

# What the reference plugins take too, but means nothing here or cannot be had.
words() {
	pods pod
	cni ADD "$(with '.backend = "iptables" | .ipMasqBackend = "nftables" |
		.markMasqBit = 5 | .externalSetMarkChain = "KUBE-MARK-MASQ"')"
	check_status 0
	cni DEL "$config"
	cni ADD "$(with '.backend = "ipchains"')"
	cni_code 7 'backend'
	cni ADD "$(with '.ipMasqBackend = "ipchains"')"
	cni_code 7 'ipMasqBackend'
	cni ADD "$(with '.ipMasqBackend = "firewalld"')"
	cni_code 7 'ipMasqBackend'
	cni ADD "$(with '.iptablesAdminChainName = "MINE"')"
	cni_code 2 "iptablesAdminChainName"
	check_equal "$(ip -o link show type veth | wc -l)" 0
	unpod pod
}
test_case "backends, marks and chains: taken or refused by name" words

args_cni() {
	pods pod
	cni ADD "$(with '.sysctl = {"net.core.somaxconn": "77"} | .promisc = true | .args.cni =
		{sysctl: {"net.core.somaxconn": "78", "net.ipv4.conf.IFNAME.log_martians": "1"},
		mtu: 1350, allmulti: true, promisc: false, txQLen: 66}')"
	check_status 0
	check_equal "$(in_pod cat /proc/sys/net/core/somaxconn)" 78
	check_equal "$(in_pod cat /proc/sys/net/ipv4/conf/eth0/log_martians)" 1
	check_matches "$(ip -n pod link show eth0)" 'ALLMULTI.*mtu 1350.*qlen 66'
	check_lacks "$(ip -n pod link show eth0)" PROMISC
	unpod pod
}
test_case "args.cni goes before the configuration's own keys" args_cni

kinds() {
	ip link add parent0 type veth peer name parent1
	ip link set parent0 up
	ip link set parent1 up
	pods pod
	cni ADD "$(with '.kind = "macvlan" | .master = "parent0" | .mode = "private"')"
	check_status 0
	check_equal "$(result '.interfaces | length')" 1 "interfaces in the result"
	check_equal "$(result '.ips[0].interface')" 0
	check_has "$(ip -n pod -d link show eth0)" "macvlan mode private"
	cni CHECK "$(with_prev "$(with '.kind = "macvlan" | .master = "parent0"')")"
	check_status 0
	cni DEL "$config"
	check_equal "$(ip -n pod -o link | wc -l)" 1
	cni ADD "$(with '.kind = "host-device" | .device = "parent0" | .mtu = 1300')"
	check_status 0
	check_has "$(ip -n pod link show eth0)" "mtu 1300"
	check_has "$(ip -n pod address show eth0)" "10.88.0."
	check_not ip link show parent0 2>/dev/null
	container=pod2 ifname=eth1 cni ADD "$(with '.kind = "host-device" | .device = "parent0"')"
	cni_code 100 "does another container have it?"
	cni DEL "$config"
	check_status 0
	check ip link show parent0 >/dev/null
	check_equal "$(ip -n pod -o link | wc -l)" 1
	cni ADD "$(with '.kind = "host-device"')"
	cni_code 7 '"device"'
	cni ADD "$(with '.kind = "host-device" | .device = "lo"')"
	cni_code 100 "cannot be given away"
	cni ADD "$(with '.kind = "host-device" | .device = "parent0" | .mode = "x"')"
	check_status 0
	cni DEL "$config"
	ip link del parent0
	unpod pod
}
test_case "macvlan and host-device" kinds

shared_leases() {
	local reference ours theirs

	[ -x /usr/lib/cni/host-local ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	reference=$(with '.cniVersion = "1.0.0" | .type = "bridge" | .ipam.dataDir = "/run/cni"')
	ours=$(jq -c '.type = "mocker-netsetup"' <<<"$reference")
	pods pod other
	plugin=/usr/lib/cni/bridge container=pod2 netns=/run/netns/other cni ADD "$reference"
	check_status 0
	theirs=$(result '.ips[0].address')
	cni ADD "$ours"
	check_status 0
	check_lacks "$(result '.ips[0].address')" "$theirs"
	check_equal "$(find /run/cni/net1 -name '10.*' | wc -l)" 2 "host-local's leases"
	check in_pod busybox ping -c 1 -W 20 "${theirs%/*}" >/dev/null
	ip netns del pod
	netns='' cni DEL "$ours"
	check_status 0
	check_equal "$(find /run/cni/net1 -name '10.*' | wc -l)" 1 "host-local's leases"
	plugin=/usr/lib/cni/bridge container=pod2 netns=/run/netns/other cni DEL "$reference"
	ip netns del other
}
test_case "host-local's own leases, shared with the reference bridge, by dataDir" shared_leases

# The dhcp plugin's daemon asks on the container's interface; dnsmasq answers there.
by_dhcp() {
	local mine daemon server

	[ -x /usr/lib/cni/dhcp ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	needs dnsmasq || return
	mine=$(with '.cniVersion = "1.0.0" | .isGateway = true | .ipam = {type: "dhcp"} | .bridge = "cni5"')
	ip link add cni5 type bridge
	ip address add 10.86.0.1/24 dev cni5
	ip link set cni5 up
	dnsmasq --keep-in-foreground --port=0 --interface=cni5 --bind-interfaces --leasefile-ro \
		--dhcp-range=10.86.0.50,10.86.0.60,1h --conf-file=/dev/null --pid-file= \
		--user=root 2>"$tmp/dnsmasq.log" &
	server=$!
	mkdir -p /run/cni
	/usr/lib/cni/dhcp daemon 2>"$tmp/dhcp.log" &
	daemon=$!
	check wait_until 60 test -S /run/cni/dhcp.sock
	pods pod
	cni_args='IgnoreUnknown=1;IP=10.86.0.99' cni ADD "$mine"
	check_status 0
	check_has "$errors" "the IPAM plugin dhcp did not give 10.86.0.99, which was asked for"
	check_matches "$(ip -n pod address show eth0)" 'inet 10\.86\.0\.[56][0-9]/24'
	check in_pod busybox ping -c 1 -W 20 10.86.0.1 >/dev/null
	cni DEL "$mine"
	check_status 0
	ip netns del pod
	kill $daemon $server
	wait $daemon $server 2>/dev/null
	rm -f "$tmp"/*.log
	ip link del cni5
}
test_case "addresses by DHCP" by_dhcp

whole_chain='{"cniVersion":"1.0.0","name":"net1","runtimeConfig":{"portMappings":
	[{"hostPort":9100,"containerPort":80,"protocol":"tcp"}],
	"bandwidth":{"ingressRate":800000000,"ingressBurst":8000000}},"plugins":[
	{"type":"bridge","bridge":"cni1","isDefaultGateway":true,"ipMasq":true,
	"ipam":{"type":"host-local","subnet":"10.88.0.0/24","dataDir":"/run/cni"}},
	{"type":"portmap","capabilities":{"portMappings":true}},
	{"type":"firewall","ingressPolicy":"same-bridge"},
	{"type":"bandwidth","capabilities":{"bandwidth":true}},
	{"type":"tuning","sysctl":{"net.core.somaxconn":"88"}}]}'

# Each entry of the chain in turn becomes ours, and then all of them.
replaced() { # JQ FILTER
	local list

	[ -x /usr/lib/cni/bridge ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	list=$(jq -c "$1" <<<"$whole_chain")
	ip netns add pod
	chain ADD "$list"
	check_status 0
	check_has "$(result '.ips[0].address')" 10.88.0.
	serve pod 80 chain
	check_equal "$(ask host 10.88.0.1 9100)" chain
	check_equal "$(ask host 127.0.0.1 9100)" chain
	stop_servers
	check_equal "$(in_pod cat /proc/sys/net/core/somaxconn)" 88
	check_has "$(tc qdisc show)" "tbf"
	chain DEL "$list"
	check_status 0
	check_equal "$(ip -n pod -o link | wc -l)" 1
	check_lacks "$(nft list ruleset)" 9100
	ip netns del pod
	iptables -F && iptables -t nat -F && iptables -X && iptables -t nat -X
	nft flush ruleset
}
for i in 0 1 2 3 4; do
	test_case "the chain with entry $i of ours" replaced ".plugins[$i].type = \"mocker-netsetup\""
done
test_case "a chain of ours alone" replaced '.plugins[].type = "mocker-netsetup"'
test_case "portMappings to a family that the container does not have are named" ports_of_no_address
test_case "one entry in place of the chain" replaced '.plugins = [.plugins[0] +
	{type: "mocker-netsetup", capabilities: {portMappings: true, bandwidth: true},
	ingressPolicy: "same-bridge", sysctl: {"net.core.somaxconn": "88"}}]'
