#!/bin/bash
# Limits, figures and events of a machine whose cgroup version 2 has all controllers.
test_cgroups=v2
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/sleeper.sh
. "$e2e/sleeper.sh"
cg=/sys/fs/cgroup/mocker-test/web

grep -qw memory /sys/fs/cgroup/cgroup.controllers ||
	host_skip "this machine's cgroup version 2 has no memory controller"

# value FILE EXPECTED
value() {
	check_equal "$(cat "$cg/$1")" "$2" "$1"
}

limits_are_set() {
	sleeper web '.linux.resources = {
		"memory": {"limit": 52428800, "reservation": 20971520, "swap": 62914560},
		"cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
		"pids": {"limit": 20},
		"blockIO": {"weight": 100},
		"unified": {"memory.high": "41943040", "cgroup.max.descendants": "7"}}'
	start web
	value memory.max 52428800
	value memory.low 20971520
	value memory.high 41943040
	value cpu.weight 59
	value cpu.max "50000 100000"
	value cpuset.cpus 0
	value cpuset.mems 0
	value pids.max 20
	value cgroup.max.descendants 7
	[ ! -e $cg/memory.swap.max ] || value memory.swap.max 10485760
	[ ! -e $cg/io.weight ] || check_has "$(cat $cg/io.weight)" "default 910"
	delete web
}
test_case "limits of every controller are in its files" limits_are_set

devices_are_slowed() {
	local disk

	disk=$(lsblk -dno MAJ:MIN | head -n 1 | tr -d ' ')
	[ -n "$disk" ] || {
		skip "no disk here"
		return
	}
	sleeper web ".linux.resources.blockIO.throttleReadBpsDevice = [
		{\"major\": ${disk%:*}, \"minor\": ${disk#*:}, \"rate\": 1048576}]"
	start web
	check_has "$(cat $cg/io.max)" "$disk rbps=1048576"
	delete web
}
test_case "blockIO limits become io.max" devices_are_slowed

limits_hold() {
	sh_bundle "$tmp/web" 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait' \
		'.linux.resources.pids.limit = 6'
	run mocker-runtime run --bundle "$tmp/web" web
	check_errors_have "fork"
}
test_case "a container cannot have more processes than its limit" limits_hold

updating() {
	sleeper web '.linux.resources.memory = {"limit": 20971520}'
	start web
	run mocker-runtime update --memory 40m --cpu-share 100 --pids-limit 9 web
	check_status 0
	value memory.max 41943040
	value cpu.weight 17
	value pids.max 9
	run mocker-runtime update web --pids-limit=-1
	check_status 0
	value pids.max max
	echo '{"memory": {"limit": 31457280}, "cpu": {"quota": 20000}}' >"$tmp/limits"
	run_input=$tmp/limits run mocker-runtime update --resources - web
	check_status 0
	value memory.max 31457280
	value cpu.max "20000 100000"
	value cpu.weight 17
	delete web
}
test_case "update changes what is given and leaves the rest" updating

telling_figures() {
	sleeper web '.linux.resources.pids.limit = 20'
	start web
	run mocker-runtime events --stats web
	check_status 0
	check_equal "$(jq -r .type <<<"$output")" stats
	check_equal "$(jq .data.pids.limit <<<"$output")" 20
	check [ "$(jq .data.memory.usage.usage <<<"$output")" -gt 0 ]
	check [ "$(jq .data.cpu.usage.total <<<"$output")" -gt 0 ]
	check_has "$(jq -c '.data.memory.raw | keys' <<<"$output")" '"anon"'
	delete web
}
test_case "events prints what a container uses" telling_figures

telling_pressure() {
	cat $cg/../memory.pressure >/dev/null 2>&1 || cat /proc/pressure/memory >/dev/null 2>&1 || {
		skip "this kernel does not count pressure"
		return
	}
	sh_bundle "$tmp/web" 'while :; do :; done' \
		'.linux.resources.cpu = {"quota": 10000, "period": 100000}'
	start web
	check wait_until 60 grep -q 'some.*total=[1-9]' $cg/cpu.pressure
	run mocker-runtime events --stats web
	check_status 0
	check [ "$(jq .data.cpu.psi.some.total <<<"$output")" -gt 0 ]
	check_equal "$(jq -c '.data.memory.psi.full | keys' <<<"$output")" '["avg10","avg300","avg60","total"]'
	check_equal "$(jq -c '.data.blkio.psi | keys' <<<"$output")" '["full","some"]'
	check [ "$(jq .data.cpu.throttling.throttledPeriods <<<"$output")" -gt 0 ]
	delete web
}
test_case "events prints how long it waited for CPU, memory and disks" telling_pressure

out_of_memory() {
	sh_bundle "$tmp/web" 'sleep 2; x=xxxxxxxx; while :; do x=$x$x; done' \
		'.linux.resources.memory = {"limit": 8388608, "swap": 8388608}'
	start web
	run mocker-runtime events web
	check_status 0
	check_output_has '{"type":"oom","id":"web"}'
	delete web
}
test_case "events tells when the memory ran out, and ends with the container" out_of_memory

too_little() {
	make_bundle "$tmp/web" '.linux.resources.memory = {"limit": 4096, "swap": 4096}'
	run mocker-runtime run --bundle "$tmp/web" web
	[ "$status" != 0 ] || failed "it ran with 4096 bytes"
	check_equal "$(container_status web)" none
}
test_case "a limit that is too small to start leaves nothing" too_little
