#!/bin/bash
# containerd 1.6 through its own client ctr: run, exec, kill, pause, metrics, attach,
# delete, and what a container's end looks like from there.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs containerd ctr umoci || exit 0
leaves '^file /run/(containerd|mocker|runc)(/|$)'
leaves '^cgroup .*/(default)$'

image=test-image:latest

setup() {
	client_image_tar >/dev/null && containerd_setup &&
		image=$(ctr image ls -q | head -1) && [ -n "$image" ]
}

gone() {
	ctr container delete "$1" >/dev/null 2>&1
	check_equal "$(ctr container ls -q)" "" "the containers left"
}

foreground() {
	run ctr_run --rm "$image" one echo hello
	check_status 0
	check_output hello
	run ctr_run --rm "$image" two sh -c 'exit 7'
	check_status 7
}

missing_program() {
	run ctr_run --rm "$image" missing no-such-program
	check_not [ "$status" = 0 ]
	check_errors_have "executable file not found in \$PATH"
	gone missing
}

background() {
	run ctr_run -d "$image" web sh -c 'trap "exit 3" TERM; sleep 1000 & wait'
	check_status 0
	run ctr task ls
	check_matches "$output" 'web +[0-9]+ +RUNNING'
	run ctr task exec --exec-id e1 web sh -c 'echo in; exit 4'
	check_status 4
	check_output in
	run ctr task exec --exec-id e2 --user 1000:1000 --cwd /tmp web sh -c 'id -u; pwd'
	check_output $'1000\n/tmp'
	run ctr task exec --exec-id e3 web no-such-program
	check_not [ "$status" = 0 ]
	run ctr task ps web
	check_status 0
	check_equal "$(wc -l <<<"$output")" 3 "the lines of task ps"
	run ctr task pause web
	check_status 0
	run ctr task ls
	check_has "$output" PAUSED
	run ctr task resume web
	check_status 0
	run ctr task metrics web
	check_status 0
	check_has "$output" memory
	run ctr task kill --signal SIGTERM web
	check_status 0
	check wait_until 30 bash -c 'ctr task ls | grep -q STOPPED'
	run ctr task delete web
	check_errors_have "exit code 3"
	gone web
}

# The bundle's pipes are FIFOs that the shim keeps open, for whoever attaches.
attaches() {
	run ctr_run -d "$image" listener sh -c 'while read -r a; do
		[ "$a" = end ] && exit 9; echo "heard $a"; done; sleep 100'
	check_status 0
	printf 'words\nend\n' >"$tmp/words"
	run_input=$tmp/words run ctr task attach listener
	check_status 9
	check_output "heard words"
	gone listener
}

# Made first and started later; a process of its own that nobody waits for.
in_steps() {
	run ctr container create "$image" later sleep 1000
	check_status 0
	run ctr task start -d later
	check_status 0
	run ctr task exec -d --exec-id e1 later touch /tmp/detached
	check_status 0
	check wait_until 30 ctr task exec --exec-id e2 later test -e /tmp/detached
	run_in_terminal ctr task exec -t --exec-id e3 later tty
	check_status 0
	check_output_has /dev/pts/
	run ctr task kill --signal SIGKILL later
	check_status 0
	check wait_until 30 bash -c 'ctr task ls | grep -q STOPPED'
	run ctr task kill --signal SIGKILL later
	check_not [ "$status" = 0 ]
	run ctr task delete later
	check_errors_have "exit code 137"
	gone later
}

# Devices and all of sysfs; every capability that the caller has.
privileged() {
	run ctr_run --rm --privileged "$image" mighty sh -c 'grep CapEff /proc/self/status
		test -w /proc/sys/net && echo sysctls
		mkdir /mnt && mount -t tmpfs none /mnt && echo mounts'
	check_status 0
	check_output "CapEff:	$(awk '/CapBnd/ { print $2 }' /proc/self/status)
sysctls
mounts"
}

terminal() {
	run_in_terminal ctr run --runc-binary "$client_runtime" --rm -t "$image" tty tty
	check_status 0
	check_output_has /dev/pts/0
}

limits() {
	run ctr_run -d --memory-limit 67108864 --cpus 0.5 "$image" limited sleep 100
	check_status 0
	run cat /sys/fs/cgroup/memory/default/limited/memory.limit_in_bytes \
		/sys/fs/cgroup/cpu/default/limited/cpu.cfs_quota_us
	check_output $'67108864\n50000'
	run ctr task kill --signal SIGKILL limited
	check wait_until 30 bash -c 'ctr task ls | grep -q STOPPED'
	run ctr task delete limited
	gone limited
}

out_of_memory() {
	run ctr_run --rm --memory-limit 16777216 "$image" hungry \
		sh -c 'x=a; while :; do x=$x$x; done'
	check_status 137
}

seccomp() {
	run ctr_run --rm --seccomp "$image" filtered grep Seccomp: /proc/self/status
	check_matches "$output" 'Seccomp:.2'
}

own_config() {
	make_bundle "$tmp/own" '.process.args = ["echo", "own"]' \
		".root.path = \"$tmp/own/rootfs\"" '.process.terminal = false'
	run ctr_run --rm --config "$tmp/own/config.json" own
	check_status 0
	check_output own
}

# runc would look for the program nowhere.
without_path() {
	local runc=no

	! client_is_runc || runc=yes
	make_bundle "$tmp/own" '.process.args = ["echo", "found"]' \
		".root.path = \"$tmp/own/rootfs\"" '.process.env = ["A=b"]' '.process.terminal = false'
	run ctr_run --rm --config "$tmp/own/config.json" own
	if [ $runc = yes ]; then
		check_errors_have "executable file not found in \$PATH"
		gone own
	else
		check_status 0
		check_output found
	fi
}

killed_all() {
	run ctr_run -d "$image" many sh -c 'sleep 100 & sleep 100 & wait'
	check_status 0
	run ctr task kill --all --signal SIGKILL many
	check_status 0
	check wait_until 30 bash -c 'ctr task ls | grep -q STOPPED'
	run ctr task delete many
	check_errors_have "exit code 137"
	gone many
}

test_setup check setup
test_case "a task runs in the foreground and its status arrives" foreground
test_case "a program that is missing is told by its usual words" missing_program
test_case "a background task lives its whole life" background
test_case "attach talks to a container" attaches
test_case "a container is made, started and entered in steps" in_steps
test_case "a privileged container may do what the host may" privileged
test_case "a terminal is a terminal" terminal
test_case "limits arrive" limits
test_case "an out of memory kill is status 137" out_of_memory
test_case "the seccomp profile is loaded" seccomp
test_case "a config.json of one's own runs" own_config
test_case "a program is found without PATH in its environment" without_path
test_case "kill --all ends every process" killed_all
