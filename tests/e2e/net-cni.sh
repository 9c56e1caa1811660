#!/bin/bash
# mocker-netsetup as a CNI plugin, driven as the specification says: each command in each
# version, alone, in a chain after the reference plugins, and with another IPAM plugin.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /run/cni|^file /var/lib/(cni|mocker/networks)'

config='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"cni1",
	"isDefaultGateway":true,"ipMasq":true,
	"ipam":{"type":"host-local","ranges":[[{"subnet":"10.88.0.0/29"}],
		[{"subnet":"fd88::/64"}]],"routes":[{"dst":"0.0.0.0/0"}]},
	"capabilities":{"portMappings":true},
	"runtimeConfig":{"portMappings":[{"HostPort":8088,"ContainerPort":80,"Protocol":"TCP"}]}}'

of_version() {
	jq -c --arg version "$1" '.cniVersion = $version' <<<"$config"
}

whole_life() { # VERSION
	local mine prev

	mine=$(of_version "$1")
	ip netns add pod
	cni ADD "$mine"
	check_status 0
	check_equal "$(result .cniVersion)" "$1"
	check_equal "$(result '.ips[].address' | xargs)" \
		"$(ip -n pod -o address show dev eth0 scope global | awk '{ print $4 }' | xargs)"
	check_equal "$(result '.interfaces[2] | .name + " " + .sandbox')" "eth0 $netns"
	check_equal "$(result '.interfaces[2].mac')" \
		"$(ip -n pod -j link show eth0 | jq -r '.[0].address')"
	check_equal "$(result '.interfaces[0] | .name + " " + .mac')" \
		"cni1 $(ip -j link show cni1 | jq -r '.[0].address')"
	check_has "$(result '.routes[].dst' | xargs)" 0.0.0.0/0
	prev=$output
	cni ADD "$mine"
	check_status 1
	check_has "$(result .msg)" "already"
	output=$prev
	cni CHECK "$(with_prev "$mine")"
	if [ "$1" = 0.3.1 ]; then
		check_equal "$(result .code)" 1
	else
		check_status 0
		output=$prev
		ip -n pod link set eth0 down
		cni CHECK "$(with_prev "$mine")"
		check_status 1
		check_has "$(result .msg)" "eth0 is down"
	fi
	cni DEL "$mine"
	check_status 0
	check_output ""
	check_equal "$(ip -n pod -o link | wc -l)" 1
	ip netns del pod
	cni DEL "$mine"
	check_status 0
	netns='' cni DEL "$(jq -c 'del(.runtimeConfig)' <<<"$mine")"
	check_status 0
	check_equal "$(ip -o link show type veth | wc -l)" 0
}
for version in 0.3.1 0.4.0 1.0.0 1.1.0; do
	test_case "ADD, CHECK and DEL of $version" whole_life $version
done

versions() {
	cni VERSION '{"cniVersion":"1.0.0"}'
	check_status 0
	check_equal "$(result '.cniVersion + " " + (.supportedVersions | join(" "))')" \
		"1.0.0 0.3.0 0.3.1 0.4.0 1.0.0 1.1.0"
	cni GC "$(of_version 1.0.0)"
	check_equal "$(result .code)" 1
}
test_case "VERSION, and what a version does not have" versions

status_and_gc() {
	local small

	small=$(jq -c '.name = "small" | .bridge = "cni3" | .ipam.ranges = [[{"subnet":"10.87.0.0/30"}]]' <<<"$config")
	ip netns add pod
	cni STATUS "$small"
	check_status 0
	cni ADD "$small"
	check_status 0
	cni STATUS "$small"
	check_status 1
	check_equal "$(result .code)" 50
	cni GC "$(jq -c '."cni.dev/valid-attachments" = [{containerID: "pod1", ifname: "eth0"}]' \
		<<<"$small")"
	check_status 0
	check ip -n pod link show eth0 >/dev/null
	cni GC "$small" # no list is not an empty one
	cni_code 7 'GC needs the list "cni.dev/valid-attachments"'
	cni GC "$(jq -c '."cni.dev/valid-attachments" = null' <<<"$small")"
	cni_code 7 'GC needs the list'
	cni GC "$(jq -c '."cni.dev/attachments" = [{containerID: "pod1", ifname: "eth0"}]' \
		<<<"$small")"
	check_status 0
	check ip -n pod link show eth0 >/dev/null
	cni GC "$(jq -c '."cni.dev/valid-attachments" = []' <<<"$small")"
	check_status 0
	check_not ip -n pod link show eth0 2>/dev/null
	cni STATUS "$small"
	check_status 0
	check_lacks "$(nft list table inet mocker)" 10.87.
	ip netns del pod
}
test_case "STATUS of a full pool is an error, GC empties it" status_and_gc

# of_network NAME JQ: another network than $config, on a bridge and a subnet of its own.
of_network() {
	jq -c --arg name "$1" ".name = \$name | .bridge = \"cni3\" |
		.ipam.ranges = [[{subnet: \"10.88.3.0/29\"}]] | $2" <<<"$config"
}

others_stay() {
	run mocker-netsetup network create a --internal --subnet 10.9.0.0/24 \
		--interface cni4
	run mocker-netsetup add web
	run mocker-netsetup add web --network a --interface eth1
	cni GC "$(of_network default '."cni.dev/valid-attachments" = []')"
	check_status 0
	cni GC "$(of_network a '."cni.dev/valid-attachments" = []')"
	check_status 0
	container=web netns=/run/netns/web cni DEL "$(of_network default .)"
	check_status 0
	container=web netns=/run/netns/web ifname=eth1 cni DEL "$(of_network a .)"
	check_status 0
	run mocker-netsetup check web
	check_status 0
	check_equal "$(ip -n web -o link show type veth | wc -l)" 2
	run mocker-netsetup del web
	run mocker-netsetup network rm a
	cni ADD "$(of_network a+b .)"
	cni_code 7 '"a+b" cannot be the name of a network'
	container=a+b cni ADD "$(of_network a .)"
	cni_code 4 '"a+b" cannot be the name of a container'
}
test_case "GC and DEL of a network leave alone what people attached" others_stay

# The process whose namespace it is called ends, and the namespace lives on.
valid_stays() {
	local pid

	ip netns add pod
	ip netns exec pod sleep 1000 &
	pid=$!
	wait_until 20 test "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$pid/ns/net)"
	netns=/proc/$pid/ns/net cni ADD "$(of_network long .)"
	check_status 0
	kill $pid && wait $pid 2>/dev/null
	cni GC "$(of_network long '."cni.dev/valid-attachments" =
		[{containerID: "pod1", ifname: "eth0"}]')"
	check_status 0
	check ip -n pod link show eth0 >/dev/null
	cni GC "$(of_network long '."cni.dev/valid-attachments" = []')"
	check_status 0
	check_not ip -n pod link show eth0 2>/dev/null
	ip netns del pod
}
test_case "what is listed as valid is never garbage" valid_stays

gone_with_netns() {
	ip netns add pod
	cni ADD "$config"
	check_status 0
	ip netns del pod
	netns='' cni DEL "$config"
	check_status 0
	ip netns add pod
	cni ADD "$config"
	check_status 0
	cni DEL "$config"
	ip netns del pod
}
test_case "DEL after the namespace is gone frees everything" gone_with_netns

published() {
	ip netns add pod
	cni ADD "$config"
	serve pod 80 pod
	check_equal "$(ask host 127.0.0.1 8088)" pod
	stop_servers
	cni DEL "$config"
	ip netns del pod
}
test_case "portMappings with containerd's capital letters" published

reference_bridge='{"cniVersion":"1.0.0","name":"net2","type":"bridge","bridge":"cni2",
	"isDefaultGateway":true,"ipam":{"type":"host-local","subnet":"10.89.0.0/24",
	"dataDir":"/run/cni"}}'

chained() {
	local ours prev

	[ -x /usr/lib/cni/bridge ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	ip netns add pod
	plugin=/usr/lib/cni/bridge cni ADD "$reference_bridge"
	check_status 0
	prev=$(jq -c . <<<"$output")
	ours=$(jq -nc --argjson prev "$output" '{cniVersion: "1.0.0", name: "net2",
		type: "mocker-netsetup", prevResult: $prev, runtimeConfig: {portMappings:
		[{hostPort: 9090, containerPort: 80, protocol: "tcp"}]}}')
	cni ADD "$ours"
	check_status 0
	check_equal "$(jq -c . <<<"$output")" "$prev" "the result passed on"
	serve pod 80 chained
	check_equal "$(ask host 127.0.0.1 9090)" chained
	stop_servers
	cni DEL "$ours"
	check_status 0
	check ip -n pod link show eth0 >/dev/null
	check_lacks "$(nft list table inet mocker)" 9090
	plugin=/usr/lib/cni/bridge cni DEL "$reference_bridge"
	ip netns del pod
}
test_case "in a chain after the reference bridge" chained

side_by_side() {
	local ours their

	[ -x /usr/lib/cni/bridge ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	ours=$(jq -c '.cniVersion = "1.1.0" | .name = "net3" | .type = "mocker-netsetup" |
		.ipam.rangeStart = "10.89.0.100" | del(.ipam.dataDir)' <<<"$reference_bridge")
	ip netns add pod
	ip netns add their
	netns=/run/netns/their plugin=/usr/lib/cni/bridge cni ADD "$reference_bridge"
	check_status 0
	their=$(result '.ips[0].address | sub("/.*"; "")')
	cni ADD "$ours"
	check_status 0
	check_equal "$(result '.ips[0].address')" 10.89.0.100/24
	check ip netns exec pod busybox ping -c 1 -W 20 "$their" >/dev/null
	cni DEL "$ours"
	check_status 0
	netns=/run/netns/their plugin=/usr/lib/cni/bridge cni DEL "$reference_bridge"
	ip netns del pod
	ip netns del their
}
test_case "on one bridge with the reference plugin" side_by_side

delegated() {
	local mine

	[ -x /usr/lib/cni/static ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	mine=$(jq -c '.cniVersion = "1.0.0" | .bridge = "cni4" | .ipam = {type: "static",
		addresses: [{address: "10.90.0.5/24", gateway: "10.90.0.1"}],
		routes: [{dst: "192.0.2.0/24"}]}' <<<"$config")
	ip netns add pod
	cni ADD "$mine"
	check_status 0
	check_has "$(ip -n pod address show eth0)" 10.90.0.5/24
	check_has "$(ip -n pod route)" "192.0.2.0/24 via 10.90.0.1"
	check_has "$(ip address show cni4)" 10.90.0.1/24
	cni DEL "$mine"
	check_status 0
	cni ADD "$(jq -c '.ipam.type = "nowhere"' <<<"$mine")"
	check_status 1
	check_has "$(result .msg)" 'the IPAM plugin "nowhere" is not in CNI_PATH'
	cni ADD "$(jq -c '.ipam.addresses[0].address = "x"' <<<"$mine")"
	check_status 1
	check_has "$(result .msg)" "IPAM plugin static"
	check_equal "$(ip -o link show type veth | wc -l)" 0
	ip netns del pod
}
test_case "addresses from another IPAM plugin" delegated

# An IPAM plugin after which the host's end is dormant, as if the kernel had not come to see
# to its carrier; with $tmp/later it does once somebody has waited for that.
write_dormant() {
	mkdir -p "$tmp/dormant"
	cat >"$tmp/dormant/dormant" <<-END
		#!/bin/bash
		[ "\$CNI_COMMAND" = ADD ] || exit 0
		link=\$(ip -o link show type veth | sed 's/^[0-9]*: \([^@:]*\).*/\1/')
		ip link set dev "\$link" mode dormant
		later() {
			while grep -qv dormant "/sys/class/net/\$link/operstate"; do sleep 0.02; done
			sleep 0.5
			ip link set dev "\$link" state up
		}
		if [ -e "$tmp/later" ]; then
			later </dev/null >/dev/null 2>&1 &
		fi
		echo '{"cniVersion":"1.0.0","ips":[{"address":"10.91.0.5/24"}]}'
	END
	chmod 755 "$tmp/dormant/dormant"
}

carrier_comes_late() {
	local mine cni_path=$tmp/dormant link

	write_dormant
	mine=$(jq -c '.cniVersion = "1.0.0" | .bridge = "cni6" | .ipam = {type: "dormant"}' \
		<<<"$config")
	ip netns add pod
	touch "$tmp/later"
	cni ADD "$mine"
	check_status 0
	check_lacks "$errors" "no carrier"
	link=$(result '.interfaces[1].name')
	check_equal "$(cat "/sys/class/net/$link/operstate")" up "the state of the host's end"
	cni DEL "$mine"
	check_status 0

	rm "$tmp/later"
	cni ADD "$mine"
	check_status 0
	check_errors_have "$(result '.interfaces[1].name') has no carrier yet"
	cni DEL "$mine"
	check_status 0
	ip netns del pod
}
test_case "ADD waits for the carrier, and warns where none comes" carrier_comes_late

# Another container's record may be the one of this interface.
unreadable_record() {
	local record=/run/mocker/networks/attachments/web/eth0@default

	ip netns add pod
	run mocker-netsetup add web --netns "$netns"
	check_status 0
	mv "$record" "$tmp/record"
	echo "{" >"$record"
	cni DEL "$config"
	check_status 0
	check ip -n pod link show eth0 >/dev/null
	mv "$tmp/record" "$record"
	run mocker-netsetup del web
	check_status 0
	ip netns del pod
}
test_case "DEL leaves an interface that an unreadable record may be of" unreadable_record

limited() {
	local mine link

	mine=$(jq -c '.runtimeConfig = {bandwidth: {ingressRate: 8000000, ingressBurst: 160000,
		egressRate: 4000000, egressBurst: 160000}} |
		.sysctl = {"net.core.somaxconn": "500",
			"net.ipv4.conf.IFNAME.log_martians": "1"} | .txQLen = 77' <<<"$config")
	ip netns add pod
	cni ADD "$mine"
	check_status 0
	link=$(result '.interfaces[1].name')
	check_has "$(tc qdisc show dev "$link")" "tbf 1: root refcnt"
	check_has "$(tc qdisc show dev "$link")" "rate 8Mbit"
	check_has "$(tc qdisc show)" "rate 4Mbit"
	check_has "$(tc filter show dev "$link" ingress)" "mirred (Egress Redirect to device ifb"
	check ip netns exec pod busybox ping -c 1 -W 20 10.88.0.1 >/dev/null
	check_equal "$(ip netns exec pod cat /proc/sys/net/core/somaxconn)" 500
	check_equal "$(ip netns exec pod cat /proc/sys/net/ipv4/conf/eth0/log_martians)" 1
	check_has "$(ip -n pod link show eth0)" "qlen 77"
	cni DEL "$mine"
	check_status 0
	check_equal "$(ip -o link show type ifb | wc -l)" 0
	cni ADD "$(jq -c '.sysctl = {"kernel.panic": "1"}' <<<"$mine")"
	check_status 1
	check_has "$(result .msg)" "only those below net"
	ip netns del pod
}
test_case "bandwidth and tuning" limited
