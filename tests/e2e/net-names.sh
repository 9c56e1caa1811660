#!/bin/bash
# Names: containers of a network with dns find each other by name and alias, of the others
# they know nothing; the server lives as long as the first and the last attachment.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
network_stays
leaves '^(link|address|route) .*(mocker[0-9]|cni[0-9])|^file /var/lib/mocker/networks'

set_up() {
	mocker-netsetup network create named --subnet 10.7.0.0/24 --subnet fd07::/64 --dns \
		--interface mocker1
	mocker-netsetup network create other --subnet 10.6.0.0/24 --dns --interface mocker2
}
test_setup set_up

# resolve NETNS SERVER NAME: the addresses, one line
resolve() {
	timeout 10 ip netns exec "$1" busybox nslookup "$3" "$2" 2>/dev/null |
		awk '/^Name:/ { named = 1 } named && /^Address/ { print $NF }' | sort | xargs
}

resolves_to() { # NETNS SERVER NAME ADDRESSES
	[ "$(resolve "$1" "$2" "$3")" = "$4" ]
}

servers() {
	pgrep -xc dnsmasq
}

by_name_and_alias() {
	needs dnsmasq || return
	run mocker-netsetup add web --network named --alias www --alias shop
	check_output $'10.7.0.2\nfd07::2'
	run mocker-netsetup add db --network named --json
	check_status 0
	check_equal "$(jq -r .resolvConf <<<"$output")" $'nameserver 10.7.0.1\nnameserver fd07::1'
	check_has "$(jq -r .hosts <<<"$output")" $'10.7.0.3 db\nfd07::3 db'
	check_equal "$(resolve db 10.7.0.1 web)" "10.7.0.2 fd07::2"
	check_equal "$(resolve db fd07::1 shop)" "10.7.0.2 fd07::2"
	check wait_until 60 resolves_to web 10.7.0.1 db "10.7.0.3 fd07::3"
	check_equal "$(resolve db 10.7.0.1 nobody)" ""
	check_equal "$(servers)" 1 "servers"
	run mocker-netsetup add stranger --network other
	check_status 0
	check_equal "$(servers)" 2 "servers"
	check_equal "$(resolve stranger 10.6.0.1 web)" "" "another network's name"
	run mocker-netsetup del web
	check_status 0
	check wait_until 60 resolves_to db 10.7.0.1 web ""
	check_equal "$(resolve db 10.7.0.1 db)" "10.7.0.3 fd07::3"
}
test_step "containers find each other by name and alias" by_name_and_alias

killed() {
	local pid

	needs dnsmasq || return
	pid=$(cat /run/mocker/networks/names/named/server.pid)
	kill -9 "$pid"
	check wait_until 60 sh -c "! kill -0 $pid"
	run mocker-netsetup check db
	check_status 1
	check_output 'db named: the name server of network "named" has ended; mocker-netsetup reload starts it'
	run mocker-netsetup reload
	check_status 0
	check wait_until 60 resolves_to db 10.7.0.1 db "10.7.0.3 fd07::3"
	run mocker-netsetup check db
	check_status 0
	pid=$(cat /run/mocker/networks/names/named/server.pid)
	kill -9 "$pid"
	check wait_until 60 sh -c "! kill -0 $pid" # until then the port is taken
	run mocker-netsetup add web --network named
	check_status 0
	check wait_until 60 resolves_to db 10.7.0.1 web "10.7.0.4 fd07::4"
}
test_step "a server that was killed comes back by reload and by the next add" killed

ends() {
	needs dnsmasq || return
	run mocker-netsetup del web
	run mocker-netsetup del db
	check_status 0
	check_missing /run/mocker/networks/names/named
	check_equal "$(servers)" 1 "servers"
	ip netns del stranger
	run mocker-netsetup gc
	check_missing /run/mocker/networks/names/other
	check_equal "$(servers)" 0 "servers"
}
test_case "the server ends with the last attachment, also by gc" ends

reloaded_meanwhile() {
	local round pid

	needs dnsmasq || return
	for ((round = 0; round < 20; round++)); do
		mocker-netsetup add web --network named >/dev/null || failed "add"
		mocker-netsetup del web &
		pid=$!
		mocker-netsetup reload || failed "reload"
		wait $pid || failed "del"
		[ "$(servers)" = 0 ] || failed "a server is left in round $round"
		check_missing /run/mocker/networks/names/named
	done
}
test_case "reload starts none for who is on the way out" reloaded_meanwhile

by_cni() {
	local config='{"cniVersion":"1.1.0","name":"pods","type":"mocker-netsetup","bridge":"cni1",
		"isDefaultGateway":true,"names":true,"ipam":{"subnet":"10.88.0.0/24"},
		"runtimeConfig":{"aliases":ALIASES}}'
	local id aliases long

	long=$(printf "%064d" 0) # no name for a host: over 63 bytes
	needs dnsmasq || return
	for id in one two; do
		ip netns add $id
		aliases='{"pods":["second"]}' # as podman says it
		[ $id = two ] || aliases='["first"]'
		echo "${config/ALIASES/$aliases}" >"$tmp/$id.json"
		run_input=$tmp/$id.json run env CNI_COMMAND=ADD CNI_NETNS=/run/netns/$id \
			CNI_CONTAINERID="$id$long" CNI_IFNAME=eth0 \
			CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAME=pod-$id" mocker-netsetup
		check_status 0
		check_equal "$(jq -r '.dns.nameservers[0]' <<<"$output")" 10.88.0.1
	done
	check wait_until 60 resolves_to one 10.88.0.1 pod-two 10.88.0.3
	check_equal "$(resolve two 10.88.0.1 first)" 10.88.0.2
	check_equal "$(resolve one 10.88.0.1 second)" 10.88.0.3
	ip netns del one
	ip netns del two
	jq '."cni.dev/valid-attachments" = []' "$tmp/one.json" >"$tmp/none.json"
	run_input=$tmp/none.json run env CNI_COMMAND=GC mocker-netsetup
	check_status 0
	check_equal "$(servers)" 0 "servers"
}
test_case "by CNI: the pod's name, aliases in both forms, the server in the result" by_cni

without_a_server() {
	mount -t tmpfs tmpfs /usr/sbin
	run env PATH="$top_builddir" mocker-netsetup add web --network named
	umount /usr/sbin
	check_fails_with 'starting the name server of network "named": there is no dnsmasq'
	check_equal "$(ip -o link show type veth | wc -l)" 0 "veth devices"
	check_missing /run/mocker/networks/names/named
	run mocker-netsetup network create bad --unmanaged --interface mocker1 --dns
	check_fails_with "names need a bridge with an address of ours"
}
test_case "without dnsmasq the attachment fails and leaves nothing" without_a_server

relative_root() {
	needs dnsmasq || return
	cd "$tmp" || return
	chmod 755 "$tmp" # the server reads it as nobody
	run mocker-netsetup --root state network create named --dns --subnet 10.7.0.0/24
	run mocker-netsetup --root state add web --network named
	check_status 0
	check wait_until 60 resolves_to web 10.7.0.1 web 10.7.0.2
	run mocker-netsetup --root state del web
	check_status 0
	mocker-netsetup --root state network rm named
	rm -r state
}
test_case "a root that is named from the working directory" relative_root
