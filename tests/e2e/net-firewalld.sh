#!/bin/bash
# firewalld's zones, beside a real firewalld on a bus of the test's own: with backend and
# firewalldZone, in place of the firewall plugin, and where there is no firewalld.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /run/(cni|dbus|firewalld)|^file /var/lib/cni'

config='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"cni1",
	"isDefaultGateway":true,"backend":"firewalld",
	"runtimeConfig":{"ips":["10.88.0.9","fd88::9"]},"ipam":{"type":"host-local","ranges":
	[[{"subnet":"10.88.0.0/24"}],[{"subnet":"fd88::/64"}]]}}'

with() { # JQ FILTER
	jq -c "$1" <<<"$config"
}

grep -q FirewallD1 "$top_builddir/mocker-netsetup" || host_skip "built without systemd"
for program in firewalld dbus-daemon dbus-send; do
	command -v $program >/dev/null || host_skip "$program is missing"
done

# firewalld METHOD [ARGUMENT...]: of a zone; prints the reply.
firewalld_zone() {
	local method=$1

	shift
	dbus-send --system --print-reply=literal --dest=org.fedoraproject.FirewallD1 \
		/org/fedoraproject/FirewallD1 "org.fedoraproject.FirewallD1.zone.$method" \
		"${@/#/string:}" 2>/dev/null
}

sources() { # ZONE
	firewalld_zone getSources "$1" | sed 's/^ *array//' | tr -d '[]' | xargs
}

start_bus() {
	mkdir -p /run/dbus
	dbus-daemon --system --nofork --nopidfile --nosyslog 2>/dev/null &
	bus=$!
	check wait_until 20 dbus-send --system --dest=org.freedesktop.DBus --print-reply \
		/ org.freedesktop.DBus.GetId >/dev/null 2>&1
}

start_firewalld() {
	firewalld --nofork --nopid --log-target=console >/dev/null 2>&1 &
	firewalld=$!
	check wait_until 60 firewalld_zone getActiveZones >/dev/null
}

stop() { # PROCESS...
	kill "$@"
	wait "$@" 2>/dev/null
}

# refused MESSAGE: a backend that is asked for, and not there; a zone alone asks for none.
refused() {
	ip netns add pod
	cni ADD "$config"
	cni_code 100 "$1"
	check_equal "$(ip -n pod -o link | wc -l)" 1
	cni ADD "$(with 'del(.backend) | .firewalldZone = "internal"')"
	check_status 0
	cni DEL "$config"
	check_status 0
	ip netns del pod
}

no_bus() {
	refused "firewalld: there is no system bus at /run/dbus/system_bus_socket"
}
test_case "without a bus, backend firewalld is refused and a zone alone has no effect" no_bus

no_firewalld() {
	start_bus
	refused "firewalld: addSource 10.88.0."
	stop "$bus"
	rm -r /run/dbus
}
test_case "so it is with a bus on which no firewalld is" no_firewalld

not_loaded() {
	needs strace || return
	start_bus
	ip netns add pod
	with 'del(.backend)' >"$tmp/config"
	CNI_COMMAND=ADD CNI_CONTAINERID=pod1 CNI_NETNS=/run/netns/pod CNI_IFNAME=eth0 \
		strace -f -e trace=openat -o "$tmp/trace" mocker-netsetup <"$tmp/config" >/dev/null
	check_has "$(cat "$tmp/trace")" libnl
	check_lacks "$(cat "$tmp/trace")" libsystemd
	rm "$tmp/trace"
	cni DEL "$config"
	ip netns del pod
	stop "$bus"
	rm -r /run/dbus
}
test_case "without either key libsystemd is not loaded" not_loaded

set_up() {
	start_bus
	start_firewalld
}
test_setup set_up

by_backend() {
	ip netns add pod
	ip netns add other
	netns=/run/netns/other container=pod2 cni ADD "$(with 'del(.backend, .runtimeConfig)')"
	check_status 0
	cni ADD "$config"
	check_status 0
	check_equal "$(sources trusted)" "10.88.0.9/32 fd88::9/128"
	serve host 9990 host
	check_equal "$(ask pod 10.88.0.1 9990)" host "what the zone lets in"
	check_equal "$(ask other 10.88.0.1 9990 | grep -c '^host$')" 0 "from elsewhere"
	stop "$(jobs -p | grep -vxE "$bus|$firewalld")"
	cni CHECK "$(with_prev "$config")"
	check_status 0
	firewalld_zone removeSource trusted 10.88.0.9/32 >/dev/null
	cni CHECK "$(jq -c '.prevResult = {ips: [{address: "10.88.0.9/24"},
		{address: "fd88::9/64"}]}' <<<"$config")"
	cni_code 100 "firewalld has lost 10.88.0.9/32"
	run mocker-netsetup check
	check_status 1
	run mocker-netsetup reload
	check_status 0
	check_equal "$(sources trusted)" "fd88::9/128 10.88.0.9/32"
	run mocker-netsetup check
	check_status 0
	cni DEL "$config"
	check_status 0
	check_equal "$(sources trusted)" ""
	cni DEL "$config"
	check_status 0
	ip netns del pod
	ip netns del other
}
test_step "backend firewalld: the addresses are sources of the zone trusted" by_backend

by_zone() {
	local mine

	mine=$(with 'del(.backend) | .firewalldZone = "internal"')
	ip netns add pod
	cni ADD "$mine"
	check_status 0
	check_equal "$(sources internal)" "10.88.0.9/32 fd88::9/128"
	ip netns del pod
	cni_collect "$mine"
	check_status 0
	check_equal "$(sources internal)" "" "after gc"
	ip netns add pod
	cni ADD "$(jq -c '.backend = "iptables"' <<<"$mine")"
	check_status 0
	check_equal "$(sources internal)" "" "with another backend"
	cni DEL "$mine"
	ip netns del pod
}
test_step "firewalldZone, which gc leaves too, and which another backend does not look at" by_zone

failing() {
	ip netns add pod
	cni ADD "$(with '.firewalldZone = "nowhere"')"
	cni_code 100 'addSource 10.88.0.9/32 in zone "nowhere": INVALID_ZONE'
	firewalld_zone addSource internal fd88::9/128 >/dev/null
	cni ADD "$config"
	cni_code 100 "ZONE_CONFLICT"
	check_equal "$(sources trusted)" "" "the half that was added"
	check_equal "$(ip -n pod -o link | wc -l)" 1
	firewalld_zone removeSource internal fd88::9/128 >/dev/null
	check_equal "$(find /run/mocker/networks/attachments -type f 2>/dev/null)" ""
	ip netns del pod
}
test_step "a zone that does not exist, and an address of another zone: all is taken back" failing

# The reference chain, and ours in place of its last entry.
as_firewall_plugin() { # TYPE
	local list

	list=$(jq -nc --arg type "$1" '{cniVersion: "1.0.0", name: "net2", plugins: [
		{type: "bridge", bridge: "cni2", isGateway: true, ipam: {type: "host-local",
			subnet: "10.87.0.0/24", dataDir: "/run/cni"}}, {type: $type}]}')
	ip netns add pod
	chain ADD "$list"
	check_status 0
	check_matches "$(sources trusted)" '^10\.87\.0\.[0-9]+/32$' "sources, by $1"
	chain DEL "$list"
	check_status 0
	check_equal "$(sources trusted)" "" "sources after, by $1"
	ip netns del pod
}

in_place_of_it() {
	[ -x /usr/lib/cni/firewall ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	as_firewall_plugin firewall
	as_firewall_plugin mocker-netsetup
}
test_step "in place of the firewall plugin, without a key, as that does" in_place_of_it

it_ends() {
	ip netns add pod
	cni ADD "$config"
	check_status 0
	stop "$firewalld"
	cni CHECK "$(with_prev "$config")"
	check_status 1
	nft flush ruleset
	run mocker-netsetup reload
	check_fails_with "firewalld: addSource 10.88.0.9/32"
	check_has "$(nft list table inet mocker)" "chain forward"
	cni DEL "$config"
	check_status 0
	ip netns del pod
	start_firewalld
	ip netns add pod
	cni ADD "$config"
	check_status 0
	stop "$firewalld"
	stop "$bus"
	cni DEL "$config"
	check_status 0
	rm -r /run/dbus
	ip netns del pod
	nft flush ruleset
}
test_step "an end of firewalld, or of the bus, keeps no container from going" it_ends

# A bus that accepts connections and says nothing.
silent() {
	local began=$SECONDS

	mkdir -p /run/dbus
	python3 -c '
import socket, time
place = socket.socket(socket.AF_UNIX)
place.bind("/run/dbus/system_bus_socket")
place.listen(9)
time.sleep(600)' &
	bus=$!
	check wait_until 20 test -S /run/dbus/system_bus_socket
	ip netns add pod
	cni ADD "$config"
	cni_code 100 "connecting to the bus: it did not answer within 10 seconds"
	check [ $((SECONDS - began)) -lt 60 ]
	check_equal "$(ip -n pod -o link | wc -l)" 1
	stop "$bus"
	rm -r /run/dbus
	cni DEL "$config"
	check_status 0
	ip netns del pod
}
test_case "a silent bus is waited for ten seconds" silent
