#!/bin/bash
# explain, and --explain of create and run: the plan in words is the plan that is done.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

names_in() {
	sed -En 's/^ *[0-9]+\. ([a-z-]+) +(runtime|init): .* \[.*\]$/\1/p' <<<"$1"
}

timed_in() {
	sed -En 's/^ +[0-9]+\.[0-9]{3} +[0-9]+\.[0-9]{3}  ([a-z-]+) .*/\1/p' <<<"$1"
}

without_running() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' \
		'.process.user = {"uid": 1000, "gid": 10}' \
		'.linux.resources.pids.limit = 17' \
		'.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
			"syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}' \
		'.linux.namespaces += [{"type": "cgroup"}]' \
		'.mounts += [{"destination": "/data", "type": "tmpfs", "source": "t"}]'
	run mocker-runtime explain "$tmp/web"
	check_status 0
	check_equal "$errors" ""
	check_equal "$(names_in "$output" | paste -sd' ')" \
		"planned state-made recorded cgroup-made cloned entered mounted pivoted named settled starting executed"
	check_output_has "a new network namespace (clone3)"
	check_output_has "a new cgroup namespace (unshare"
	check_matches "$output" 'write "17" to pids.max in [^ ]*/mocker-test/web'
	check_matches "$output" '- mount [^'$'\n'']*/data'
	check_output_has "pivot_root"
	check_output_has "user 1000, group 10"
	check_output_has "capabilities: CAP_"
	check_output_has "the seccomp filter"
	check_output_has "- sleep 1000"
	check_missing /run/mocker
	check_equal "$(find /sys/fs/cgroup -name web)" ""
}
test_case "explain BUNDLE tells the plan, and makes nothing" without_running

of_users_and_hooks() {
	make_bundle "$tmp/whole" '.process.args = ["sh", "-c", "\u001b[31m\nX"]' \
		'.linux.namespaces += [{"type": "user"}]' \
		'(.linux.namespaces[] | select(.type == "uts")).path = "/proc/1/ns/uts"' \
		'del(.hostname)' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings' \
		'.hooks = {"createRuntime": [{"path": "/bin/true"}],
			"startContainer": [{"path": "/bin/busybox", "args": ["true"]}]}'
	run mocker-runtime explain "$tmp/whole"
	check_status 0
	check_output_has "users 0 to 65535 inside are 100000 to 165535 outside"
	check_output_has "join the uts namespace /proc/1/ns/uts (setns)"
	check_output_has "by way of a process that joins first"
	check_output_has "createRuntime: /bin/true"
	check_output_has "startContainer: /bin/busybox"
	check_output_has "sh -c ?[31m"
	check_equal "$(names_in "$output" | grep -Ec '^(placed|hooked)$')" 2
}
test_case "what a bundle has for a step is told with it" of_users_and_hooks

while_running() {
	make_bundle "$tmp/web" '.process.args = ["sh", "-c", "echo out; echo err >&2; exit 7"]'
	run mocker-runtime run --explain --bundle "$tmp/web" web
	check_status 7
	check_output out
	check_equal "$(timed_in "$errors" | paste -sd' ')" \
		"$(names_in "$errors" | paste -sd' ')" "the steps with their times"
	check_has "$(timed_in "$errors" | paste -sd' ')" "starting executed"
	check_errors_have err
	check_lacks "$(sed -n '/^done, in/,$p' <<<"$errors")" " -" "the times"
}
test_case "run --explain tells the plan before and each step's time after" while_running

created() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime create --explain --bundle "$tmp/web" web
	check_status 0
	check_equal "$output" ""
	check_equal "$(names_in "$errors" | tail -n 3 | paste -sd' ')" "ready starting executed"
	check_equal "$(timed_in "$errors" | tail -n 1)" ready
	run mocker-runtime start web
	check_status 0
	run mocker-runtime delete --force web
	check_status 0
	run mocker-runtime run --bundle "$tmp/web" --detach web
	check_equal "$errors" "" "without the option the standard error"
	run mocker-runtime delete --force web
}
test_case "create --explain ends where start is missing" created

failing() {
	make_bundle "$tmp/web" '.process.args = ["no-such"]'
	run mocker-runtime run --explain --bundle "$tmp/web" web
	check_status 1
	check_equal "$(timed_in "$errors" | tail -n 2 | paste -sd' ')" "pivoted named"
	check_errors_have 'executable file not found in $PATH'
	run mocker-runtime explain "$tmp/none"
	check_status 1
	check_fails_with "$tmp/none"
	edit_bundle "$tmp/web" '.mounts[0].options = ["rbindd"] | .mounts[0].type = "bind"'
	run mocker-runtime explain "$tmp/web"
	check_status 1
	check_fails_with "config.json:" "/mounts/0/options/0"
	echo '{' >"$tmp/web/config.json"
	run mocker-runtime explain "$tmp/web"
	check_status 1
	check_fails_with config.json
}
test_case "a create that fails shows how far it came; a bad bundle has no plan" failing
