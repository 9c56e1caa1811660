#!/bin/bash
# Limits, figures and events of a machine whose cgroup version 2 has all controllers.
test_cgroups=v2
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/sleeper.sh
. "$e2e/sleeper.sh"
# shellcheck source=tests/vm/guest-usr.sh
. "$top_srcdir/tests/vm/guest-usr.sh"
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
	check_fails_with "/linux/resources/memory/limit: 4096 is too small to start" \
		"the smallest limit that it starts with here is "
	check_equal "$(container_status web)" none
}
test_case "a limit that is too small to start is named, and leaves nothing" too_little

# ---- every limit ------------------------------------------------------------------------

# Options, file, what is in it afterwards; a line builds on those above.
updates='
--memory 50331648                         | memory.max      | 50331648
--memory 50331648 --memory-swap 62914560  | memory.swap.max | 12582912
--memory-reservation 1m                   | memory.low      | 1048576
--cpu-period 50000 --cpu-quota 20000      | cpu.max         | 20000 50000
--cpu-quota 30000                         | cpu.max         | 30000 50000
--cpu-burst 10000                         | cpu.max.burst   | 10000
--cpu-quota 5000 --cpu-burst 4000         | cpu.max         | 5000 50000
--cpu-quota -1                            | cpu.max         | max 50000
--cpu-share 1024                          | cpu.weight      | 100
--cpu-idle 1                              | cpu.idle        | 1
--cpu-idle 0                              | cpu.idle        | 0
--cpu-idle 0 --cpu-share 1024             | cpu.weight      | 100
--cpuset-cpus 0                           | cpuset.cpus     | 0
--cpuset-mems 0                           | cpuset.mems     | 0
--pids-limit 33                           | pids.max        | 33
--blkio-weight 200                        | io.weight       | default 1920
--memory -1                               | memory.max      | max
'

every_limit() {
	local options file expected

	sleeper web '.linux.resources = {"memory": {"limit": 67108864, "swap": 67108864}}'
	start web
	while IFS='|' read -r options file expected; do
		[ -n "$file" ] || continue
		# shellcheck disable=SC2086 # words
		run mocker-runtime update $options web
		check_status 0
		check_equal "$(cat "$cg/${file// /}")" "${expected# }" "after $options:${file}"
	done <<<"$updates"
	run mocker-runtime update --cpu-idle 1 web
	run mocker-runtime update --cpu-share 100 web
	check_fails_with 'updating "web": /cpu/shares' "an idle cgroup has no weight"
	delete web
}
test_case "every option of update reaches its file" every_limit

disk() {
	lsblk -dno MAJ:MIN /dev/vda | tr -d ' '
}

devices_limits() {
	local major minor name device=

	sleeper web
	start web
	IFS=: read -r major minor <<<"$(disk)"
	device="\"major\": $major, \"minor\": $minor"
	cat >"$tmp/limits" <<-END
		{"blockIO": {
			"throttleReadBpsDevice": [{$device, "rate": 1048576}],
			"throttleWriteBpsDevice": [{$device, "rate": 2097152}],
			"throttleReadIOPSDevice": [{$device, "rate": 300}],
			"throttleWriteIOPSDevice": [{$device, "rate": 400}]},
		"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
		"unified": {"memory.high": "33554432", "pids.max": "44"}}
	END
	run_input=$tmp/limits run mocker-runtime update --resources - web
	check_status 0
	value io.max "$(disk) rbps=1048576 wbps=2097152 riops=300 wiops=400"
	value hugetlb.2MB.max 4194304
	value hugetlb.2MB.rsvd.max 4194304
	value memory.high 33554432
	value pids.max 44
	for name in throttleReadBpsDevice throttleWriteIOPSDevice; do
		echo '{"blockIO": {"'$name'": [{"major": 99, "minor": 9, "rate": 1}]}}' >"$tmp/limits"
		run mocker-runtime update --resources "$tmp/limits" web
		check_fails_with "/blockIO/$name/0: " "there is no such block device"
	done
	delete web
	rm "$tmp/limits"
}
test_case "a document of resources reaches the files of disks and huge pages" devices_limits

# Two mebibytes at one in a second, past the page cache.
slow_disk() {
	local major minor began

	IFS=: read -r major minor <<<"$(disk)"
	sleeper web "
		.linux.devices = [{\"path\": \"/dev/disk\", \"type\": \"b\", \"major\": $major, \"minor\": $minor}] |
		.linux.resources.devices += [{\"allow\": true, \"type\": \"b\", \"major\": $major, \"minor\": $minor, \"access\": \"r\"}] |
		.linux.resources.blockIO.throttleReadBpsDevice =
			[{\"major\": $major, \"minor\": $minor, \"rate\": 1048576}]"
	start web
	began=$(date +%s%N)
	run mocker-runtime exec web dd if=/dev/disk of=/dev/null bs=256k count=8 iflag=direct
	check_status 0
	check [ $((($(date +%s%N) - began) / 1000000)) -ge 1000 ]
	check [ "$(sed -n "s/^$(disk) rbytes=\([0-9]*\).*/\1/p" $cg/io.stat)" -ge 2097152 ]
	run mocker-runtime events --stats web
	check [ "$(jq '[.data.blkio.ioServiceBytesRecursive[] | select(.op == "Read").value] | add' <<<"$output")" -ge 2097152 ]
	delete web
}
test_case "a disk is really read no faster, and what was read is counted" slow_disk

weights() {
	local major minor

	IFS=: read -r major minor <<<"$(disk)"
	sleeper web ".linux.resources.blockIO = {\"weight\": 200, \"weightDevice\":
		[{\"major\": $major, \"minor\": $minor, \"weight\": 300}]}"
	run mocker-runtime run --detach --bundle "$tmp/web" web
	check_fails_with "/linux/resources/blockIO/weightDevice/0" "io.cost.qos"
	check_missing $cg
	modprobe bfq || failed "this kernel has no BFQ"
	echo bfq >/sys/block/vda/queue/scheduler
	start web
	check_has "$(cat $cg/io.bfq.weight)" "default 200"
	check_has "$(cat $cg/io.bfq.weight)" "$(disk) 300"
	delete web
	echo none >/sys/block/vda/queue/scheduler
	modprobe -r bfq
}
test_case "weights of a disk need a cost model, or BFQ, whose own they are" weights

huge_pages_hold() {
	snake web '
import mmap
kept = []
for i in range(2):
    try:
        kept += [mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)]
        print("given")
    except OSError as error:
        print(error.strerror)' '.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 2097152}]'
	echo 4 >/proc/sys/vm/nr_hugepages
	run mocker-runtime run --bundle "$tmp/web" web
	check_output $'given\nCannot allocate memory'
	echo 0 >/proc/sys/vm/nr_hugepages
}
test_case "a container cannot have more huge pages than its limit" huge_pages_hold

no_rdma_device() {
	sleeper web '.linux.resources.rdma = {"mlx5_0": {"hcaHandles": 2, "hcaObjects": 100}}'
	run mocker-runtime run --detach --bundle "$tmp/web" web
	check_fails_with "/linux/resources/rdma/mlx5_0" "there is no such RDMA device"
	check_equal "$(container_status web)" none
	check_missing $cg
}
test_case "an RDMA device that is not there is named" no_rdma_device

checked_first() {
	sh_bundle "$tmp/web" 'head -c 8388608 /dev/zero >/dev/shm/x; echo >/tmp/full; sleep 1000' \
		'.linux.resources = {"memory": {"limit": 67108864, "swap": 67108864}, "pids": {"limit": 20}}'
	start web
	check wait_until 60 test -e "$tmp/web/rootfs/tmp/full"
	echo '{"memory": {"limit": 4194304, "swap": 8388608, "checkBeforeUpdate": true},
		"pids": {"limit": 30}, "cpu": {"cpus": "0"}}' >"$tmp/limits"
	run mocker-runtime update --resources "$tmp/limits" web
	check_fails_with 'updating "web": /memory/limit: the new limit 4194304 is below the ' \
		"bytes in use, and checkBeforeUpdate is set"
	value memory.max 67108864
	value memory.swap.max 0
	value pids.max 20
	value cpuset.cpus ""
	check_equal "$(container_status web)" running
	jq '.memory.limit = 33554432 | .memory.swap = 33554432' "$tmp/limits" >"$tmp/more"
	run mocker-runtime update --resources "$tmp/more" web
	check_status 0
	value memory.max 33554432
	value pids.max 30
	delete web
	rm "$tmp/limits" "$tmp/more"
}
test_case "checkBeforeUpdate: a limit below what is used changes nothing at all" checked_first
