#!/bin/bash
# The bundle is the contract: what mocker-builder makes, Debian's runc runs; what runc
# makes, mocker-runtime runs.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

set_up() {
	mkdir -p "$tmp/context"
	make_rootfs "$tmp/context/rootfs"
	cat >"$tmp/context/Mockerfile" <<-'END'
		FROM scratch
		COPY rootfs /
		RUN echo built by $(hostname) >/built && echo from a file >/greeting
		ENV GREETING=hello
		WORKDIR /home
		USER 1000:1000
		CMD ["sh", "-c", "echo $GREETING $(cat /greeting) as $(id -u) in $(pwd)"]
	END
	run mocker-builder build -t hello -f "$tmp/context/Mockerfile" "$tmp/context"
	check_status 0
}
test_setup set_up
store_stays
network_stays

expected="hello from a file as 1000 in /home"

bundle_of_ours() {
	run mocker-builder bundle hello "$tmp/ours" --name interop "$@"
	check_status 0
	# runc would take the caller's memory cgroup as its parent
	edit_bundle "$tmp/ours" '.linux.cgroupsPath = "/mocker-test/interop"'
}

forget_bundle() {
	! mountpoint -q "$tmp/ours/rootfs" || umount "$tmp/ours/rootfs"
	rm -rf "$tmp/ours"
}

runs_under_runc() {
	needs runc || return
	bundle_of_ours
	run runc --root "$tmp/runc" run --bundle "$tmp/ours" interop
	check_status 0
	check_output "$expected"
	forget_bundle
}
test_case "a bundle of mocker-builder runs under runc" runs_under_runc

runs_under_ours() {
	bundle_of_ours
	run mocker-runtime run --bundle "$tmp/ours" interop
	check_status 0
	check_output "$expected"
	forget_bundle
}
test_case "the same bundle says the same under mocker-runtime" runs_under_ours

network_under_runc() {
	needs runc || return
	bundle_of_ours --net mocker0 -- ip -4 -o address show dev eth0
	run runc --root "$tmp/runc" run --bundle "$tmp/ours" interop
	check_status 0
	check_matches "$output" 'inet 10\.0\.0\.[0-9]+/24'
	run mocker-netsetup list
	check_lacks "$output" interop
	forget_bundle
}
test_case "its hooks give it a network under runc too" network_under_runc

# runc spec asks for a terminal and "sh"; cgroupsPath it leaves out.
bundle_of_runc() {
	mkdir -p "$tmp/theirs"
	make_rootfs "$tmp/theirs/rootfs"
	(cd "$tmp/theirs" && runc spec) || failed "runc spec"
	edit_bundle "$tmp/theirs" '.linux.cgroupsPath = "/mocker-test/theirs"' "$@"
}

runc_spec_runs() {
	needs runc || return
	bundle_of_runc '.process.terminal = false' \
		'.process.args = ["sh", "-c", "echo $(hostname) $$ $(id -u) $(ls /proc/1/fd | wc -l)"]'
	run mocker-runtime run --bundle "$tmp/theirs" theirs
	check_status 0
	check_matches "$output" '^runc 1 0 [345]$'
	rm -rf "$tmp/theirs"
}
test_case "a bundle of runc spec runs under mocker-runtime" runc_spec_runs

runc_spec_terminal() {
	needs runc || return
	bundle_of_runc '.process.args = ["sh", "-c", "tty; test -t 0 && echo on a terminal"]'
	run_in_terminal mocker-runtime run --bundle "$tmp/theirs" theirs
	check_status 0
	check_output_has "/dev/pts/0"
	check_output_has "on a terminal"
	rm -rf "$tmp/theirs"
}
test_case "with its terminal, as runc spec wrote it" runc_spec_terminal

same_state() {
	needs runc || return
	bundle_of_runc '.process.terminal = false' '.process.args = ["sleep", "100"]' \
		'.annotations = {"a.b": "c"}'
	runc --root "$tmp/runc" run --detach --bundle "$tmp/theirs" state </dev/null &>/dev/null
	run runc --root "$tmp/runc" state state
	theirs=$(jq -cS 'del(.pid, .created, .owner)' <<<"$output")
	runc --root "$tmp/runc" delete --force state
	mocker-runtime run --detach --bundle "$tmp/theirs" state </dev/null &>/dev/null
	run mocker-runtime state state
	check_equal "$(jq -cS --argjson theirs "$theirs" '. as $o | $theirs |
		with_entries(.value = $o[.key]) | del(.ociVersion)' <<<"$output")" \
		"$(jq -c 'del(.ociVersion)' <<<"$theirs")" "the state's members that runc has"
	check_equal "$(jq -r .owner <<<"$output")" root "the owner"
	run mocker-runtime delete --force state
	check_status 0
	rm -rf "$tmp/theirs"
}
test_case "its state JSON has what runc's has" same_state
