#!/bin/bash
# Rules, by real traffic: masquerade to an outside host, published ports from everywhere,
# isolation of networks, and that the administrator's rules stay first.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*(mocker[12]|outside0)|^file /var/lib/mocker/networks'

set_up() {
	another_host outside
	mocker-netsetup network create blue --subnet 10.7.0.0/24 --interface mocker1
	mocker-netsetup network create free --subnet 10.6.0.0/24 --interface mocker2 \
		--isolation open
}
test_setup set_up

masquerade() {
	run mocker-netsetup add web
	check_status 0
	serve outside 9000 PEER
	check_equal "$(ask web 10.99.0.2 9000)" 10.99.0.1 "the address seen outside"
	stop_servers
	run mocker-netsetup del web
}
test_case "packets leave with the host's address" masquerade

published() {
	run mocker-netsetup add web --publish 8080:80 --publish 10.99.0.1:8081:80
	check_status 0
	web=$output
	run mocker-netsetup add db
	run mocker-netsetup add blue --network blue
	serve web 80 web
	check_equal "$(ask host "$web" 80)" web "directly"
	check_equal "$(ask host 127.0.0.1 8080)" web "from the host's loopback"
	check_equal "$(ask host 10.0.0.1 8080)" web "from the host"
	check_equal "$(ask outside 10.99.0.1 8080)" web "from outside"
	check_equal "$(ask outside 10.99.0.1 8081)" web "at one address"
	check_has "$(ask host 127.0.0.1 8081)" refused "at another address"
	check_equal "$(ask db 10.0.0.1 8080)" web "from a neighbour"
	check_equal "$(ask web 10.0.0.1 8080)" web "from itself"
	check_equal "$(ask blue 10.99.0.1 8080)" web "from another network"
	stop_servers
	run mocker-netsetup add other --publish 8080:80
	check_fails_with "publishing port 8080 of the host: tcp.8080 is taken by web/eth0@default"
	serve web 80 still
	check_equal "$(ask host 127.0.0.1 8080)" still "after another's attempt"
	stop_servers
	run mocker-netsetup del web
	check_has "$(ask host 127.0.0.1 8080)" refused "afterwards"
	run mocker-netsetup del db
	run mocker-netsetup del blue
}
test_case "a published port leads in from everywhere, and only while it is there" published

# refused_after PUBLISHED OTHER HOLDER: the second container does not get the port, the first
# keeps it.
refused_after() {
	run mocker-netsetup add first --network both --publish "$1"
	check_status 0
	run mocker-netsetup add second --network both --publish "$2"
	check_fails_with "$3 is taken by first/eth0@both"
	run mocker-netsetup check first
	check_status 0
	run mocker-netsetup del first
	run mocker-netsetup add second --network both --publish "$2"
	check_status 0
	run mocker-netsetup del second
	check_equal "$(nft list maps inet | grep 8090)" ""
}

one_name() {
	run mocker-netsetup network create both --interface mocker3 --subnet 10.5.0.0/24 \
		--subnet fd05::/64
	check_status 0
	refused_after 8090:80 0.0.0.0:8090:80 tcp.8090
	refused_after 0.0.0.0:8090:80 8090:80 tcp.8090
	refused_after 8090:80 '[::]:8090:80' tcp.8090@::
	refused_after '[0::0]:8090:80' 8090:80 tcp.8090@::
	refused_after '[fd09::1]:8090:80' '[FD09:0::1]:8090:80' tcp.8090@fd09::1
	run mocker-netsetup add first --network both --publish 0.0.0.0:8090:80
	run mocker-netsetup add second --network both --publish '[::]:8090:80'
	check_status 0
	run mocker-netsetup del first
	run mocker-netsetup check second
	check_status 0
	run mocker-netsetup del second
	run mocker-netsetup add first --network both --publish 0.0.0.0:8090:80 \
		--publish 127.0.0.1:8090:81
	check_fails_with "the host's port 8090 is published twice"
	run mocker-netsetup network rm both
}
test_case "a port of the host is one container's, however its address is written" one_name

# What goes through the host to somebody else is not the host's.
passing_by() {
	run mocker-netsetup add web --publish 8080:80
	run mocker-netsetup add db
	serve web 80 web
	serve outside 8080 outside
	check_equal "$(ask db 10.99.0.2 8080)" outside
	check_equal "$(ask host 10.99.0.2 8080)" outside
	stop_servers
	run mocker-netsetup del web
	run mocker-netsetup del db
}
test_case "a published port of the host's catches nothing that is for another" passing_by

is_masked() {
	! ip netns exec outside nft list counter inet seen masked | grep "packets 0 " >/dev/null
}

# A sender that never stops, in a namespace that stays; counted outside.
always_masked() {
	local sender i

	nft_outside=(ip netns exec outside nft)
	"${nft_outside[@]}" 'table inet seen { counter bare { }; counter masked { };
		chain in { type filter hook prerouting priority -300;
			ip saddr 10.0.0.0/16 counter name bare;
			ip saddr 10.99.0.1 udp dport 9 counter name masked; }; }'
	ip netns add stays
	ip netns exec stays python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try: s.sendto(b"x", ("10.99.0.2", 9))
    except OSError: pass' &
	sender=$!
	for ((i = 0; i < 15; i++)); do
		mocker-netsetup add /run/netns/stays >/dev/null || failed "add"
		[ $i -gt 0 ] || wait_until 20 is_masked || failed "nothing is sent"
		mocker-netsetup del stays || failed "del"
	done
	kill $sender && wait $sender 2>/dev/null
	check_has "$("${nft_outside[@]}" list counter inet seen bare)" "packets 0 "
	"${nft_outside[@]}" delete table inet seen
	ip netns del stays
}
test_case "no packet leaves with a container's own address while it comes and goes" always_masked

guarded() {
	run mocker-netsetup add web --publish 8080:80
	serve host 7000 secret 127.0.0.1
	ip -n web route add 127.0.0.0/8 via 10.0.0.1 table 7
	ip -n web rule add to 127.0.0.0/8 table 7 pref 0
	ip -n web rule del pref 0 lookup local
	ip -n web rule add pref 1 lookup local
	check_lacks "$(ask web 127.0.0.1 7000)" secret
	stop_servers
	run mocker-netsetup del web
}
test_case "a container does not reach the host's loopback" guarded

isolation() {
	run mocker-netsetup add web
	web=$output
	run mocker-netsetup add blue --network blue
	run mocker-netsetup add free --network free
	free=$output
	run mocker-netsetup add friend
	serve web 80 web
	serve free 80 free
	check_lacks "$(ask blue "$web" 80)" web "from another strict network"
	check_lacks "$(ask free "$web" 80)" web "from an open network"
	check_lacks "$(ask blue "$free" 80)" free "to an open network from a strict one"
	check_equal "$(ask friend "$web" 80)" web "from the same network"
	stop_servers
	run mocker-netsetup del web
	run mocker-netsetup del blue
	run mocker-netsetup del free
	run mocker-netsetup del friend
}
test_case "strict networks do not reach each other" isolation

# has_in SET BRIDGE
has_in() {
	nft list set inet mocker "$1" | grep "\"$2\"" >/dev/null
}

renamed() {
	run mocker-netsetup network create was --subnet 10.5.0.0/24 --interface mocker3
	run mocker-netsetup add first --network was
	run mocker-netsetup del first
	check has_in strict mocker3
	run mocker-netsetup network rm was
	check_status 0
	check_not has_in strict mocker3
	check_not has_in bridges mocker3
}
test_case "a network that is removed leaves nothing in the firewall" renamed

# with_policy JQ: a network of the CNI's whose policy changes.
with_policy() {
	jq -c "$1" <<<'{"cniVersion":"1.0.0","name":"pods","type":"mocker-netsetup",
		"bridge":"mocker3","isGateway":true,"ingressPolicy":"isolated","ipMasq":true,
		"ipam":{"type":"host-local","subnet":"10.5.0.0/24"}}'
}

loosened() {
	local pod

	for pod in pod1 pod2 pod3; do
		ip netns add $pod
	done
	container=pod1 netns=/run/netns/pod1 cni ADD "$(with_policy .)"
	check_status 0
	check has_in strict mocker3
	container=pod2 netns=/run/netns/pod2 cni ADD "$(with_policy 'del(.ingressPolicy)')"
	check_status 0
	check has_in strict mocker3 # as long as one is there that was told so
	container=pod1 netns=/run/netns/pod1 cni DEL "$(with_policy .)"
	container=pod3 netns=/run/netns/pod3 cni ADD "$(with_policy 'del(.ingressPolicy)')"
	check_status 0
	check_not has_in strict mocker3
	check has_in bridges mocker3
	for pod in pod2 pod3; do
		container=$pod netns=/run/netns/$pod cni DEL "$(with_policy .)"
	done
	for pod in pod1 pod2 pod3; do
		ip netns del $pod
	done
	ip link del mocker3
}
test_case "a bridge is isolated no longer than its containers are" loosened

internal() {
	local to

	run mocker-netsetup network create inner --internal --subnet 10.5.0.0/24 \
		--subnet fd05::/64 --interface mocker3
	run mocker-netsetup add one --network inner --publish 8085:80
	run mocker-netsetup add two --network inner
	to=$(mocker-netsetup list --json | jq -r '.[] | select(.container == "one") |
		.addresses[0].address | split("/")[0]')
	ip -n two route add default via 10.5.0.1
	ip -n one route add default via 10.5.0.1
	ip -n outside route add 10.5.0.0/24 via 10.99.0.1
	serve outside 9000 outside
	serve one 80 one
	check_lacks "$(ask two 10.99.0.2 9000)" outside "out"
	check_lacks "$(ask outside "$to" 80)" one "in"
	check_equal "$(ask two "$to" 80)" one "from a neighbour"
	check_equal "$(ask outside 10.99.0.1 8085)" one "at its published port"
	run mocker-netsetup trace two 10.99.0.2
	check_output_has "dropped: the network is internal"
	run mocker-netsetup reload
	check_lacks "$(ask two 10.99.0.2 9000)" outside "after reload"
	stop_servers
	run mocker-netsetup del one
	run mocker-netsetup del two
	run mocker-netsetup network rm inner
	check_not has_in internal mocker3
	ip -n outside route del 10.5.0.0/24 via 10.99.0.1
	run mocker-netsetup network create inner --internal --kind macvlan --interface eth0
	check_fails_with "only a network with a bridge and rules of ours can be internal"
}
test_case "there is no way out of an internal network, with whatever route" internal

unmanaged() {
	ip link add mocker3 type bridge
	run mocker-netsetup network create foreign --unmanaged --interface mocker3
	run mocker-netsetup add web --network foreign --publish 83:83
	check_fails_with "network \"foreign\" is unmanaged: without rules it publishes no ports"
	run mocker-netsetup add web --network foreign
	check_status 0
	check_equal "$(cat /proc/sys/net/ipv4/conf/mocker3/route_localnet)" 0
	check_not has_in strict mocker3
	check_not has_in bridges mocker3
	run mocker-netsetup del web
	run mocker-netsetup network rm foreign
	ip link del mocker3
}
test_case "somebody else's bridge gets no rules" unmanaged

administrator() {
	run mocker-netsetup add web --publish 8080:80
	nft "add table inet admin
		add chain inet admin forward { type filter hook forward priority 0; policy accept; }
		add rule inet admin forward ip daddr $output tcp dport 80 drop"
	serve web 80 web
	check_lacks "$(ask outside 10.99.0.1 8080)" web
	nft delete table inet admin
	check_equal "$(ask outside 10.99.0.1 8080)" web
	stop_servers
	run mocker-netsetup del web
}
test_case "what the administrator drops stays dropped" administrator

restored() {
	run mocker-netsetup add web --publish 8080:80
	serve web 80 web
	nft flush ruleset
	check_has "$(ask host 127.0.0.1 8080)" refused
	run mocker-netsetup check web
	check_status 1
	check_output_has "its firewall rules are lost; mocker-netsetup reload restores them"
	run mocker-netsetup reload
	check_status 0
	check_equal "$(ask host 127.0.0.1 8080)" web
	run mocker-netsetup check web
	check_status 0
	stop_servers
	run mocker-netsetup del web
}
test_case "reload restores the rules after a foreign flush" restored

# What nobody can read may ask for rules that are there.
unreadable() {
	local record=/run/mocker/networks/attachments/web/eth0@default

	run mocker-netsetup add web --publish 8080:80
	run mocker-netsetup add other
	serve web 80 web
	mv "$record" "$tmp/record"
	echo "{" >"$record"
	run mocker-netsetup reload
	check_status 1
	check_errors_have "a record that cannot be read would be lost"
	check_equal "$(ask host 127.0.0.1 8080)" web "after a reload that is refused"
	run mocker-netsetup gc
	check_equal "$(ask host 127.0.0.1 8080)" web "after gc"
	run mocker-netsetup check
	check_status 1
	run mocker-netsetup check web
	check_status 1
	check_lacks "$errors" "attached to no network"
	mv "$tmp/record" "$record"
	run mocker-netsetup reload
	check_status 0
	check_equal "$(ask host 127.0.0.1 8080)" web "after a reload"
	run mocker-netsetup check
	check_status 0
	stop_servers
	run mocker-netsetup del web
	check_status 0
	run mocker-netsetup del other
}
test_case "a record that cannot be read loses no rules" unreadable

udp_moves() {
	local first second

	run mocker-netsetup add first --publish 5353:53/udp
	first=$output
	serve_udp first 53 first
	check_equal "$(ask_udp outside 10.99.0.1 5353 4444)" first
	stop_servers
	run mocker-netsetup del first
	run mocker-netsetup add second --publish 5353:53/udp
	second=$output
	check_lacks "$first" "$second"
	serve_udp second 53 second
	check_equal "$(ask_udp outside 10.99.0.1 5353 4444)" second
	stop_servers
	run mocker-netsetup del second
}
test_case "a UDP client is led to the port's new container at once" udp_moves
