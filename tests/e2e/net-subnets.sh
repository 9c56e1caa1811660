#!/bin/bash
# What the host has already: its own subnets, its own way out. Networks keep out of the former
# and take their MTU from the latter.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /var/lib/mocker/networks'

# The host's interface "lan", up; its other end is nobody's.
add_lan() { # [WORDS of ip link add]
	ip link add lan "$@" type veth peer name wire
	ip link set wire up
	ip link set lan up
}

own_subnets() {
	add_lan
	ip address add 10.0.0.77/24 dev lan
	ip address add 10.0.4.1/32 dev lan # nobody else is there
	ip route add 10.0.1.0/24 via 10.0.0.1
	ip route add 10.0.0.0/8 via 10.0.0.1 # too wide to keep out of
	run mocker-netsetup add web
	check_status 0
	check_output 10.0.2.2
	check_has "$(ip route get 10.0.0.1)" "dev lan"
	run mocker-netsetup network create zz
	check_status 0
	check_has "$(mocker-netsetup network inspect zz)" '"10.0.3.0/24"'
	run mocker-netsetup network create fourth
	check_has "$(mocker-netsetup network inspect fourth)" '"10.0.4.0/24"'
	run mocker-netsetup network create overlapping --subnet 10.0.0.0/25
	check_fails_with 'the subnet 10.0.0.0/25 overlaps 10.0.0.0/24 of the host'\''s lan'
	# Another's bridge, with its own address; and the host's own subnet, shared.
	ip link add adm0 type bridge
	ip address add 10.77.0.1/24 dev adm0
	run mocker-netsetup network create adm --interface adm0 --subnet 10.77.0.0/24
	check_status 0
	run mocker-netsetup network create shared --kind macvlan --interface lan --subnet 10.0.0.0/24
	check_status 0
	mocker-netsetup del web
	for name in default zz fourth shared; do
		mocker-netsetup network rm $name
	done
	rm /var/lib/mocker/networks/adm.json
	ip link del adm0
	# A host that has all of 10.0.0.0/8 on its link.
	ip address add 10.0.0.78/8 dev lan
	run mocker-netsetup add web
	check_output 172.16.0.2
	mocker-netsetup del web
	mocker-netsetup network rm default
	ip link del lan
}
test_case "networks keep out of the host's own subnets and routes" own_subnets

same_subnet() {
	local mine='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"cni1",
		"isGateway":true,"ipam":{"subnet":"10.88.0.0/24"}}'

	ip netns add pod
	add_lan
	ip address add 10.88.0.9/24 dev lan
	cni ADD "$mine"
	cni_code 100 "the host's lan has the subnet 10.88.0.0/24 already"
	check_equal "$(ip -n pod -o link | wc -l)" 1
	check_equal "$(ip -o address show dev cni1)" ""
	ip address flush dev lan
	ip address add 10.88.0.9/16 dev lan # the bridge's is the narrower one
	cni ADD "$mine"
	check_status 0
	ip address add 10.88.0.9/24 dev lan # too late to refuse
	container=pod2 ifname=eth1 cni ADD "$mine"
	check_status 0
	ip link del lan
	container=pod2 ifname=eth1 cni DEL "$mine"
	cni DEL "$mine"
	ip netns del pod
}
test_case "a subnet that another interface has is refused to a bridge" same_subnet

way_out() { # FAMILY ADDRESS GATEWAY [nodad]
	add_lan mtu 1300
	ip address add "$2" dev lan ${4+nodad}
	ip -"$1" route add default via "$3"
	run mocker-netsetup network create out --subnet 10.7.0.0/24
	run mocker-netsetup add web --network out
	check_status 0
	check_has "$(ip -n web link show eth0)" "mtu 1300"
	mocker-netsetup del web
	mocker-netsetup network rm out
	ip link del lan
}
test_case "the MTU of the way out by IPv4" way_out 4 192.0.2.7/24 192.0.2.1
test_case "the MTU of the way out by IPv6, where IPv4 has none" way_out 6 fd99::7/64 fd99::1 nodad
