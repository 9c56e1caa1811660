#!/bin/bash
# Containers of a network with names, by the front door alone: they find each other, so does
# who joins the network of one, and that goes on when the one it joined has ended.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

set_up() {
	make_box
	run mocker network create back --dns --subnet 10.7.0.0/24
	check_status 0
}
test_setup set_up
store_stays
network_stays
leaves '^(link|address|route) .*mocker[0-9]'

finds() { # CONTAINER NAME ADDRESS
	mocker exec "$1" nslookup "$2" | grep -x "Address.*: *$3" >/dev/null
}

by_name() {
	needs dnsmasq || return
	run mocker run --network back db box
	check_output 10.7.0.2
	run mocker run --network back --hostname inside app box
	check_output 10.7.0.3
	check wait_until 60 finds app db 10.7.0.2
	check wait_until 60 finds db app 10.7.0.3
	check_equal "$(mocker exec app grep -w inside /etc/hosts)" \
		"10.7.0.3 inside app # mocker-netsetup eth0@back"
	run mocker run --rm --network back --dns 192.0.2.53 own box cat /etc/resolv.conf
	check_output "nameserver 192.0.2.53"
}
test_step "containers find each other by name" by_name

in_a_pod() {
	needs dnsmasq || return
	run mocker run --pod app side box
	check_status 0
	check wait_until 60 finds side db 10.7.0.2
	run mocker run --rm --pod app --dns 192.0.2.53 own box cat /etc/resolv.conf
	check_output "nameserver 192.0.2.53"
}
test_step "who joins the network of one has its name servers" in_a_pod

outlived() {
	needs dnsmasq || return
	run mocker stop -t 0 app
	check_status 0
	run mocker-netsetup check
	check_output ""
	check_status 0
	run mocker-netsetup gc
	check_output ""
	check wait_until 60 finds side db 10.7.0.2
}
test_step "the network of a container that has ended stays who is in it" outlived

ends() {
	run mocker rm -f side
	run mocker rm -f app
	run mocker rm -f db
	check_status 0
	run mocker network rm back
	check_status 0
}
test_case "nothing is left" ends
