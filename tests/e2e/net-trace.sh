#!/bin/bash
# trace: its verdict is what really happens to a packet, in each case checked by sending one.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
network_stays
leaves '^(link|address|route) .*(mocker[123]|outside0)|^file /var/lib/mocker/networks'

set_up() {
	another_host outside
	ip route add default via 10.99.0.2
	mocker-netsetup network create blue --subnet 10.7.0.0/24 --interface mocker1
	mocker-netsetup network create apart --subnet 10.6.0.0/24 --interface mocker2 \
		--isolate-containers
}
test_setup set_up

pinged() { # NETNS ADDRESS
	ip netns exec "$1" busybox ping -c 1 -W "${3-20}" "$2" >/dev/null
}

trace() { # STATUS DESTINATION PART...
	local want=$1 destination=$2 part

	shift 2
	# shellcheck disable=SC2086 # none, or one
	run mocker-netsetup trace web $destination
	check_status "$want"
	for part; do
		check_output_has "$part"
	done
}

set_up_web() {
	run mocker-netsetup add web --publish 8080:80
	check_output 10.0.0.2
	run mocker-netsetup add db
	run mocker-netsetup add blue --network blue
}
test_step "three containers on two networks" set_up_web

outward() {
	trace 0 "" "10.0.0.1 by eth0" "port of mocker0, up" "by outside0" \
		"masquerade: 10.0.0.2 becomes the address of outside0" \
		"leaves the host by outside0"
	check_matches "$output" 'WHERE +WHAT'
	trace 0 10.99.0.2 "leaves the host by outside0"
	check pinged web 10.99.0.2
	run mocker-netsetup trace web 10.99.0.2 --json
	check_equal "$(jq -r '.[-1].where' <<<"$output")" verdict
	check_equal "$(jq -r '.[0].where' <<<"$output")" "route inside"
	echo 0 >/proc/sys/net/ipv4/ip_forward
	trace 1 10.99.0.2 "the host does not forward"
	check_not pinged web 10.99.0.2 2
	echo 1 >/proc/sys/net/ipv4/ip_forward
}
test_step "outward: routes, masquerade" outward

# foreign STATUS DESTINATION RULE PART...: a chain of the administrator's with this rule, and
# beside what is said of it what a connection meets.
foreign() {
	local hook=${hook-forward} policy=${policy-accept}

	nft "table inet admin { chain sub { ip daddr 10.99.0.2 drop; }
		chain mine { type filter hook $hook priority 0; policy $policy; $3; }; }"
	trace "$1" "$2" "${@:4}"
	[ "$1" = 1 ] && check_lacks "$(ask web "${2%:*}" "${2#*:}")" reached
	[ "$1" = 0 ] && check_has "$(ask web "${2%:*}" "${2#*:}")" reached
	nft delete table inet admin
}

rules_of_others() {
	serve outside 9000 reached
	serve host 9001 reached
	serve db 9002 reached
	policy=drop foreign 1 10.99.0.2:9000 "ct state established,related accept" \
		"inet admin, chain mine: dropped by its policy" "dropped by somebody else's rules"
	policy=drop foreign 0 10.99.0.2:9000 'iifname "mocker*" oifname != "eth9" accept
		ct state established accept' 'passed by "iifname'
	foreign 1 10.99.0.2:9000 "tcp dport { 80, 8000-9000 } counter reject" \
		'dropped by "tcp dport { 80, 8000-9000 }'
	foreign 0 10.99.0.2:9000 "udp dport 9000 drop; ip6 daddr ::/0 drop; tcp dport 1-8999 drop
		ip saddr 10.0.0.3-10.0.0.9 drop; ip daddr 10.98.0.0/16 drop; ct status dnat drop" \
		"passed by its policy"
	foreign 1 10.99.0.2:9000 'iifname mocker0 ip saddr 10.0.0.0/24 jump sub' \
		'dropped by "ip daddr 10.99.0.2 drop"'
	foreign 0 10.99.0.2:9000 'oifname "mocker9" goto sub; accept' 'passed by "accept"'
	foreign 0 10.99.0.2:9000 "meta mark 0x5 drop" \
		'may also meet "meta mark 0x00000005 drop", not evaluated here'
	hook=prerouting foreign 1 10.99.0.2:9000 "ip daddr 10.99.0.2 meta l4proto tcp drop" \
		"prerouting"
	hook=input foreign 1 10.0.0.1:9001 "tcp dport 9001 drop" "input"
	hook=input foreign 0 10.0.0.1:9001 "tcp dport 9000 drop" "input"
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
	foreign 1 10.0.0.3:9002 "tcp dport 9002 drop" "forward"
	nft "table bridge admin { chain mine { type filter hook forward priority 0; policy drop; }; }"
	trace 1 10.0.0.3:9002 "bridge admin, chain mine: dropped by its policy"
	check_lacks "$(ask web 10.0.0.3 9002)" reached
	nft delete table bridge admin
	check_equal "$(ask web 10.0.0.3 9002)" reached
	iptables -A FORWARD -s 10.0.0.2 -p tcp --dport 9000 -j DROP
	trace 1 10.99.0.2:9000 "ip filter, chain FORWARD: dropped"
	check_lacks "$(ask web 10.99.0.2 9000)" reached
	nft delete table ip filter
	stop_servers
}
test_step "rules of others are evaluated, or named where they are not understood" rules_of_others

neighbours() {
	trace 0 db 'arrives at "db" by the bridge alone'
	check pinged web 10.0.0.3
	trace 1 blue "iifname @strict oifname @bridges drop" "networks are isolated"
	check_not pinged web 10.7.0.2 2
	trace 0 10.0.0.1 "arrives at the host itself"
	check pinged web 10.0.0.1
	trace 0 10.0.0.2 "the container's own"
	check pinged web 10.0.0.2
	trace 0 10.0.0.200 "no container of ours"
	check_not pinged web 10.0.0.200 2
}
test_step "neighbours, other networks, the host, itself, nobody" neighbours

published() {
	serve web 80 web
	run mocker-netsetup trace blue 10.99.0.1:8080
	check_status 0
	check_output_has 'port 8080 is published by "web": to 10.0.0.2:80'
	check_output_has 'arrives at "web"'
	check_equal "$(ask blue 10.99.0.1 8080)" web
	run mocker-netsetup trace blue 10.0.0.2
	check_status 1
	stop_servers
}
test_step "a published port leads where a container may not go by itself" published

damaged() {
	ip link set "$(jq -r '.[0].link' <<<"$(mocker-netsetup inspect web)")" down
	trace 1 db "is down or no port of the bridge"
	check_not pinged web 10.0.0.3 2
	ip -n web route del default
	trace 1 10.99.0.2 "the container has no route to 10.99.0.2"
	ip -n web link set eth0 down
	trace 1 db "no route to 10.0.0.3"
	run mocker-netsetup trace nobody
	check_fails_with '"nobody" is attached to no network'
	run mocker-netsetup trace web nowhere
	check_fails_with '"nowhere" is neither an address nor the name'
	run mocker-netsetup trace web 10.0.0.1:65536
	check_fails_with "port 65536 is over 65535"
	run mocker-netsetup del web
	run mocker-netsetup del db
	run mocker-netsetup del blue
}
test_case "what is down is said, and bad words are refused" damaged

isolated_ports() {
	run mocker-netsetup add one --network apart
	run mocker-netsetup add two --network apart
	run mocker-netsetup trace one two
	check_status 1
	check_output_has 'containers of network "apart" are isolated ports'
	check_not pinged one 10.6.0.3 2
	check pinged one 10.6.0.1
	run mocker-netsetup del one
	run mocker-netsetup del two
}
test_case "isolated containers of one network do not reach each other" isolated_ports
