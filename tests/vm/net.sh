#!/bin/bash
# Attachments that need a kernel with VLAN filtering, ipvlan and dummy interfaces: in the
# virtual machine (check.sh).
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*(cni[0-9]|mocker0|dummy0|gre0|gretap0|erspan0)|^file /var/lib/mocker/networks'

config='{"cniVersion":"1.1.0","name":"red","type":"mocker-netsetup","bridge":"cni1","vlan":100,
	"isDefaultGateway":true,"preserveDefaultVlan":false,"ipam":{"subnet":"10.88.0.0/24"}}'

modprobe -a 8021q ipvlan dummy macvlan bridge veth 2>/dev/null

ping_it() { # NETNS ADDRESS
	ip netns exec "$1" busybox ping -c 1 -W 5 "$2" >/dev/null
}

attached() { # NAME CONFIGURATION: sets $port
	ip netns add "$1"
	container=$1 netns=/run/netns/$1 cni ADD "$2"
	check_status 0
	port=$(result '.interfaces[1].name')
}

detached() { # CONFIGURATION NAME...
	local name

	for name in "${@:2}"; do
		container=$name netns=/run/netns/$name cni DEL "$1"
		check_status 0
		ip netns del "$name"
	done
}

vlans() {
	local blue port

	blue=$(jq -c '.name = "blue" | .vlan = 200 | .ipam.subnet = "10.89.0.0/24"' <<<"$config")
	attached one "$config"
	check_matches "$(bridge vlan show dev "$port" | tr -s ' \n' ' ')" '100 PVID Egress Untagged'
	check_lacks "$(bridge vlan show dev "$port" | tr -s ' \n' ' ')" ' 1 PVID'
	attached two "$config"
	attached three "$blue"
	check_matches "$(bridge vlan show dev "$port" | tr -s ' \n' ' ')" '200 PVID Egress Untagged'
	check_has "$(ip -4 -o address show cni1.100)" "10.88.0.1/24"
	check_has "$(ip -4 -o address show cni1.200)" "10.89.0.1/24"
	check ping_it one 10.88.0.3
	check ping_it one 10.88.0.1
	check ping_it three 10.89.0.1
	# The other VLAN is not on the same wire, whatever addresses say.
	ip -n three address add 10.88.0.77/24 dev eth0
	ip -n three route del 10.88.0.0/24 dev eth0 2>/dev/null
	ip -n three route add 10.88.0.2/32 dev eth0
	check_not ping_it three 10.88.0.2
	detached "$config" one two
	detached "$blue" three
}
test_case "VLANs of one bridge: containers of the same reach each other, of others not" vlans

trunks() {
	local trunk port

	trunk=$(jq -c '.name = "trunk" | .bridge = "cni2" | .vlan = 0 | .isDefaultGateway = false |
		.vlanTrunk = [{id: 101}, {minID: 200, maxID: 203}] | del(.ipam)' <<<"$config")
	attached one "$trunk"
	check_matches "$(bridge vlan show dev "$port" | tr -s ' \n' ' ')" ' 101 .*200.*203'
	check_equal "$(cat /sys/class/net/cni2/bridge/vlan_filtering)" 1
	detached "$trunk" one
	ip netns add one
	container=one netns=/run/netns/one cni ADD "$(jq -c '.vlanTrunk = [{id: 4095}]' <<<"$trunk")"
	cni_code 7 "VLANs 4095"
	ip netns del one
}
test_case "a trunk of VLANs" trunks

uppers() {
	local kind mode

	ip link add dummy0 type dummy
	ip link set dummy0 up
	while read -r kind mode; do
		mocker-netsetup network create direct --kind "$kind" --mode "$mode" --interface dummy0 \
			--subnet 10.5.0.0/24
		run mocker-netsetup add one --network direct
		check_status 0
		run mocker-netsetup add two --network direct
		check_status 0
		check_has "$(ip -n one -d link show eth0)" "$kind"
		check_matches "$(ip -n one -d link show eth0)" "mode $mode"
		check ping_it one 10.5.0.3
		run mocker-netsetup check one
		check_status 0
		run mocker-netsetup del one
		check_status 0
		run mocker-netsetup del two
		run mocker-netsetup network rm direct
		check_status 0
	done <<-END
		ipvlan l2
		ipvlan l3
		ipvlan l3s
		macvlan bridge
	END
	ip link del dummy0
}
test_case "ipvlan in its modes and macvlan, on a dummy interface" uppers

# sctp NETNS|host ADDRESS PORT: the answer of a connection by SCTP.
sctp() {
	local inside=()

	[ "$1" = host ] || inside=(ip netns exec "$1")
	"${inside[@]}" timeout 10 python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
s.connect((sys.argv[1], int(sys.argv[2])))
print(s.recv(100).decode())' "$2" "$3" 2>&1 | tail -n 1
}

sctp_published() {
	local server

	modprobe sctp || {
		skip "the kernel has no SCTP"
		return
	}
	another_host outside
	run mocker-netsetup add web --publish 9004:7/sctp
	check_status 0
	ip netns exec web python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
s.bind(("", 7))
s.listen(5)
while True:
    c = s.accept()[0]
    c.sendall(b"by sctp")
    c.close()' &
	server=$!
	check wait_until 20 sctp_answers
	check_equal "$(sctp outside 10.99.0.1 9004)" "by sctp" "from outside"
	check_equal "$(sctp host 10.0.0.1 9004)" "by sctp" "from the host"
	kill $server && wait $server 2>/dev/null
	run mocker-netsetup del web
	check_status 0
	check_lacks "$(sctp outside 10.99.0.1 9004)" "by sctp" "afterwards"
	ip netns del outside
}

sctp_answers() {
	[ "$(sctp host 10.0.0.2 7)" = "by sctp" ]
}
test_case "a port published for SCTP" sctp_published

device() {
	ip link add dummy0 type dummy
	mocker-netsetup network create card --kind host-device --interface dummy0 \
		--subnet 10.5.0.0/24
	run mocker-netsetup add one --network card
	check_status 0
	check_has "$(ip -n one -d link show eth0)" dummy
	run mocker-netsetup add two --network card
	check_fails_with "does another container have it?"
	run mocker-netsetup del one
	check_status 0
	check ip link show dummy0 >/dev/null
	ip link del dummy0
	run mocker-netsetup network rm card
}
test_case "a device of the host goes and comes back" device
