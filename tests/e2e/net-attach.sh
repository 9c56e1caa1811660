#!/bin/bash
# mocker-netsetup by hand: what add makes, as iproute2 sees it; that del leaves nothing;
# list, inspect, check, gc, status and the networks.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
network_stays
leaves '^(link|address|route) .*(mocker1|br7)|^file /var/lib/mocker/networks'

in_netns() {
	ip netns exec "$@"
}

is_wired() {
	run mocker-netsetup add web
	check_status 0
	check_output 10.0.0.2
	run mocker-netsetup add db
	check_output 10.0.0.3
	check_equal "$(ip -n web -br address show eth0 | awk '{ print $2, $3, $4 }')" \
		"UP 10.0.0.2/24 "
	check_has "$(ip -n web route)" "default via 10.0.0.1 dev eth0"
	check_has "$(ip -n web address show lo)" "LOOPBACK,UP"
	check_has "$(ip -n web link show eth0)" "mtu $(cat /sys/class/net/mocker0/mtu)"
	check_equal "$(in_netns web cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6)" 1
	check_has "$(ip address show mocker0)" "inet 10.0.0.1/24"
	check_lacks "$(ip address show mocker0)" inet6
	check_equal "$(cat /proc/sys/net/ipv6/conf/mocker0/accept_ra)" 0
	check_equal "$(ip -o link show master mocker0 | wc -l)" 2
}
test_step "add gives an address, a default route and a name" is_wired

they_talk() {
	serve web 10000 "this is web"
	check_equal "$(ask host 10.0.0.2 10000)" "this is web"
	check_equal "$(ask db 10.0.0.2 10000)" "this is web"
	check in_netns db busybox ping -c 1 -W 20 10.0.0.1 >/dev/null
	check in_netns db busybox ping -c 1 -W 20 10.0.0.2 >/dev/null
	check_equal "$(ss -Hltn 'sport = 10000' | wc -l)" 0 "listeners on the host"
	stop_servers
}
test_step "containers and host reach each other" they_talk

is_shown() {
	run mocker-netsetup list
	check_matches "$output" '^NAME +ADDRESS +NETWORK'
	check_matches "$output" 'web +10\.0\.0\.2 +default +eth0 +0a:6d:0a:00:00:02'
	run mocker-netsetup list --json
	check_equal "$(jq -r '.[].container' <<<"$output" | xargs)" "db web"
	run mocker-netsetup inspect web
	check_equal "$(jq -r '.[0].addresses[0].address' <<<"$output")" 10.0.0.2/24
	run mocker-netsetup status
	check_matches "$output" 'default +10\.0\.0\.0/24 +253 +2 +ok'
	run mocker-netsetup status --json
	check_equal "$(jq -c .[0] <<<"$output")" \
		'{"network":"default","subnet":"10.0.0.0/24","addresses":253,"taken":2,"exhausted":false}'
	run mocker-netsetup inspect nobody
	check_fails_with '"nobody" is attached to no network'
	run mocker-netsetup add web
	check_fails_with '"web" is attached to network "default" by eth0 already'
}
test_step "list, inspect and status show it" is_shown

damage_is_seen() {
	run mocker-netsetup check
	check_status 0
	ip -n web address flush dev eth0
	run mocker-netsetup check web
	check_status 1
	check_output_has "web default: eth0 has lost the address 10.0.0.2/24"
	run mocker-netsetup check --json
	check_status 1
	check_equal "$(jq -c '.[] | [.container, .network, .interface, .fault]' <<<"$output" | xargs -0)" \
		'["db","default","eth0",null]
["web","default","eth0","eth0 has lost the address 10.0.0.2/24"]'
	ip -n db route del default
	run mocker-netsetup check db
	check_output_has "the default route through 10.0.0.1 is lost"
	ip link set "$(jq -r '.[0].link' <<<"$(mocker-netsetup inspect db)")" down
	run mocker-netsetup check db
	check_output_has "the host's end, is down"
}
test_step "check names what is damaged" damage_is_seen

is_gone() {
	run mocker-netsetup del web
	check_status 0
	run mocker-netsetup del db
	check_status 0
	check_equal "$(ip -o link show type veth | wc -l)" 0 "veth devices"
	check_missing /run/netns/web
	run mocker-netsetup del web
	check_fails_with '"web" is attached to no network'
	run mocker-netsetup del --force web
	check_status 0
}
test_case "del leaves nothing" is_gone

by_pid_and_path() {
	unshare -n sleep 100 &
	local pid=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]"
	run mocker-netsetup add backend --pid $pid --interface net0 --ip 10.0.0.77 \
		--mac 02:00:00:00:00:77
	check_output 10.0.0.77
	check_has "$(ip -n backend link show net0)" 02:00:00:00:00:77
	run mocker-netsetup add $pid --interface net1
	check_status 0
	run mocker-netsetup list
	check_has "$output" "pid-$pid"
	run mocker-netsetup inspect --json $pid # the operand that add was given
	check_equal "$(jq -r '.[0].container' <<<"$output")" pid-$pid
	run mocker-netsetup check $pid
	check_status 0
	run mocker-netsetup trace $pid 10.0.0.1
	check_lacks "$errors" "is attached to no network"
	run mocker-netsetup del $pid
	check_status 0
	ip netns add other
	run mocker-netsetup add /run/netns/other
	check_status 0
	run mocker-netsetup add another --netns /run/netns/other --interface eth1
	check_status 0
	check_missing /run/netns/another # its name is its owner's
	mocker-netsetup del another
	kill $pid && wait $pid 2>/dev/null
	run mocker-netsetup gc
	check_has "$output" "backend default net0"
	check_missing /run/netns/backend
	run mocker-netsetup list
	check_lacks "$output" backend
	check_has "$output" other
	ip netns del other
	run mocker-netsetup gc --json
	check_equal "$(jq -c . <<<"$output")" \
		'[{"container":"other","network":"default","interface":"eth0"}]'
	run mocker-netsetup gc --json
	check_output "[]"
}
test_case "processes and paths are attached, and gc removes those that are gone" by_pid_and_path

# The process that was attached ends, another goes on in its namespace, as in a pod.
outlived() {
	unshare -n sleep 100 &
	local first=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$first/ns/net) != \$(readlink /proc/self/ns/net) ]"
	run mocker-netsetup add held --pid $first
	check_status 0
	nsenter -t $first -n sleep 100 &
	local second=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$second/ns/net) = \$(readlink /proc/$first/ns/net) ]"
	kill $first && wait $first 2>/dev/null
	run mocker-netsetup check held
	check_output ""
	check_status 0
	run mocker-netsetup gc
	check_output ""
	check ip -n held link show eth0 >/dev/null
	kill $second && wait $second 2>/dev/null
	run mocker-netsetup check held
	check_output "held default: its process $first has ended, and no other is in its network namespace"
	check_status 1
	run mocker-netsetup gc
	check_output "held default eth0"
}
test_case "a namespace that another process is in lives on" outlived

# A record that nobody can read stands in nobody else's way, and goes by its file's name.
damaged() {
	local how record=/run/mocker/networks/attachments/b1/eth0@default

	mocker-netsetup network create other --subnet 10.7.0.0/24
	for how in "del b1" "del -f b1 --interface eth0" "del b1 --network default"; do
		check mocker-netsetup add b1 -p 85:80 >/dev/null
		check mocker-netsetup add b2 >/dev/null
		: >$record
		run mocker-netsetup check
		check_status 1
		check_output "b1 default: $record cannot be read"
		check_errors_have "$record:1:1: "
		nft 'add element inet mocker strict { "gone0" }'
		run mocker-netsetup gc
		check_status 1
		check_errors_have "$record cannot be read and its container may live; mocker-netsetup del b1 removes it"
		check ip -n b1 link show eth0 >/dev/null
		run mocker-netsetup network rm other
		check_status 0
		check mocker-netsetup network create other --subnet 10.7.0.0/24
		run mocker-netsetup network rm default
		check_status 1
		check_errors_have 'network "default" has 2 attachments, the first of "b'
		# shellcheck disable=SC2086 # words
		run mocker-netsetup $how
		check_status 0
		check_errors_have "/run/netns/b1 stays: the record that said whether it was made here"
		check_not ip -n b1 link show eth0 2>/dev/null
		check_lacks "$(nft list table inet mocker)" gone0
		check_equal "$(find /run/mocker/networks/pools \( -lname 'b1/*' -o -name 'tcp.85*' \))" "" \
			"leases"
		run mocker-netsetup check
		check_status 0
		ip netns del b1
		mocker-netsetup del b2
	done
	check mocker-netsetup add b1 -p 85:80 >/dev/null
	: >$record
	ip netns del b1
	check wait_until 60 check_not_there /sys/class/net/veth*
	run mocker-netsetup gc
	check_status 0
	check_output "b1 default eth0"
	check_equal "$(find /run/mocker/networks/pools \( -lname 'b1/*' -o -name 'tcp.85*' \))" "" \
		"leases"
	mocker-netsetup network rm other
}

# The kernel gives a namespace the lowest number that is free, so that one that is made anew
# soon has that of the one before.
made_anew() {
	local inode i

	for ((i = 0; i < 50; i++)); do
		ip netns add anew
		mocker-netsetup add anew >/dev/null
		inode=$(stat -c %i /run/netns/anew)
		ip netns del anew
		wait_until 60 check_not_there /sys/class/net/veth*
		ip netns add anew
		[ "$(stat -c %i /run/netns/anew)" != "$inode" ] || break
		mocker-netsetup del anew
		ip netns del anew
	done
	[ $i -lt 50 ] || {
		skip "no namespace got the number of the one before"
		return
	}
	run mocker-netsetup check anew
	check_output_has "its network namespace /run/netns/anew is gone"
	run mocker-netsetup add anew
	check_status 0
	check ip -n anew link show eth0 >/dev/null
	ip netns del anew
	ip netns add anew
	run mocker-netsetup gc
	check_output "anew default eth0"
	ip netns del anew
}

check_not_there() {
	[ ! -e "$1" ]
}
test_case "a record that cannot be read goes by its name, and hinders nobody" damaged
test_case "a namespace that is made anew under the same path is another" made_anew

limited() {
	local link

	run mocker-netsetup network create slow --subnet 10.6.0.0/24 --subnet fd06::/64 \
		--detect-duplicates
	run mocker-netsetup add web --network slow --ingress 8M --egress 500k
	check_status 0
	link=$(mocker-netsetup inspect web | jq -r '.[0].link')
	check_has "$(tc qdisc show dev "$link")" "rate 8Mbit"
	check_has "$(tc qdisc show)" "rate 500Kbit"
	check_equal "$(ip netns exec web cat /proc/sys/net/ipv6/conf/eth0/accept_dad)" 1
	run mocker-netsetup check web
	check_status 0
	tc qdisc del dev "$link" root
	run mocker-netsetup check web
	check_output_has "its limits of bandwidth are lost"
	mocker-netsetup del web
	check_equal "$(ip -o link show type ifb)" ""
	mocker-netsetup network rm slow
	if ! ip link add vlans type bridge vlan_filtering 1 2>/dev/null; then
		run mocker-netsetup network create vlans --vlan 7 --subnet 10.5.0.0/24
		run mocker-netsetup add web --network vlans
		check_fails_with "Operation not supported; does this kernel have VLANs"
		mocker-netsetup network rm vlans
	else
		ip link del vlans
	fi
	run mocker-netsetup network create none --subnet 10.6.0.0/24 --range 10.6.0.1-10.6.0.1
	run mocker-netsetup add web --network none
	check_fails_with 'network "none" has no address for containers beside the gateway'
	mocker-netsetup network rm none
}
test_case "limits of bandwidth, detection of duplicates, a range of nothing" limited

pruned() {
	mocker-netsetup network create blue --subnet 10.7.0.0/24
	mocker-netsetup network create red --subnet 10.6.0.0/24
	run mocker-netsetup add one --network red
	run mocker-netsetup network prune
	check_status 0
	check_output $'blue\ndefault'
	run mocker-netsetup del one
	run mocker-netsetup network prune --json
	check_output '["red"]'
	run mocker-netsetup network prune --json
	check_output "[]"
}
test_case "prune removes the networks that nobody uses" pruned

networks() {
	run mocker-netsetup network create blue --subnet 10.7.0.0/30 --subnet fd07::/64 \
		--interface br7
	check_status 0
	run mocker-netsetup network ls
	check_matches "$output" 'blue +bridge +br7 +10\.7\.0\.0/30,fd07::/64 +strict +0'
	run mocker-netsetup add one --network blue
	check_output $'10.7.0.2\nfd07::2'
	check_has "$(ip -n one -6 route)" "default via fd07::1"
	check in_netns one busybox ping -6 -c 1 -W 20 fd07::1 >/dev/null
	check_equal "$(in_netns one cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" 0
	run mocker-netsetup add two --network blue
	check_fails_with 'the addresses of network "blue" are exhausted: 10.7.0.2 one/eth0'
	check_missing /run/netns/two
	run mocker-netsetup status
	check_status 1
	check_matches "$output" 'blue +10\.7\.0\.0/30 +1 +1 +exhausted'
	run mocker-netsetup add one --interface eth1
	check_status 0
	run mocker-netsetup network rm blue
	check_fails_with 'network "blue" has 1 attachment, the first of "one"'
	run mocker-netsetup del one --network blue
	run mocker-netsetup list
	check_has "$output" "eth1"
	run mocker-netsetup del one
	run mocker-netsetup network rm blue
	check_status 0
	check_not ip link show br7 2>/dev/null
}
test_case "networks of both families, exhausted ones, two for one container" networks

pod() {
	run mocker-netsetup add shared
	serve shared 8000 "in the pod"
	check_equal "$(ask shared 127.0.0.1 8000)" "in the pod"
	stop_servers
	run mocker-netsetup del shared
	check_status 0
}
test_case "what shares the namespace reaches 127.0.0.1" pod

in_parallel() {
	local i list=()

	mocker-netsetup network create many --subnet 10.8.0.0/24 --interface mocker1
	for ((i = 0; i < 32; i++)); do
		mocker-netsetup add "p$i" --network many >"$tmp/p$i" &
		list+=($!)
	done
	for i in "${list[@]}"; do
		wait "$i" || failed "an add failed"
	done
	check_equal "$(cat "$tmp"/p[0-9]* | sort -u | wc -l)" 32 "different addresses"
	for ((i = 0; i < 32; i++)); do
		mocker-netsetup del "p$i" &
	done
	wait
	check_equal "$(mocker-netsetup list | wc -l)" 1
	run mocker-netsetup network rm many
	check_status 0
}
test_case "32 adds at once have 32 addresses" in_parallel

on_a_parent() {
	ip link add parent0 type veth peer name parent1 && ip link set parent0 up &&
		ip link set parent1 up
	mocker-netsetup network create direct --kind macvlan --interface parent0 \
		--subnet 10.5.0.0/24
	run mocker-netsetup add one --network direct
	check_status 0
	run mocker-netsetup add two --network direct
	check_has "$(ip -n one -d link show eth0)" "macvlan mode bridge"
	check in_netns one busybox ping -c 1 -W 20 10.5.0.3 >/dev/null
	run mocker-netsetup del one
	run mocker-netsetup del two
	run mocker-netsetup network rm direct
	check_status 0
	run mocker-netsetup network create bad --kind macvlan --interface parent0 --mode nowhere \
		--subnet 10.4.0.0/24
	check_fails_with 'mode' '"nowhere"'
	ip link del parent0
}
test_case "macvlan on an interface of the host" on_a_parent
