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
	run_input=$tmp/creating run mocker-netsetup hook
	check_status 0
	run_input=$tmp/creating run mocker-netsetup hook
	check_status 0
	check_equal "$(ip -n again -o link | wc -l)" 2
	run_input=$tmp/creating run mocker-netsetup hook --publish 8080:80
	check_fails_with '"again" is attached to network "default" by eth0 already'
	run_input=$tmp/stopped run mocker-netsetup hook
	check_status 0
	run_input=$tmp/stopped run mocker-netsetup hook
	check_status 0
	kill $pid && wait $pid 2>/dev/null
}
test_case "a hook that runs twice does it once" idempotent

asked_of() { # COMMAND...: with all that can be asked for; what the record says of it
	run "$@" --interface net0 --ip 10.0.0.77 --mac 02:00:00:00:00:77 --alias www \
		--publish 127.0.0.1:8080-8081:80-81 --ingress 8M --egress 4M
	check_status 0
	mocker-netsetup inspect asked |
		jq -c '.[0] | del(.face, .pid, .pidStart, .netnsInode)'
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
