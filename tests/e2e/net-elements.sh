#!/bin/bash
# Elements of the firewall's sets and maps: those that ADD gives to the kernel itself are
# those that reload writes by libnftables; DEL takes either back; what is in the way of a
# transaction, and thousands at once.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[1-4]|^file /var/lib/mocker/networks'

# Each set and map that has elements, a line, in an order that is not the kernel's.
elements() {
	local family

	for family in inet bridge; do
		nft -j list table $family mocker 2>/dev/null |
			jq -c '.nftables[] | .set // .map // empty | select(.elem) |
				{family, name, elem: (.elem | sort)}'
	done
}

config='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"cni1",
	"isDefaultGateway":true,"ipMasq":true,"macspoofchk":true,"ipam":{"type":"host-local",
	"ranges":[[{"subnet":"10.88.0.0/24"}],[{"subnet":"fd88::/64"}]]},"runtimeConfig":
	{"portMappings":[{"hostPort":9001,"containerPort":80,"protocol":"tcp"},
	{"hostPort":9002,"containerPort":53,"protocol":"udp","hostIP":"127.0.0.1"},
	{"hostPort":9003,"containerPort":7,"protocol":"sctp","hostIP":"2001:db8::1"},
	{"hostPort":9004,"containerPort":443,"protocol":"tcp","hostIP":"0.0.0.0"},
	{"hostPort":256,"containerPort":65535,"protocol":"tcp","hostIP":"::"},
	{"hostPort":9020,"containerPort":79,"protocol":"tcp","range":3}]}}'

with() { # JQ FILTER
	jq -c "$1" <<<"$config"
}

# Another bridge, subnets, ports and container than those of $config.
numbered() { # NUMBER JQ FILTER
	with ".bridge = \"cni$1\" | .name = \"net$1\" | .ipam.ranges = [[{subnet: \"10.8$1.0.0/24\"}],
		[{subnet: \"fd0$1::/64\"}]] | .runtimeConfig.portMappings |=
		map(.hostPort += $1 * 100) | $2"
}

# of_each COMMAND: of four attachments that together have elements in all sets.
of_each() {
	local i
	local more=(
		'.ingressPolicy = "isolated"'
		'.masqAll = true | .ipMasq = false | .ingressPolicy = "same-bridge"'
		'.snat = false | .macspoofchk = false'
		'.conditionsV4 = ["-s", "192.0.2.0/24"] | .conditionsV6 = ["-s", "2001:db8::/32"]'
	)

	for i in 1 2 3 4; do
		container=pod$i netns=/run/netns/pod$i cni "$1" "$(numbered $i "${more[i - 1]}")"
		check_status 0
	done
}

with_pods() { # COMMAND
	local pod

	for pod in pod1 pod2 pod3 pod4; do
		ip netns "$1" $pod
	done
}

# The kernel refuses an element that is there with another value, to the last byte.
added_again() {
	nft list maps inet | nft -f - && nft list sets inet | nft -f -
}

both_ways() {
	local added

	with_pods add
	of_each ADD
	added=$(elements)
	check_equal "$(jq -r .name <<<"$added" | sort | xargs)" "attached4 attached6 bridged \
bridges chosen4 chosen4_at chosen6 chosen6_at inward4 inward6 isolated macs masquerade4 \
masquerade6 ports publish4 publish4_at publish6 publish6_at strict" "sets in use"
	check added_again
	check_equal "$(elements)" "$added" "by nft once more"
	run mocker-netsetup check
	check_status 0
	run mocker-netsetup reload
	check_status 0
	check_equal "$(elements)" "$added" "by libnftables"
	run mocker-netsetup check
	check_status 0
	of_each DEL # what libnftables wrote
	check_equal "$(elements | jq -r .name | sort | xargs)" "bridged bridges isolated strict" \
		"sets in use afterwards"
	check_lacks "$(nft list chains)" "only" "chains of conditions"
	with_pods del
}
test_case "elements are the same by libnftables and without it" both_ways

written() {
	with_pods add
	of_each ADD
	of_each DEL # what was written without it
	check_equal "$(elements | jq -r .name | sort | xargs)" "bridged bridges isolated strict"
	with_pods del
}
test_case "DEL takes back what ADD gave" written

# traced COMMAND CONFIGURATION: of pod2; what it opens is in $tmp/trace.
traced() {
	printf '#!/bin/sh\nexec strace -f -e trace=openat -o "%s" mocker-netsetup\n' \
		"$tmp/trace" >"$tmp/traced"
	chmod +x "$tmp/traced"
	container=pod2 netns=/run/netns/pod2 plugin=$tmp/traced cni "$1" "$2"
	check_status 0
	check_has "$(cat "$tmp/trace")" /proc/sys/kernel/random/boot_id
}

unloaded() {
	with_pods add
	container=pod1 netns=/run/netns/pod1 cni ADD "$config"
	traced ADD "$(numbered 2 '.macspoofchk = false')"
	check_lacks "$(cat "$tmp/trace")" libnftables "ADD"
	traced DEL "$(numbered 2 '.macspoofchk = false')"
	check_lacks "$(cat "$tmp/trace")" libnftables "DEL"
	container=pod1 netns=/run/netns/pod1 cni DEL "$config"
	with_pods del
}
test_case "once there is a table, ADD and DEL do not load libnftables" unloaded

missing() {
	run mocker-netsetup add web --publish 8080:80 --publish 8081:81/udp
	nft delete element inet mocker publish4 '{ tcp . 8080 }'
	run mocker-netsetup check web
	check_status 1
	check_output_has "its firewall rules are lost"
	run mocker-netsetup del web
	check_status 0
	check_lacks "$(elements)" 10.0.0 "after an element was lost"
	run mocker-netsetup add web --publish 8080:80
	nft flush ruleset
	run mocker-netsetup del web
	check_status 0
	check_equal "$(nft list ruleset)" "" "after all were lost"
	run mocker-netsetup add web --publish 8080:80
	check_status 0
	run mocker-netsetup check web
	check_status 0
	run mocker-netsetup del web
}
test_case "elements and tables that others removed stop nothing" missing

# at_once COUNT COMMAND...: as many of them, the last word with its number, and reload beside.
at_once() {
	local i count=$1 pids=()

	shift
	for ((i = 0; i < count; i++)); do
		mocker-netsetup "${@//%/$i}" >/dev/null 2>>"$tmp/said" &
		pids+=($!)
		[ $((i % 10)) != 9 ] || mocker-netsetup reload || failed "reload"
	done
	for i in "${pids[@]}"; do
		wait "$i" || failed "one of $*: $(cat "$tmp/said")"
	done
}

reloaded_meanwhile() {
	local round

	for ((round = 0; round < 3; round++)); do
		at_once 30 add many% --publish 90%:80
		run mocker-netsetup check
		check_status 0
		at_once 30 del many%
		check_lacks "$(elements)" 10.0.0 "what is left of round $round"
	done
}
test_case "reload restores what is there while others come and go" reloaded_meanwhile

collected() {
	local added record=/run/mocker/networks/attachments/pod1/eth0@net1

	run mocker-netsetup gc # a bridge's elements outlive its last attachment
	check_status 0
	with_pods add
	container=pod1 netns=/run/netns/pod1 cni ADD "$config"
	container=pod2 netns=/run/netns/pod2 cni ADD "$(numbered 2 '.ingressPolicy = "isolated"')"
	added=$(elements)
	nft 'add element inet mocker strict { "gone0" }
		add element inet mocker publish4 { tcp . 9990 : 10.88.0.99 . 1 }
		add element inet mocker attached6 { fd88::99 . "cni1" }
		add element inet mocker inward4 { 10.88.0.99 : goto hide }
		add element bridge mocker macs { "gone0" . 02:00:00:00:00:01 }'
	run mocker-netsetup gc
	check_status 0
	check_equal "$(elements)" "$added" "after gc"
	cp $record "$tmp/record"
	: >$record
	run mocker-netsetup gc
	check_equal "$(elements)" "$added" "where a record cannot be read"
	container=pod1 netns=/run/netns/pod1 cni DEL "$config"
	check_status 0
	check_lacks "$(elements)" 10.88. "after DEL with that record"
	container=pod1 netns=/run/netns/pod1 cni ADD "$config"
	check_status 0
	container=pod1 netns=/run/netns/pod1 cni DEL "$config"
	container=pod2 netns=/run/netns/pod2 cni DEL "$(numbered 2 .)"
	run mocker-netsetup gc
	check_equal "$(elements)" "" "after all"
	with_pods del
}
test_case "gc removes elements that no attachment has, as DEL does of a damaged record" collected

routed_pairs() {
	local list

	[ -x /usr/lib/cni/ptp ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	list=$(jq -nc '{cniVersion: "1.0.0", name: "p", runtimeConfig: {portMappings:
		[{hostPort: 9090, containerPort: 80, protocol: "tcp"}]}, plugins: [
		{type: "ptp", ipMasq: true, ipam: {type: "host-local", subnet: "10.89.0.0/24"}},
		{type: "mocker-netsetup", capabilities: {portMappings: true}}]}')
	ip netns add pod
	chain ADD "$list"
	check_status 0
	check_has "$(elements)" veth
	chain DEL "$list"
	check_status 0
	check_lacks "$(elements)" veth
	ip netns del pod
}
test_case "a routed pair is forgotten with its container" routed_pairs

elsewhere() {
	run mocker-netsetup add web
	nft add element inet mocker publish4 '{ tcp . 8080 : 10.0.0.99 . 1 }'
	run mocker-netsetup add other --ip 10.0.0.77 --publish 8080:80
	check_fails_with "setting firewall rules: adding to publish4 { tcp . 8080 : 10.0.0.77 . 80 }: File exists; it leads elsewhere already"
	check_lacks "$(elements)" 10.0.0.77 "all or none"
	run mocker-netsetup add other --publish 8080:80 # nobody else had leased it
	check_status 0
	run mocker-netsetup del other
	run mocker-netsetup del web
}
test_case "a port that leads elsewhere in the table refuses the whole attachment" elsewhere

count_ports() {
	nft -j list map inet mocker publish4 | jq '[.nftables[].map.elem // [] | .[]] | length'
}

thousands() {
	run mocker-netsetup add web --publish 20000-24999:20000-24999
	check_status 0
	check_equal "$(count_ports)" 5000
	run mocker-netsetup check web
	check_status 0
	# More failures than the socket has room for.
	nft flush map inet mocker publish4
	run mocker-netsetup del web
	check_status 0
	check_equal "$(count_ports)" 0
	run mocker-netsetup add web --publish 20000-24999:20000-24999
	check_status 0
	run mocker-netsetup del web
	check_status 0
	check_equal "$(count_ports)" 0
}
test_case "thousands of ports are one transaction, and fail as one" thousands
