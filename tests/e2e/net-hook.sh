#!/bin/bash
# mocker-netsetup as createRuntime and poststop of a bundle, under Debian's runc and ours.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
network_stays
leaves '^file /var/lib/mocker/networks'

hook_bundle() { # DIRECTORY COMMAND
	local hook

	sh_bundle "$tmp/$1" "$2"
	hook=$(jq -n --arg path "$top_builddir/mocker-netsetup" --arg name "$1" \
		'[{path: $path, args: ["mocker-netsetup", "hook", "--name", $name]}]')
	edit_bundle "$tmp/$1" ".hooks.createRuntime = $hook | .hooks.poststop = $hook" \
		'.linux.namespaces |= (map(select(.type != "network")) + [{"type": "network"}])'
}

wired_under() { # RUNTIME...
	hook_bundle hooked 'ip -4 -o address show dev eth0; ip route'
	run "$@" run --bundle "$tmp/hooked" hooked
	check_status 0
	check_matches "$output" 'inet 10\.0\.0\.[0-9]+/24'
	check_has "$output" "default via 10.0.0.1"
	check_missing /run/netns/hooked
	run mocker-netsetup list
	check_lacks "$output" hooked
}

under_runc() {
	needs runc || return
	wired_under runc --root "$tmp/runc"
	rm -r "$tmp/hooked"
}
test_case "under runc a bundle's hooks wire and unwire it" under_runc

under_ours() {
	wired_under mocker-runtime
	rm -r "$tmp/hooked"
}
test_case "under mocker-runtime too" under_ours

# What a runtime does when it tries again: nothing twice, nothing missing.
idempotent() {
	local state='{"ociVersion":"1.0.2","id":"again","status":"%s","pid":%d,"bundle":"/x"}'

	unshare -n sleep 100 &
	local pid=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]"
	# shellcheck disable=SC2059 # the format is above
	printf "$state" creating $pid >"$tmp/creating"
	# shellcheck disable=SC2059
	printf "$state" stopped 0 >"$tmp/stopped"
	# shellcheck disable=SC2059
	printf "$state" stopped $pid >"$tmp/stopped-by-pid"
	run_input=$tmp/creating run mocker-netsetup hook
	check_status 0
	run_input=$tmp/creating run mocker-netsetup hook
	check_status 0
	check_equal "$(ip -n again -o link | wc -l)" 2
	run_input=$tmp/creating run mocker-netsetup hook --publish 8080:80
	check_fails_with '"again" is attached to network "default" by eth0 already'
	run_input=$tmp/stopped-by-pid run mocker-netsetup hook
	check_status 0
	check_missing /run/netns/again
	run_input=$tmp/creating run mocker-netsetup hook
	check_status 0
	kill $pid && wait $pid 2>/dev/null
	run_input=$tmp/stopped run mocker-netsetup hook
	check_status 0
	check_missing /run/netns/again
	run_input=$tmp/stopped run mocker-netsetup hook
	check_status 0
}
test_case "a hook that runs twice does it once" idempotent

# Two bundles that ask for the same name: the second does not start, and its end is not the
# first one's.
taken_name() { # RUNTIME...
	hook_bundle web 'exec sleep 1000'
	cp -a "$tmp/web" "$tmp/second"
	edit_bundle "$tmp/second" '.linux.cgroupsPath = "/mocker-test/second"'
	"$@" run --bundle "$tmp/web" first >"$tmp/log" 2>&1 </dev/null &
	local pid=$!
	check wait_until 60 ip -n web link show eth0
	run "$@" run --bundle "$tmp/second" second
	check test "$status" != 0
	check_has "$output${errors//\\/}" '"web" is attached to network "default" by eth0 already'
	check ip -n web link show eth0 >/dev/null
	run mocker-netsetup check web
	check_status 0
	"$@" kill first KILL
	wait $pid
	"$@" delete --force first 2>/dev/null
	check_missing /run/netns/web
	rm -r "$tmp/web" "$tmp/second" "$tmp/log"
}

taken_under_runc() {
	needs runc || return
	taken_name runc --root "$tmp/runc"
}
test_case "under runc a failed start leaves another's network alone" taken_under_runc
test_case "under mocker-runtime too" taken_name mocker-runtime

# What a hook did not attach, and what it did for another container, is not its to take.
not_its_own() {
	local state='{"ociVersion":"1.0.2","id":"%s","status":"%s","pid":%d,"bundle":"/x"}'

	unshare -n sleep 100 &
	local pid=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]"
	run mocker-netsetup add mine --pid $pid
	check_status 0
	# shellcheck disable=SC2059 # the format is above
	printf "$state" mine creating $pid >"$tmp/state"
	run_input=$tmp/state run mocker-netsetup hook --interface eth1
	check_status 0
	# shellcheck disable=SC2059
	printf "$state" other stopped 0 >"$tmp/state"
	run_input=$tmp/state run mocker-netsetup hook --name mine
	check_status 0
	check ip -n mine link show eth1 >/dev/null
	# shellcheck disable=SC2059
	printf "$state" mine stopped 0 >"$tmp/state" # of the same id under another root
	run_input=$tmp/state run mocker-netsetup hook
	check_status 0
	check ip -n mine link show eth1 >/dev/null
	kill $pid && wait $pid 2>/dev/null
	run_input=$tmp/state run mocker-netsetup hook
	check_status 0
	check_equal "$(mocker-netsetup inspect mine | jq -r '.[].interface')" eth0
	mocker-netsetup del mine
}
test_case "poststop takes back only what a hook did for that container" not_its_own

asked_of() { # COMMAND...: with all that can be asked for; what the record says of it
	run "$@" --interface net0 --ip 10.0.0.77 --mac 02:00:00:00:00:77 --alias www \
		--publish 127.0.0.1:8080-8081:80-81 --ingress 8M --egress 4M
	check_status 0
	mocker-netsetup inspect asked |
		jq -c '.[0] | del(.face, .id, .pid, .pidStart, .netnsInode)'
	mocker-netsetup del asked
}

as_by_hand() {
	local hooked added

	unshare -n sleep 100 &
	local pid=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]"
	echo "{\"ociVersion\":\"1.0.2\",\"id\":\"asked\",\"status\":\"creating\",\"pid\":$pid,\"bundle\":\"/x\"}" \
		>"$tmp/state"
	hooked=$(run_input=$tmp/state asked_of mocker-netsetup hook)
	added=$(asked_of mocker-netsetup add asked --pid $pid)
	check_equal "$hooked" "$added"
	check_equal "$(jq -r '.named' <<<"$hooked")" true
	kill $pid && wait $pid 2>/dev/null
}
test_case "a hook's arguments are those of add" as_by_hand

# The container's files, in the bundle or elsewhere; twice, as when it starts anew.
files() {
	local state='{"ociVersion":"1.0.2","id":"web","status":"creating","pid":%d,"bundle":"%s"}'
	local round

	needs dnsmasq || return
	mkdir "$tmp/files"
	printf '127.0.0.1\tlocalhost\n127.0.1.1\tinside\n10.0.0.9\tfriend\n' >"$tmp/files/hosts"
	printf 'nameserver 192.0.2.1\nsearch example.org\n' >"$tmp/files/resolv.conf"
	ln -s /etc/passwd "$tmp/files/link"
	mocker-netsetup network create named --dns --subnet 10.7.0.0/24
	unshare -n sleep 100 &
	local pid=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]"
	# shellcheck disable=SC2059 # the format is above
	printf "$state" $pid "$tmp" >"$tmp/state"
	run_input=$tmp/state run mocker-netsetup hook --hosts files/link
	check_fails_with "the bundle $tmp: opening files/link"
	check_missing /run/netns/web
	for round in 2 3; do
		run_input=$tmp/state run mocker-netsetup hook --network named --alias www \
			--hosts files/hosts --resolv-conf "$tmp/files/resolv.conf"
		check_status 0
		check_equal "$(cat "$tmp/files/hosts")" "$(printf '127.0.0.1\tlocalhost\n10.0.0.9\tfriend
10.7.0.%d inside web www # mocker-netsetup eth0@named' $round)"
		check_equal "$(cat "$tmp/files/resolv.conf")" $'nameserver 10.7.0.1\nsearch example.org'
		mocker-netsetup del web
	done
	kill $pid && wait $pid 2>/dev/null
	mocker-netsetup network rm named
	rm -r "$tmp/files"
}
test_case "the files that it is told of get addresses and name servers" files

wrong_state() {
	run mocker-netsetup hook
	check_fails_with "standard input" "a hook is given the container's state"
	echo '{"ociVersion":"1.0.2","id":"../x","status":"creating","pid":1,"bundle":"/"}' \
		>"$tmp/state"
	run_input=$tmp/state run mocker-netsetup hook
	check_fails_with "cannot be the name of a container"
	echo "{\"ociVersion\":\"1.0.2\",\"id\":\"x\",\"status\":\"creating\",\"pid\":$$,\"bundle\":\"/\"}" \
		>"$tmp/state"
	run_input=$tmp/state run mocker-netsetup hook
	check_fails_with "is the host's own network namespace" \
		"does config.json give the container a network namespace?"
}
test_case "a wrong state is refused" wrong_state
