#!/bin/bash
# The harness itself: that checks fail when they should, that leaks of each kind are seen
# and removed, and that runc (which is known to work) runs a bundle of ours in here.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# expect_failure FUNCTION: it fails its case, and the words it wrote are in $wrong.
expect_failure() {
	"$@"
	wrong=$(cat "$tmp/.failures")
	[ -n "$wrong" ] || wrong="(nothing failed)"
	: >"$tmp/.failures"
}

failing_checks_are_seen() {
	expect_failure check_equal one two "the number"
	check_has "$wrong" 'harness.sh:'
	check_has "$wrong" 'the number is "one", expected "two"'
	expect_failure check_has "some text" "a part"
	check_has "$wrong" 'lacks "a part"'
	run sh -c 'echo out; echo err >&2; exit 3'
	check_status 3
	check_output out
	check_errors_have err
	expect_failure check_status 0
	check_has "$wrong" "the status is 3, expected 0"
	check_has "$wrong" "stderr: err"
}
test_case "a failing check shows its place and both values" failing_checks_are_seen

leak_is_seen() {
	local kind=$1 leaks_patience=1 # for what will not go

	shift
	"$@"
	expect_failure assert_nothing_left
	check_has "$wrong" "left behind: $kind"
	leaks_remove
}
leave_process() {
	setsid sleep 1000 &
	disown
}
leave_mount() { mkdir "$tmp/mnt" && mount -t tmpfs tmpfs "$tmp/mnt"; }
leave_cgroup() { mkdir "$(find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d | head -n 1)/left"; }
test_case "a process that stays is seen" leak_is_seen process leave_process
test_case "a mount that stays is seen" leak_is_seen mount leave_mount
test_case "a cgroup that stays is seen" leak_is_seen cgroup leave_cgroup
test_case "a network namespace that stays is seen" leak_is_seen netns ip netns add left
test_case "a link that stays is seen" leak_is_seen link ip link add left0 type bridge
test_case "an address that stays is seen" leak_is_seen address ip address add 10.9.9.9/32 dev lo
test_case "a rule that stays is seen" leak_is_seen rule nft add table inet left
test_case "a file that stays is seen" leak_is_seen file mkdir -p /run/mocker/left

# By its name it is of a process that there is not.
sweeps() {
	local place=/sys/fs/cgroup/pids gone=4194304

	[ -d $place ] || place=/sys/fs/cgroup
	mkdir -p "$place/mocker-test-$gone/below" "$place/mocker-test-1"
	host_sweep
	check_missing "$place/mocker-test-$gone"
	check_exists "$place/mocker-test-1"
	rmdir "$place/mocker-test-1"
}
test_case "cgroups of a test file that was killed go with the next one" sweeps

host_is_private() {
	check_equal "$(ip -o link | wc -l)" 1 "the number of links"
	check_equal "$$" 1 "the pid of the test's shell"
	# In version 2 the shell has made room for children's controllers.
	check_equal "$(cut -d: -f3 /proc/self/cgroup | sed 's|^/test-shell$|/|' | sort -u)" / \
		"the cgroup"
	check_missing /run/netns
	check_exists /var/lib/mocker
}
test_case "the pretend host shows nothing of the machine" host_is_private

runc_runs() {
	needs runc || return
	sh_bundle "$tmp/hello" 'echo hello from $(hostname)'
	run runc --root "$tmp/runc" run --bundle "$tmp/hello" hello
	check_status 0
	check_output "hello from test"
}
test_case "a bundle of the harness runs under runc" runc_runs
