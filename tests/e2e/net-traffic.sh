#!/bin/bash
# Real traffic of both families: TCP, UDP and ICMP through bridge, masquerade and published
# ports to an outside host; limits, policies between containers and networks; what a
# container's neighbours notice when its address moves.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*(mocker[0-9]|outside0|cni[0-9]|foreign0)|^file /var/lib/mocker/networks'

set_up() {
	another_host outside
	ip address add fd99::1/64 dev outside0 nodad
	ip -n outside address add fd99::2/64 dev eth0 nodad
	ip -n outside route add default via fd99::1
	ip link set outside0 mtu 1420
	ip route add default via 10.99.0.2
	mocker-netsetup network create dual --subnet 10.7.0.0/24 --subnet fd07::/64 \
		--interface mocker1
}
test_setup set_up

ping_it() { # NETNS ADDRESS [SECONDS]
	wait_until "${3-60}" ip netns exec "$1" busybox ping -c 1 -W 1 "$2"
}

three_containers() {
	run mocker-netsetup add web --network dual --publish 8080:80 --publish 5353:53/udp
	check_output $'10.7.0.2\nfd07::2'
	run mocker-netsetup add db --network dual
	check_status 0
	run mocker-netsetup add far
	check_status 0
	check_equal "$(cat /sys/class/net/mocker1/mtu)" 1420 "the MTU of the way out"
	check_has "$(ip -n web link show eth0)" "mtu 1420"
}
test_step "a network of both families with the MTU of the host's way out" three_containers

bridged() {
	local address

	for address in 10.7.0.2 fd07::2; do
		check ping_it db $address
		check ping_it web "$([ $address = fd07::2 ] && echo fd07::1 || echo 10.7.0.1)"
	done
	serve6 web 80 web
	serve_udp web 53 web-udp
	check_equal "$(ask db 10.7.0.2 80)" web
	check_equal "$(ask db '[fd07::2]' 80)" web
	check_equal "$(ask_udp db 10.7.0.2 53)" web-udp
	check_equal "$(ask_udp db '[fd07::2]' 53)" web-udp
}
test_step "TCP, UDP and ICMP over the bridge" bridged

outward() {
	check ping_it web 10.99.0.2
	check ping_it web fd99::2
	serve6 outside 9000 PEER
	serve_udp outside 9053 outside-udp
	check_has "$(ask web 10.99.0.2 9000)" ffff:0a63:0001 # 10.99.0.1
	check_has "$(ask web '[fd99::2]' 9000)" fd99:0000:0000:0000:0000:0000:0000:0001
	check_equal "$(ask_udp web 10.99.0.2 9053)" outside-udp
	check_equal "$(ask_udp web '[fd99::2]' 9053)" outside-udp
}
test_step "TCP, UDP and ICMP outward, masqueraded" outward

bridge_netfilter6() { # 0|1
	[ ! -e /proc/sys/net/bridge ] || echo "$1" >/proc/sys/net/bridge/bridge-nf-call-ip6tables
}

inward() {
	check_equal "$(ask outside 10.99.0.1 8080)" web
	check_equal "$(ask outside '[fd99::1]' 8080)" web
	check_equal "$(ask_udp outside 10.99.0.1 5353)" web-udp
	check_equal "$(ask_udp outside '[fd99::1]' 5353)" web-udp
	check_equal "$(ask host 127.0.0.1 8080)" web
	check_equal "$(ask host 10.99.0.1 8080)" web
	check_equal "$(ask host '[fd99::1]' 8080)" web "the host's own address of IPv6"
	bridge_netfilter6 0 # which would translate before the kernel looks for ::1
	check_equal "$(ask host '[::1]' 8080)" web "the host's loopback of IPv6"
	bridge_netfilter6 1
	check_equal "$(ask web 10.7.0.1 8080)" web "hairpin"
	check_equal "$(ask web '[fd07::1]' 8080)" web "hairpin of IPv6"
	check_equal "$(ask db '[fd07::1]' 8080)" web "a neighbour's port by IPv6"
	check_equal "$(ask far 10.99.0.1 8080)" web "from another network"
	check_lacks "$(ask far 10.7.0.2 80)" web "another network without the port"
	check_lacks "$(ask outside '[fd07::2]' 9)" web
	stop_servers
}
test_step "published ports of both families, from everywhere" inward

by_curl_and_iperf() {
	needs iperf3 curl || return
	head -c 3000000 /dev/urandom >"$tmp/large"
	ip netns exec web busybox httpd -p 80 -h "$tmp" -f &
	check wait_until 60 listens web 80
	ip netns exec outside curl -s -m 20 http://10.99.0.1:8080/large >"$tmp/got"
	check cmp "$tmp/large" "$tmp/got"
	rm -f "$tmp/large" "$tmp/got"
	ip netns exec outside iperf3 -s -1 >/dev/null 2>&1 &
	check wait_until 60 listens outside 5201
	check_equal "$(ip netns exec web iperf3 -c 10.99.0.2 -n 4M -J | jq '.end.sum_sent.bytes >= 4000000 and .end.sum_received.bytes > 0')" true
	stop_servers
	run mocker-netsetup del far
	run mocker-netsetup del web
	run mocker-netsetup del db
}
test_case "megabytes by curl and iperf3" by_curl_and_iperf

# A slow machine only makes the rate lower; without a limit it is in gigabits.
limited() {
	local config

	needs iperf3 || return
	config='{"cniVersion":"1.0.0","name":"slow","type":"x","bridge":"cni1","isDefaultGateway":true,
		"ipam":{"subnet":"10.88.0.0/24"},"runtimeConfig":{"bandwidth":{"ingressRate":8000000,
		"ingressBurst":800000,"egressRate":8000000,"egressBurst":800000}}}'
	ip netns add pod
	cni ADD "$config"
	check_status 0
	for direction in "" -R; do
		ip netns exec pod iperf3 -s -1 >/dev/null 2>&1 &
		wait_until 60 listens pod 5201
		# shellcheck disable=SC2086 # none, or one
		run iperf3 -c 10.88.0.2 -t 3 -J $direction
		check_status 0
		check_equal "$(jq '.end.sum_received.bits_per_second | . > 100000 and . < 13000000' \
			<<<"$output")" true "the rate $direction"
		wait
	done
	cni DEL "$config"
	ip netns del pod
}
test_case "bandwidth is limited in both directions" limited

rate() { # NETNS ADDRESS [-R]: what iperf3 received, in bits a second
	ip netns exec "$1" iperf3 -s -1 >/dev/null 2>&1 &
	wait_until 60 listens "$1" 5201
	ip netns exec pod iperf3 -c "$2" -t 2 -J "${@:3}" | jq '.end.sum_received.bits_per_second'
	wait
}

# The outside host is in one subnet, a neighbour in the other; both families.
limited_by_subnet() {
	local key config slow=10.99.0.2 fast=10.88.0.2 direction

	needs iperf3 || return
	ip netns add pod
	for key in shapedSubnets unshapedSubnets; do
		config='{"cniVersion":"1.0.0","name":"slow","type":"x","bridge":"cni1",
			"isDefaultGateway":true,"ipMasq":true,
			"ipam":{"ranges":[[{"subnet":"10.88.0.0/24"}],[{"subnet":"fd88::/64"}]]},
			"runtimeConfig":{"bandwidth":{"ingressRate":8000000,"ingressBurst":800000,
			"egressRate":8000000,"egressBurst":800000,
			"'$key'":["10.99.0.0/16","fd99::/64","192.0.2.7/32"]}}}'
		ip netns add near
		container=near netns=/run/netns/near cni ADD \
			"$(jq -c 'del(.runtimeConfig) | .ipMasq = false' <<<"$config")"
		fast=$(result '.ips[0].address | sub("/.*"; "")')
		cni ADD "$config"
		check_status 0
		for direction in "" -R; do
			# shellcheck disable=SC2086 # none, or one
			if [ $key = shapedSubnets ]; then
				check_equal "$(rate outside $slow $direction | jq '. < 13000000')" true
				check_equal "$(rate outside fd99::2 $direction | jq '. < 13000000')" true
				check_equal "$(rate near "$fast" $direction | jq '. > 30000000')" true
			else
				check_equal "$(rate outside $slow $direction | jq '. > 30000000')" true
				check_equal "$(rate outside fd99::2 $direction | jq '. > 30000000')" true
				check_equal "$(rate near "$fast" $direction | jq '. < 13000000')" true
			fi
		done
		cni DEL "$config"
		container=near netns=/run/netns/near cni DEL "$config"
		ip netns del near
	done
	cni ADD "$(jq -c '.runtimeConfig.bandwidth.shapedSubnets = ["10.0.0.0/8"]' <<<"$config")"
	cni_code 7 "exclude each other"
	cni ADD "$(jq -c '.runtimeConfig.bandwidth.unshapedSubnets = ["10.0.0.0"]' <<<"$config")"
	cni_code 7 "unshapedSubnets: expected an IP address with a prefix"
	ip netns del pod
}
test_case "bandwidth is limited for some subnets, or for all others" limited_by_subnet

same_bridge() {
	mocker-netsetup network create one --subnet 10.11.0.0/24 --isolation same-bridge
	mocker-netsetup network create two --subnet 10.12.0.0/24 --isolation same-bridge
	mocker-netsetup network create three --subnet 10.13.0.0/24 --isolation open
	for name in one two three; do
		run mocker-netsetup add $name --network $name
		check_status 0
	done
	run mocker-netsetup add friend --network one
	check ping_it friend 10.11.0.2
	check_not ping_it one 10.12.0.2 2
	check ping_it one 10.13.0.2
	check ping_it three 10.11.0.2
	check ping_it one 10.99.0.2
	for name in one two three friend; do
		run mocker-netsetup del $name
	done
	for name in one two three; do
		run mocker-netsetup network rm $name
		check_status 0
	done
}
test_case "same-bridge and open networks" same_bridge

unmanaged() {
	local rules

	ip link add foreign0 type bridge
	ip link set foreign0 up
	rules=$(nft list ruleset)
	mocker-netsetup network create foreign --unmanaged --interface foreign0 \
		--subnet 10.14.0.0/24
	run mocker-netsetup add one --network foreign
	check_status 0
	run mocker-netsetup add two --network foreign
	check ping_it one 10.14.0.3
	check_equal "$(ip -4 -o address show foreign0)" "" "the bridge's addresses"
	check_equal "$(nft list ruleset)" "$rules" "the rules"
	run mocker-netsetup del one
	run mocker-netsetup del two
	run mocker-netsetup network rm foreign
	check_status 0
	check ip link show foreign0 >/dev/null
	ip link del foreign0
	mocker-netsetup network create foreign --unmanaged --interface foreign0
	run mocker-netsetup add one --network foreign
	check_fails_with 'network "foreign" is unmanaged, its bridge must exist'
	run mocker-netsetup network rm foreign
}
test_case "an unmanaged bridge keeps its addresses and gets no rules" unmanaged

old_neighbours() {
	ip neigh replace 10.0.0.77 lladdr 02:00:00:00:00:01 dev mocker0 nud stale
	ip -n stays neigh replace 10.0.0.77 lladdr 02:00:00:00:00:01 dev eth0 nud stale
}

neighbours_have() { # MAC
	[[ $(ip neigh show 10.0.0.77) == *$1* ]] &&
		[[ $(ip -n stays neigh show 10.0.0.77) == *$1* ]]
}

# Nobody on a bridge of ours has an address of another MAC than follows from it, so that the
# host alone is told, and its bridge knows the container before that has sent anything.
host_is_told() {
	run mocker-netsetup add one --ip 10.0.0.31
	check_status 0
	check_equal "$(cat /sys/class/net/mocker0/bridge/multicast_snooping)" 0
	check_equal "$(cat /sys/class/net/mocker0/netdev_group)" $((0x6d6f6302)) "MACs follow"
	ip neigh replace 10.0.0.32 lladdr 02:00:00:00:00:01 dev mocker0 nud stale
	run mocker-netsetup add two --ip 10.0.0.32
	check_has "$(ip neigh show 10.0.0.32)" 0a:6d:0a:00:00:20
	check_equal "$(ip neigh show 10.0.0.31)" "" "of whom the host never spoke to"
	check_matches "$(bridge fdb show br mocker0)" '0a:6d:0a:00:00:20 dev veth'
	run mocker-netsetup del two
	run mocker-netsetup del one
}
test_case "a container is announced to the host alone where no other can be wrong" host_is_told

# The neighbour's entry is fresh, so that it would go on sending to the old MAC address.
announced() {
	run mocker-netsetup add stays # else the bridge goes down, and forgets by itself
	run mocker-netsetup add moved --ip 10.0.0.77 --mac 02:00:00:00:00:01
	check ping_it moved 10.0.0.1
	check ping_it stays 10.0.0.77
	check_has "$(ip neigh show 10.0.0.77)" 02:00:00:00:00:01
	run mocker-netsetup del moved
	check_equal "$(cat /sys/class/net/mocker0/netdev_group)" $((0x6d6f6301)) "MACs do not follow"
	old_neighbours
	run mocker-netsetup add moved --ip 10.0.0.77 --mac 02:00:00:00:00:02
	check wait_until 60 neighbours_have 02:00:00:00:00:02
	run mocker-netsetup del moved
	old_neighbours
	run mocker-netsetup add moved --ip 10.0.0.77
	check wait_until 60 neighbours_have 0a:6d:0a:00:00:4d
	run mocker-netsetup del moved
	run mocker-netsetup del stays
}
test_case "a new holder of an address is announced" announced

stale6() { # MAC
	ip neigh replace fd07::77 lladdr "$1" dev mocker1 nud reachable
	ip -n stays neigh replace fd07::77 lladdr "$1" dev eth0 nud reachable
}

has6() { # MAC
	[[ $(ip neigh show fd07::77) == *$1* ]] && [[ $(ip -n stays neigh show fd07::77) == *$1* ]]
}

# A MAC address follows from an IPv4 address, so that one of IPv6 moves to another MAC by
# itself.
announced6() {
	run mocker-netsetup add stays --network dual
	run mocker-netsetup add moved --network dual --ip 10.7.0.77 --ip fd07::77
	check_status 0
	check ping_it stays fd07::77
	check wait_until 60 busybox ping -c 1 -W 1 fd07::77 >/dev/null
	check has6 0a:6d:0a:07:00:4d
	run mocker-netsetup del moved
	stale6 0a:6d:0a:07:00:4d
	run mocker-netsetup add moved --network dual --ip 10.7.0.78 --ip fd07::77
	check wait_until 60 has6 0a:6d:0a:07:00:4e
	check ping_it stays fd07::77
	run mocker-netsetup del moved
	stale6 0a:6d:0a:07:00:4e
	run mocker-netsetup add moved --network dual --ip 10.7.0.78 --ip fd07::77 \
		--mac 02:00:00:00:00:02
	check wait_until 60 has6 02:00:00:00:00:02
	run mocker-netsetup del moved
	run mocker-netsetup del stays
}
test_case "a new holder of an IPv6 address is announced" announced6

# Leases of a boot that is over are nobody's.
rebooted() {
	run mocker-netsetup add web --ip 10.0.0.9
	mv "/run/mocker/networks/pools/default/$(cat /proc/sys/kernel/random/boot_id)" \
		/run/mocker/networks/pools/default/00000000-0000-0000-0000-000000000000
	run mocker-netsetup add other --ip 10.0.0.9
	check_output 10.0.0.9
	check_missing /run/mocker/networks/pools/default/00000000-0000-0000-0000-000000000000
	run mocker-netsetup del other
	run mocker-netsetup del web
	check_status 0
}
test_case "leases of another boot are released" rebooted
