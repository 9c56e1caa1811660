#!/bin/bash
# A user without privilege: pasta is the way out of a network namespace that is the user's
# own; nothing of the host's network is changed for it.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
leaves '^(link|address|route) .*outside0|^file .*/user/'

# The device of pasta is open to every user on most machines, but not on all.
set_up() {
	another_host outside
	ip route add default via 10.99.0.2
	mkdir -p "$tmp/user"
	mount -t tmpfs -o dev,mode=755 tmpfs "$tmp/user"
	mknod "$tmp/user/tun" c 10 200 && chmod 666 "$tmp/user/tun"
	mount --bind "$tmp/user/tun" /dev/net/tun
	mkdir "$tmp/user/run" "$tmp/user/home"
	chown 1000:1000 "$tmp/user/run" "$tmp/user/home"
	programs_for_all
}
test_setup set_up

as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups env "PATH=$tmp/programs:$PATH"
	"HOME=$tmp/user/home" "XDG_RUNTIME_DIR=$tmp/user/run")
user() {
	"${as_user[@]}" "$@"
}

# container: a process of the user's in namespaces of its own; sets $container.
container() {
	"${as_user[@]}" unshare -Urn sleep 1000 &
	container=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$container/ns/net) != \$(readlink /proc/self/ns/net) ]"
	wait_until 60 grep -q . "/proc/$container/uid_map"
}

within() {
	user nsenter -U --preserve-credentials -n -t "$container" "$@"
}

way_out() {
	local links

	needs pasta curl || return
	links=$(ip -o link)
	container
	run user mocker-netsetup add web --pid "$container" --publish 8080:80
	check_status 0
	check_output 10.0.0.2
	check_has "$(within ip address show eth0)" "inet 10.0.0.2/24"
	check_has "$(within ip route)" "default via 10.0.0.1 dev eth0"
	check_equal "$(ip -o link)" "$links" "the host's interfaces"
	ip netns exec outside busybox httpd -p 9000 -h "$tmp/user" -f &
	echo outside >"$tmp/user/page"
	check wait_until 60 ip netns exec outside curl -sf http://127.0.0.1:9000/page
	check_equal "$(within curl -s -m 10 http://10.99.0.2:9000/page)" outside
	"${as_user[@]}" nsenter -U --preserve-credentials -n -t "$container" \
		busybox httpd -p 80 -h "$tmp/user" -f &
	check wait_until 60 curl -sf -m 5 http://127.0.0.1:8080/page
	check_equal "$(ip netns exec outside curl -s -m 10 http://10.99.0.1:8080/page)" outside
	run user mocker-netsetup list
	check_matches "$output" 'web +10.0.0.2 +default +eth0'
	run user mocker-netsetup check web
	check_status 0
	run user mocker-netsetup trace web 10.99.0.2:9000
	check_status 0
	check_output_has "leaves as a connection of pasta's"
	run user mocker-netsetup trace web 10.0.0.1
	check_status 1
	check_output_has "the gateway leads to nothing of the host's"
	run user mocker-netsetup network ls
	check_matches "$output" 'default +user +pasta +10.0.0.0/24'
}
test_step "a user's container reaches the world and is reached at its port" way_out

host_is_hidden() {
	needs pasta || return
	serve host 7000 secret 127.0.0.1
	check_lacks "$(within timeout 5 socat -T2 - TCP:10.0.0.1:7000 </dev/null 2>&1)" secret
	check_lacks "$(within timeout 5 socat -T2 - TCP:127.0.0.1:7000 </dev/null 2>&1)" secret
}
test_step "the host's loopback is not reached from inside" host_is_hidden

taken_back() {
	needs pasta || return
	stop_one "$(cat "$tmp/user/run/mocker/networks/attachments/web/pasta-eth0.pid")"
	run user mocker-netsetup check web
	check_status 1
	check_output_has "its pasta has ended"
	run user mocker-netsetup trace web 10.99.0.2
	check_status 1
	check_output_has "dropped: its pasta has ended"
	run user mocker-netsetup del web
	check_status 0
	run user mocker-netsetup add web --pid "$container"
	check_status 0
	check_equal "$(pgrep -fc -- "--config-net --quiet")" 1 "pasta's processes"
	run user mocker-netsetup del web
	check_status 0
	check_equal "$(pgrep -fc -- "--config-net --quiet")" 0 "pasta's processes"
	check_equal "$(find "$tmp/user/run/mocker/networks/attachments" -mindepth 1 | wc -l)" 0
	kill "$container"
	stop_servers
}

stop_one() {
	kill -9 "$1"
	wait_until 60 sh -c "! kill -0 $1"
}
test_case "del ends pasta, and what pasta left when it was killed goes too" taken_back

gone() {
	needs pasta || return
	container
	run user mocker-netsetup add web --pid "$container"
	check_status 0
	kill "$container"
	wait "$container" 2>/dev/null
	run user mocker-netsetup gc
	check_output "web default eth0"
	check_equal "$(pgrep -fc -- "--config-net --quiet")" 0 "pasta's processes"
}
test_case "gc removes a container that is gone" gone

refused() {
	container
	run user mocker-netsetup add web --pid "$container" --mac 02:00:00:00:00:01
	check_fails_with "has no MAC addresses"
	run user mocker-netsetup add web --pid "$container" --publish 1:1/sctp
	check_fails_with "publishes tcp and udp only"
	within busybox ip link add eth9 type bridge
	run user mocker-netsetup add web --pid "$container" --interface eth9
	check_fails_with "connecting the container: pasta ended with status"
	check_lacks "$errors" syslog
	run user mocker-netsetup network create inner --internal
	check_fails_with "only a network with a bridge and rules of ours can be internal"
	run user mocker-netsetup add web --pid "$container" --publish 80:80
	check_fails_with "publishing port 80 of the host: a user has those from 1024 on"
	run user mocker-netsetup network create b --kind bridge
	check_fails_with "only root can make a network of the kind bridge"
	run user mocker-netsetup add web
	check_status 1
	run user mocker-netsetup list
	check_equal "$(wc -l <<<"$output")" 1 "lines of the list"
	kill "$container"
	wait "$container" 2>/dev/null
}
test_case "what a user's network cannot do is refused" refused
