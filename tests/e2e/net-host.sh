#!/bin/bash
# What is the host's, or another program's, stays as it was: its interfaces, its bridges, a
# device that a container had for a while, limits on another plugin's interface.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^file /var/lib/mocker/networks|^(address|route) .*parent0' # IPv6 of a device that moved

config='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"br9",
	"isDefaultGateway":true,"ipam":{"type":"host-local","subnet":"10.88.0.0/24"}}'
bandwidth='{ingressRate: 8000, ingressBurst: 160000, egressRate: 8000, egressBurst: 160000}'

with() { # JQ FILTER
	jq -c "$1" <<<"$config"
}

# The host's own interface has the name that the container's has inside.
set_up() {
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 # no addresses that come late
	ip link add eth0 type bridge
	ip link set eth0 up
	ip link add parent0 type veth peer name parent1
	ip link set parent0 up
	ip link set parent1 up
	echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	ip netns add pod
}
test_setup set_up

same_name() {
	local macvlan='.kind = "macvlan" | .master = "parent0"'
	local before

	before=$(tc qdisc show dev eth0)
	cni ADD "$(with "$macvlan | .runtimeConfig.bandwidth = $bandwidth")"
	check_status 1
	check_output_has "bandwidth: the host has no end of this interface to limit"
	cni ADD "$(with "$macvlan | .macspoofchk = true")"
	cni_code 7 "has no MAC addresses to check, only a bridge"
	cni ADD "$(with "$macvlan")"
	check_status 0
	run mocker-netsetup list --json
	check_equal "$(result '.[0].link')" null "the host's end"
	check_equal "$(tc qdisc show dev eth0)" "$before"
	cni DEL "$(with "$macvlan")"
	check_status 0
	check_not ip -n pod link show eth0 2>/dev/null
	check ip link show eth0 >/dev/null
	run mocker-netsetup network create mv --kind macvlan --interface parent0 --check-mac \
		--subnet 10.64.0.0/24
	check_fails_with "has no MAC addresses to check, only a bridge"
}
test_case "an interface of the host's is not taken for the container's of that name" same_name

# Of an older version: what it asks for was not refused then, and can still be removed.
older() {
	run mocker-netsetup network create mv --kind macvlan --interface parent0 \
		--subnet 10.64.0.0/24
	sed -i 's/"mode"\|"name"/"checkMac": true, &/' /var/lib/mocker/networks/mv.json
	run mocker-netsetup add web --network mv
	check_fails_with "has no MAC addresses to check, only a bridge"
	run mocker-netsetup network rm mv
	check_status 0
}
test_case "a network that asks its kind for too much is refused when it is used" older

advertisements() {
	ip link add br9 type bridge
	ip link set br9 up
	echo 1 >/proc/sys/net/ipv6/conf/br9/accept_ra
	cni ADD "$config"
	check_status 0
	check_equal "$(cat /proc/sys/net/ipv6/conf/br9/accept_ra)" 0
	check_equal "$(cat /proc/sys/net/ipv6/conf/br9/disable_ipv6)" 0 "what its owner has"
	cni DEL "$config"
	ip link del br9
}
test_case "no bridge listens to router advertisements, whoever made it" advertisements

advertised_route() {
	ip -6 route show default proto ra | grep . >/dev/null
}

# The kernel drops such a route when the host becomes a router, as with the reference bridge.
advertised() {
	needs dnsmasq || return
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	another_host outside
	ip link add quiet0 type veth peer name quiet1 # nobody advertises there
	ip -n outside address add fd99::1/64 dev eth0 nodad
	ip netns exec outside dnsmasq --keep-in-foreground --port=0 --interface=eth0 --enable-ra \
		--dhcp-range=::,constructor:eth0,ra-only --conf-file=/dev/null --pid-file= \
		--user=root --leasefile-ro 2>"$tmp/dnsmasq.log" &
	check wait_until 30 advertised_route
	mocker-netsetup network create six --subnet fd07::/64
	run mocker-netsetup add web --network six
	check_status 0
	check_has "$errors" "outside0 keeps the default route that a router advertises"
	check advertised_route
	check_equal "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" 1
	check_equal "$(cat /proc/sys/net/ipv6/conf/{outside0,quiet0}/accept_ra | xargs)" "2 1"
	mocker-netsetup del web
	mocker-netsetup network rm six
	kill %% && wait 2>/dev/null
	rm -f "$tmp/dnsmasq.log"
	ip link del quiet0
	ip netns del outside
}
test_case "the host's own default route by advertisements stays when it begins to forward" advertised

on_a_vlan() {
	if ! ip link add br9 type bridge vlan_filtering 1 2>/dev/null; then
		skip "this kernel's bridges have no VLANs"
		return
	fi
	ip link del br9
	cni ADD "$(with '.vlan = 42')"
	check_status 0
	check_equal "$(cat /proc/sys/net/ipv6/conf/br9.42/accept_ra)" 0 "of the VLAN"
	check_equal "$(cat /proc/sys/net/ipv6/conf/br9.42/disable_ipv6)" 1 "of the VLAN"
	cni DEL "$config"
	ip link del br9
}
test_case "a VLAN's interface on it does not either" on_a_vlan

kept_bridges() {
	local checked

	ip link add adm0 type bridge
	ip address add 10.77.0.9/24 dev adm0
	run mocker-netsetup network create adm --interface adm0 --subnet 10.78.0.0/24
	run mocker-netsetup network rm adm
	check_status 0
	check_has "$(ip address show adm0)" 10.77.0.9/24
	ip link del adm0

	run mocker-netsetup network ls # makes the default one
	check_status 0
	cni ADD "$(with '.bridge = "mocker0"')"
	check_status 0
	checked=$(with_prev "$(with '.bridge = "mocker0"')")
	run mocker-netsetup network rm default
	check_status 0
	check ip link show mocker0 >/dev/null
	cni CHECK "$checked"
	check_status 0
	cni DEL "$(with '.bridge = "mocker0"')"
	ip link del mocker0

	run mocker-netsetup network create own --interface br9 --subnet 10.78.0.0/24
	run mocker-netsetup add web --network own --mac 02:00:00:00:00:09
	check_status 0
	run mocker-netsetup del web
	run mocker-netsetup network rm own
	check_status 0
	check_not ip link show br9 2>/dev/null
}
test_case "only a bridge that was made here is removed, once nobody is on it" kept_bridges

# MAC, MTU, queue and flags of the host's device.
state() {
	ip -j link show parent0 | jq -c '.[] | [.address, .mtu, .txqlen,
		(.flags - ["LOWER_UP", "NO-CARRIER"])]'
}

lent() {
	local device='.kind = "host-device" | .device = "parent0"'
	local before

	before=$(state)
	cni ADD "$(with "$device | .mtu = 1300 | .mac = \"02:00:00:00:00:77\"")"
	check_status 0
	check_equal "$(result '.interfaces[0].mac')" 02:00:00:00:00:77
	check_matches "$(ip -n pod link show eth0 | xargs)" 'mtu 1300 .*02:00:00:00:00:77'
	cni CHECK "$(with_prev "$(with "$device")")"
	check_status 0
	cni DEL "$(with "$device")"
	check_status 0
	check_equal "$(state)" "$before" "after DEL"
	cni ADD "$(with "$device | .promisc = true | .allmulti = true | .txQLen = 77")"
	check_status 0
	check_matches "$(ip -n pod link show eth0 | xargs)" 'ALLMULTI,PROMISC.* qlen 77'
	cni DEL "$(with "$device")"
	check_equal "$(state)" "$before" "after DEL of a tuned one"

	ip -n pod link add eth0 type bridge
	cni ADD "$(with "$device | .mtu = 1300 | .mac = \"02:00:00:00:00:77\"")"
	check_status 1
	check_output_has "the container has an interface eth0 already"
	check_equal "$(state)" "$before" "after an ADD that failed"
	cni ADD "$(with "$device | .device = \"gone0\"")"
	check_status 1
	check ip -n pod link show eth0 >/dev/null
	ip -n pod link del eth0

	ip link set parent0 down
	before=$(state)
	cni ADD "$(with "$device")"
	check_status 0
	cni DEL "$(with "$device")"
	check_equal "$(state)" "$before" "of one that was down"
	ip link set parent0 up
}
test_case "a device comes back as it was" lent

others_limits() {
	local chained before

	[ -x /usr/lib/cni/ptp ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	plugin=/usr/lib/cni/ptp cni ADD "$(with '.type = "ptp" | .cniVersion = "1.0.0"')"
	check_status 0
	chained=$(with_prev "$(with ".cniVersion = \"1.0.0\" | .runtimeConfig.bandwidth = $bandwidth")")
	before=$(tc qdisc show)
	cni ADD "$chained"
	check_status 0
	check_has "$(tc qdisc show)" tbf
	cni DEL "$chained"
	check_status 0
	check_equal "$(tc qdisc show)" "$before" "after DEL"
	cni ADD "$(jq -c '.sysctl = {"net.foo": "1"}' <<<"$chained")"
	check_status 1
	check_equal "$(tc qdisc show)" "$before" "after an ADD that failed"
	plugin=/usr/lib/cni/ptp cni DEL "$(with '.type = "ptp" | .cniVersion = "1.0.0"')"
}
test_case "limits on another plugin's interface go with the attachment" others_limits
