#!/bin/bash
# CHECK of the CNI, and check by hand: each thing that an attachment consists of, damaged in
# turn, is seen and named; mended, all is well again.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /var/lib/mocker/networks'

config='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"cni1",
	"isGateway":true,"mtu":1400,"promisc":true,"promiscMode":true,"txQLen":70,
	"sysctl":{"net.ipv4.conf.IFNAME.log_martians":"1","net.ipv4.tcp_rmem":"4096 131072 6291456"},
	"runtimeConfig":{"bandwidth":{"ingressRate":8000000,"ingressBurst":160000,
		"egressRate":4000000,"egressBurst":160000}},
	"ipam":{"type":"host-local","ranges":[[{"subnet":"10.88.0.0/24"}],[{"subnet":"fd88::/64"}]],
	"routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"},{"dst":"192.0.2.0/24","gw":"10.88.0.9"},
		{"dst":"198.51.100.0/24","table":99}]}}'

# sees MESSAGE DAMAGE... -- MEND...: with the result of ADD in $kept.
sees() {
	local message=$1 damage=()

	shift
	while [ "$1" != -- ]; do
		damage+=("$1")
		shift
	done
	shift
	"${damage[@]}"
	output=$kept
	cni CHECK "$(with_prev "$config")"
	cni_code 100 "$message"
	"$@"
	output=$kept
	cni CHECK "$(with_prev "$config")"
	check_status 0
}

damaged() {
	local link ifb mac kept lease

	ip netns add pod
	cni ADD "$config"
	check_status 0
	kept=$output
	link=$(result '.interfaces[1].name')
	mac=$(result '.interfaces[2].mac')
	ifb=$(ip -o link show type ifb | awk -F': ' '{ print $2 }')
	sees "the default route through 10.88.0.1 is lost" \
		ip -n pod route del default -- ip -n pod route add default via 10.88.0.1
	sees "the default route through fd88::1 is lost" \
		ip -n pod -6 route del default -- ip -n pod -6 route add default via fd88::1
	sees "the route to 192.0.2.0/24 is lost" \
		ip -n pod route del 192.0.2.0/24 -- ip -n pod route add 192.0.2.0/24 via 10.88.0.9
	sees "the route to 198.51.100.0/24 is lost" ip -n pod route flush table 99 -- \
		ip -n pod route add 198.51.100.0/24 via 10.88.0.1 table 99
	sees "limits of bandwidth are lost" tc qdisc del dev "$link" root -- \
		tc qdisc add dev "$link" root tbf rate 8mbit burst 20000 latency 25ms
	sees "limits of bandwidth are lost" tc qdisc del dev "$ifb" root -- \
		tc qdisc add dev "$ifb" root tbf rate 4mbit burst 20000 latency 25ms
	sees "sysctl net.ipv4.conf.IFNAME.log_martians is not \"1\"" \
		in_pod sh -c 'echo 0 >/proc/sys/net/ipv4/conf/eth0/log_martians' -- \
		in_pod sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/log_martians'
	sees "eth0 has an MTU of 1300, not 1400" \
		ip -n pod link set eth0 mtu 1300 -- ip -n pod link set eth0 mtu 1400
	sees "eth0 is not promiscuous" \
		ip -n pod link set eth0 promisc off -- ip -n pod link set eth0 promisc on
	sees "eth0 has a queue of 1000, not 70" \
		ip -n pod link set eth0 txqueuelen 1000 -- ip -n pod link set eth0 txqueuelen 70
	sees "eth0 has the MAC address 02:00:00:00:00:07, not prevResult's" \
		ip -n pod link set eth0 address 02:00:00:00:00:07 -- \
		ip -n pod link set eth0 address "$mac"
	sees "eth0 has lost the address fd88::2/64" ip -n pod address del fd88::2/64 dev eth0 -- \
		ip -n pod address add fd88::2/64 dev eth0 nodad
	sees "cni1 has lost the gateway's address 10.88.0.1" \
		ip address del 10.88.0.1/24 dev cni1 -- ip address add 10.88.0.1/24 dev cni1
	sees "the bridge cni1 is not promiscuous" \
		ip link set cni1 promisc off -- ip link set cni1 promisc on
	lease=$(find /run/mocker/networks/pools/net1 -name 10.88.0.2)
	sees "its lease of 10.88.0.2 is lost" rm "$lease" -- ln -s pod1/eth0 "$lease"
	cni DEL "$config"
	check_status 0
	ip netns del pod
}

in_pod() {
	ip netns exec pod "$@"
}
test_case "CHECK sees each part of an attachment that is damaged" damaged

# The result that the caller kept is compared both ways.
other_results() {
	local kept change message

	ip netns add pod
	cni ADD "$config"
	kept=$output
	while IFS='~' read -r change message; do
		output=$(jq -c "$change" <<<"$kept")
		cni CHECK "$(with_prev "$config")"
		check_status 1
		check_has "$(result .msg)" "$message"
	done <<-'END'
		.interfaces[2].mac = "02:00:00:00:00:09"~not prevResult's 02:00:00:00:00:09
		.interfaces[2].mtu = 1234~eth0 has an MTU of 1400, not 1234
		.interfaces[2].name = "eth7"~prevResult has no interface eth0
		.ips += [{address: "10.88.0.77/24", interface: 2}]~has lost the address 10.88.0.77/24
		.ips += [{address: "10.88.0.77/24"}]~has lost the address 10.88.0.77/24
		del(.ips[0])~prevResult lacks the address 10.88.0.
	END
	output=$(jq -c '.ips += [{address: "192.0.2.7/24", interface: 0}]' <<<"$kept")
	cni CHECK "$(with_prev "$config")"
	check_status 0 # another interface's is not ours
	cni DEL "$config"
	ip netns del pod
}
test_case "CHECK compares the result that the caller kept" other_results

by_hand() {
	mocker-netsetup network create back --subnet 10.7.0.0/24
	mocker-netsetup network create front --subnet 10.8.0.0/24 --mtu 1400
	check mocker-netsetup add web --network back >/dev/null 2>&1
	check mocker-netsetup add web --network front --interface eth1 >/dev/null
	run mocker-netsetup check web # the first network has the default route
	check_status 0
	ip -n web link set eth1 mtu 1300
	run mocker-netsetup check web
	check_status 1
	check_equal "$output" "web front: eth1 has an MTU of 1300, not 1400"
	ip -n web link set eth1 mtu 1400
	ip address flush dev mocker1
	run mocker-netsetup check web
	check_equal "$output" "web back: mocker1 has lost the gateway's address 10.7.0.1"
	mocker-netsetup del web
	mocker-netsetup network rm back
	mocker-netsetup network rm front
}
test_case "check by hand, of a container with two networks" by_hand
