#!/bin/bash
# Memory limits at the edge: what starts with next to nothing, and what is said where it
# does not.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs_memory() {
	grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null ||
		[ -d /sys/fs/cgroup/memory ] || {
		skip "this machine has no memory controller"
		return 1
	}
}

# bundle BYTES WORDS...
bundle() {
	local bytes=$1

	shift
	make_bundle "$tmp/small" ".linux.resources.memory.limit = $bytes"
	in_bundle "$tmp/small" "$@"
}

half_a_mebibyte() {
	needs_memory || return
	bundle 524288 sleep 1000
	run mocker-runtime run -d -b "$tmp/small" small
	check_status 0
	run mocker-runtime exec small echo hello
	check_output hello
	run mocker-runtime delete --force small
	check_status 0
	run mocker-runtime create -b "$tmp/small" small
	check_status 0
	run mocker-runtime start small
	check_status 0
	run mocker-runtime delete --force small
	check_status 0
}
test_case "a container starts with 512 KiB" half_a_mebibyte

# The hook would be run again by the measuring; the containers that it makes are gone.
too_small() {
	local smallest verb

	needs_memory || return
	bundle 16384 sleep 1000
	edit_bundle "$tmp/small" '.hooks.createContainer =
		[{"path": "/bin/sh", "args": ["sh", "-c", "echo >>'"$tmp"'/hooked"]}]'
	for verb in create run; do
		run mocker-runtime "$verb" -b "$tmp/small" small
		check_status 1
		check_fails_with "the smallest limit that it starts with here is "
		check_equal "$(mocker-runtime list --quiet)" ""
		check_equal "$(find /sys/fs/cgroup -name 'small*')" "" "the cgroups"
	done
	check test "$(wc -l 2>/dev/null <"$tmp/hooked" || echo 0)" -le 2
	smallest=$(sed -E 's/.*starts with here is ([0-9]+) .*/\1/' <<<"$errors")
	check test "$smallest" -gt 16384
	check test "$smallest" -lt 4194304
	bundle $((2 * smallest)) sleep 1000
	run mocker-runtime create -b "$tmp/small" small
	check_status 0
	run mocker-runtime delete --force small
}
test_case "a limit that is too small is named, with the smallest that is not" too_small

# The runtime's own part fits; the program's does not, later.
program_too_large() {
	needs_memory || return
	bundle 4194304 tail /dev/zero
	run mocker-runtime run -b "$tmp/small" small
	check_status 137
	check_errors_have 'container "small": killed for want of memory; its limit was 4194304'
	bundle 4194304 sh -c 'exit 137'
	run mocker-runtime run -b "$tmp/small" small
	check_status 137
	check_equal "$errors" ""
}
test_case "run tells a program that the kernel killed for want of memory" program_too_large
