#!/bin/bash
# --seccomp-log: each system call that the profile denies is told, and answered as before.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# bundle SCRIPT [JQ FILTER...]: mkdir is denied by EPERM, sethostname by ENOSYS, umount2
# kills, symlink only for one argument.
bundle() {
	local script=$1

	shift
	sh_bundle "$tmp/box" "$script" '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"},
		{"names": ["sethostname"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
		{"names": ["umount2"], "action": "SCMP_ACT_KILL_PROCESS"},
		{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 3,
			"args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}]}' "$@"
}

tells_each_once() {
	bundle 'mkdir /tmp/a; mkdir /tmp/b; hostname x; kill -0 $$ && kill -10 $$; echo end'
	run mocker-runtime run --bundle "$tmp/box" box
	check_status 0
	check_output end
	check_lacks "$errors" seccomp
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 0
	check_output end
	check_equal "$(grep -c "can't create directory '/tmp/.': Operation not permitted" <<<"$errors")" 2
	check_errors_have "Function not implemented"
	check_errors_have "No such process"
	check_equal "$(grep -Ec 'warning: seccomp denied mkdir(at)? \([0-9]+\) to process [0-9]+ \(.*mkdir .*\): Operation not permitted' <<<"$errors")" 1
	check_equal "$(grep -c 'seccomp denied mkdir' <<<"$errors")" 1
	check_equal "$(grep -Ec 'seccomp denied sethostname .* \(.*\): Function not implemented' <<<"$errors")" 1
	check_equal "$(grep -c 'seccomp denied kill .*No such process' <<<"$errors")" 1
	check_equal "$(grep -c 'seccomp denied' <<<"$errors")" 3
}
test_case "each system call that is denied is told once, with whom and the answer" tells_each_once

tells_who_is_killed() {
	bundle 'umount /tmp; echo "status $?"'
	run mocker-runtime run --bundle "$tmp/box" box
	check_output "status 159"
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 0
	check_output "status 159"
	check_matches "$errors" 'seccomp killed process [0-9]+ \(.*umount .*\) for umount2 \([0-9]+\)'
}
test_case "a process that the profile kills is told, and killed" tells_who_is_killed

# The kernel keeps SIGSYS of others from the first process of a pid namespace.
tells_that_init_is_killed() {
	bundle ''
	in_bundle "$tmp/box" umount /tmp
	run mocker-runtime run --bundle "$tmp/box" box
	check_status 159
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 137
	check_errors_have "seccomp killed process"
}
test_case "the container's first process ends by SIGKILL then" tells_that_init_is_killed

traps() {
	local plain

	[ "$(uname -m)" = x86_64 ] || { skip "needs x86-64" && return; }
	bundle 'trapped catch; trapped; echo "status $?"' \
		'.linux.seccomp.syscalls = [{"names": ["mkdir"], "action": "SCMP_ACT_TRAP"}]' "$@"
	"${CC:-cc}" -static -o "$tmp/box/rootfs/bin/trapped" "$e2e/trapped.c" || failed "trapped.c"
	[ $# = 0 ] || chown -hR 100000:100000 "$tmp/box/rootfs"
	run mocker-runtime run --bundle "$tmp/box" box
	plain=$output
	check_matches "$plain" $'^code 1 errno 0 call mkdir arch 0xc000003e address known result mkdir\nstatus 159$'
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_output "$plain"
	check_equal "$(grep -cE 'seccomp sent SIGSYS to process [0-9]+ \(trapped catch\) for mkdir' <<<"$errors")" 1
	check_missing "$tmp/box/rootfs/trapped"
}
test_case "a call that is trapped is told, and its handler sees what it sees without" traps
test_case "so it is in a user namespace" traps '.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'

# Of the new process and its children alone: the container's own are as they were.
executes() {
	bundle 'trap exit TERM; while :; do sleep 0.1; done' "$@"
	[ $# = 0 ] || chown -hR 100000:100000 "$tmp/box/rootfs"
	run mocker-runtime run -d --bundle "$tmp/box" box
	run mocker-runtime exec --seccomp-log box sh -c 'mkdir /tmp/a; hostname x; umount /tmp; echo "status $?"'
	check_status 0
	check_output "status 159"
	check_equal "$(grep -c 'seccomp denied mkdir' <<<"$errors")" 1
	check_equal "$(grep -c 'seccomp denied sethostname' <<<"$errors")" 1
	check_equal "$(grep -c 'seccomp killed process .* for umount2' <<<"$errors")" 1
	run mocker-runtime exec box mkdir /tmp/a
	check_lacks "$errors" seccomp
	run mocker-runtime exec --seccomp-log box true
	check_status 0
	check_equal "$errors" ""
	run mocker-runtime --log "$tmp/log" exec -d --seccomp-log box sh -c 'mkdir /tmp/a; exec sleep 1000'
	check_status 0
	check wait_until 20 grep -q 'seccomp denied mkdir' "$tmp/log"
	run mocker-runtime delete --force box
	check_status 0
	check wait_until 60 eval '! pgrep -x mocker-runtime'
	rm -f "$tmp/log"
}
test_case "exec tells what is denied to the process that it makes" executes
test_case "so it does in a user namespace" executes '.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'

# A log that engines read, of a container that is created, started and left alone.
in_the_background() {
	local end

	bundle 'mkdir /tmp/a; sleep 1000'
	run mocker-runtime --log "$tmp/log" --log-format json create --seccomp-log \
		--bundle "$tmp/box" box
	check_status 0
	run mocker-runtime start box
	check_status 0
	check wait_until 20 grep -q mkdir "$tmp/log"
	check_matches "$(jq -r .msg "$tmp/log")" '^seccomp denied mkdir'
	end=$(pgrep -cx mocker-runtime)
	check_equal "$end" 1 "the number of processes that watch"
	run mocker-runtime delete --force box
	check_status 0
	check wait_until 60 eval '! pgrep -x mocker-runtime'
	run mocker-runtime --log "$tmp/log" create --seccomp-log --bundle "$tmp/box" box
	run mocker-runtime delete box
	check_status 0
	check wait_until 60 eval '! pgrep -x mocker-runtime'
	run mocker-runtime --log "$tmp/log" run --detach --seccomp-log --bundle "$tmp/box" box
	check_status 0
	run mocker-runtime delete --force box
}
test_case "of a container in the background it goes to --log" in_the_background

# Everything that init calls on its way is denied, too: nobody waits for ever.
init_is_served() {
	bundle 'echo end' '.linux.seccomp.syscalls += [{"names": ["sendmsg", "recvmsg", "futex",
		"close", "nanosleep", "poll", "prctl", "capset", "getpid"], "action": "SCMP_ACT_ERRNO",
		"errnoRet": 38}]' '.process.noNewPrivileges = true'
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 0
	check_output end
	bundle 'echo end' '.linux.seccomp.syscalls += [{"names": ["execve", "execveat"],
		"action": "SCMP_ACT_ERRNO"}]'
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 1
	check_matches "$errors" 'seccomp denied execve \([0-9]+\) to process'
	bundle 'grep Seccomp: /proc/self/status' '.process.noNewPrivileges = false'
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 0
	check_matches "$output" "2$"
}
test_case "the runtime's own init is served too" init_is_served

bad_input() {
	bundle true 'del(.linux.seccomp)'
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 1
	check_fails_with "config.json has no /linux/seccomp"
	bundle true
	run mocker-runtime create --seccomp-log --bundle "$tmp/box" box
	check_status 1
	check_fails_with "needs --log FILE"
	run mocker-runtime run --detach --seccomp-log --bundle "$tmp/box" box
	check_fails_with "needs --log FILE"
	bundle 'exec sleep 1000'
	run mocker-runtime run -d --bundle "$tmp/box" box
	run mocker-runtime exec -d --seccomp-log box true
	check_status 255
	check_fails_with "needs --log FILE"
	run mocker-runtime exec --tools --seccomp-log box true
	check_fails_with "--seccomp-log"
	run mocker-runtime delete --force box
	bundle /no/such
	edit_bundle "$tmp/box" '.process.args = ["/no/such"]'
	run mocker-runtime run --seccomp-log --bundle "$tmp/box" box
	check_status 1
	check_fails_with "no such file"
}
test_case "bad input is one line" bad_input
