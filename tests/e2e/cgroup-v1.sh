#!/bin/bash
# Limits, freezing, signals and removal with cgroup version 1 (and version 2 beside it, as
# far as the machine has it).
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/sleeper.sh
. "$e2e/sleeper.sh"

cg=/sys/fs/cgroup

# hierarchy CONTROLLER: where it is mounted, be it with others ("cpu,cpuacct").
hierarchy() {
	local place

	for place in "$cg"/*; do
		[[ ,${place##*/}, != *,$1,* ]] || {
			echo "$place"
			return
		}
	done
	return 1
}

# value CONTROLLER FILE EXPECTED
value() {
	check_equal "$(cat "$(hierarchy "$1")/mocker-test/web/$2")" "$3" "$2"
}

limits_are_written() {
	sleeper web '.linux.resources.memory = {"limit": 50331648, "reservation": 10485760,
		"disableOOMKiller": false}' \
		'.linux.resources.cpu = {"shares": 512, "quota": 50000, "period": 100000,
		"burst": 1000, "cpus": "0", "mems": "0"}' \
		'.linux.resources.pids.limit = 20'
	start web
	value memory memory.limit_in_bytes 50331648
	value memory memory.soft_limit_in_bytes 10485760
	value cpu cpu.shares 512
	value cpu cpu.cfs_quota_us 50000
	value cpu cpu.cfs_burst_us 1000
	value cpuset cpuset.cpus 0
	value pids pids.max 20
	delete web
}
test_case "limits are written to the files of their controllers" limits_are_written

processes_are_in_every_hierarchy() {
	sh_bundle "$tmp/web" 'cat /proc/self/cgroup'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	[ -d $cg/unified ] || output=$(grep -v ^0: <<<"$output")
	check_equal "$(grep -vc ':/mocker-test/web$' <<<"$output")" 0 "lines of another cgroup"
}
test_case "the container is in every hierarchy" processes_are_in_every_hierarchy

the_default_path_is_ours() {
	sleeper web 'del(.linux.cgroupsPath)'
	start web
	check_exists $cg/pids/mocker/web
	delete web
	check_missing $cg/pids/mocker
	check_missing $cg/unified/mocker
}
test_case "without cgroupsPath it is /mocker/ID, and both go" the_default_path_is_ours

# refused JQ_FILTER PART...: the create fails with one line that has the parts.
refused() {
	make_bundle "$tmp/web" "$1"
	shift
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with "$@"
}

refusals_name_the_member() {
	refused '.linux.resources.cpu = {"quota": 1000, "burst": 2000}' \
		/linux/resources/cpu/burst
	refused '.linux.resources.cpu.cpus = "4096"' \
		"/linux/resources/cpu/cpus: writing \"4096\""
	refused '.linux.resources.memory = {"limit": 1048576, "swap": 1000}' \
		/linux/resources/memory/swap
	refused '.linux.resources.memory.swappiness = 101' "0 to 100, found 101"
	hierarchy net_cls >/dev/null ||
		refused '.linux.resources.network.classID = 5' /linux/resources/network/classID
	refused '.linux.resources.unified = {"no.such": "5"}' \
		/linux/resources/unified/no.such "cgroup v2"
	refused '.linux.resources.blockIO.throttleReadBpsDevice =
		[{"major": 4000, "minor": 1, "rate": 5}]' \
		/linux/resources/blockIO/throttleReadBpsDevice/0 "no such block device"
	refused '.linux.cgroupsPath = "/"' /linux/cgroupsPath
	refused '.linux.cgroupsPath = "a:b:c"' "use --systemd-cgroup"
	refused '.linux.resources.devices = [{"allow": true, "access": "x"}]' \
		/linux/resources/devices/0/access
}
test_case "what cannot be limited is refused by name, and nothing is left" \
	refusals_name_the_member

one_cgroup_one_container() {
	sleeper web
	make_bundle "$tmp/other" '.linux.cgroupsPath = "/mocker-test/web"'
	start web
	run mocker-runtime run --bundle "$tmp/other" other
	check_fails_with "container's cgroup is not empty: /sys/fs/cgroup/"
	check_equal "$(container_status web)" running
	delete web
}
test_case "a cgroup that has processes is nobody else's" one_cgroup_one_container

# Its own directory, or one above.
frozen_before() {
	local dir=/sys/fs/cgroup/freezer/frozen frozen

	make_bundle "$tmp/web" '.linux.cgroupsPath = "/frozen/web"'
	for frozen in "$dir/web" "$dir"; do
		mkdir -p "$frozen"
		echo FROZEN >"$frozen/freezer.state"
		run mocker-runtime run --bundle "$tmp/web" web
		check_status 1
		check_fails_with "container's cgroup unexpectedly frozen: by $frozen;"
		check_equal "$(container_status web)" none
		echo THAWED >"$frozen/freezer.state"
		run mocker-runtime run --bundle "$tmp/web" web
		check_status 0
		rmdir "$frozen" 2>/dev/null
	done
	find /sys/fs/cgroup -depth -path '*/frozen*' -type d -exec rmdir {} +
}
test_case "nothing is started where it would be frozen" frozen_before

devices_are_denied() {
	sh_bundle "$tmp/web" 'mknod /tmp/mem c 1 1 && cat /tmp/mem; cat /dev/null && echo fine' \
		'.process.capabilities[] += ["CAP_MKNOD"]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_errors_have "can't open '/tmp/mem': Operation not permitted"
	check_output fine
	edit_bundle "$tmp/web" '.linux.resources.devices = [{"allow": false}, {"allow": true,
		"type": "c", "major": 1, "minor": 5, "access": "r"}]'
	in_bundle "$tmp/web" sh -c 'head -c 1 /dev/zero >/dev/null && echo fine'
	run mocker-runtime run --bundle "$tmp/web" web
	check_output fine
}
test_case "a device that is not allowed cannot be opened" devices_are_denied

device_list() {
	sort "$(hierarchy devices)/mocker-test/web/devices.list"
}

# An engine that changes one limit hands over the others too, devices among them.
devices_are_updated() {
	local before list

	list='[{"allow":false},{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"}]'
	sleeper web ".linux.resources.devices = $list"
	start web
	echo 'c 10:239 rwm' >"$(hierarchy devices)/mocker-test/web/devices.allow"
	before=$(device_list)
	run_input=$tmp/resources
	echo "{\"devices\":$list}" >"$tmp/resources"
	run mocker-runtime update --resources - web
	check_status 0
	check_equal "$(device_list)" "$before" "the list after one that is the same"
	echo '{"devices":[{"allow":false},{"allow":true,"type":"c","major":10,"minor":230}]}' \
		>"$tmp/resources"
	run strace -f -e trace=write -e signal=none -o "$tmp/writes" \
		mocker-runtime update --resources - web
	check_status 0
	run_input=/dev/null
	check_equal "$(device_list)" "$({ grep -v 'c 10:2[23]9' <<<"$before"
		echo 'c 10:230 rwm'; } | sort)" "the list after another"
	check_lacks "$(cat "$tmp/writes")" '"a"'
	delete web
}
test_case "update changes the list of devices, and denies none for a moment" devices_are_updated

# Nothing that was asked for is dropped in silence.
without_cgroup_mounts() {
	local asked

	for asked in '.linux.resources.devices = [{"allow": false}] | del(.linux.cgroupsPath)' \
		'.linux.cgroupsPath = "/mocker-test/web"'; do
		make_bundle "$tmp/web" "$asked"
		run unshare -m sh -c "umount -l $cg; exec mocker-runtime create -b $tmp/web web"
		check_fails_with "no cgroup file system is mounted" "--cgroup-manager disabled"
	done
	sh_bundle "$tmp/web" 'echo fine' 'del(.linux.cgroupsPath, .linux.resources)'
	run unshare -m sh -c "umount -l $cg; exec mocker-runtime run -b $tmp/web web"
	check_output fine
}
test_case "what only a cgroup can keep is refused where there are none" without_cgroup_mounts

is_stopped() {
	[ "$(container_status "$1")" = stopped ]
}

pausing() {
	sleeper web
	start web
	run mocker-runtime pause web
	check_status 0
	check_equal "$(container_status web)" paused
	check_equal "$(cat $cg/freezer/mocker-test/web/freezer.state)" FROZEN
	run mocker-runtime resume web
	check_status 0
	check_equal "$(container_status web)" running
	run mocker-runtime pause web
	run mocker-runtime kill web KILL
	check_status 0
	check wait_until 60 is_stopped web
	delete web
}
test_case "pause, resume, and a paused container can be killed" pausing

nested_cgroups_go_too() {
	sleeper web
	start web
	mkdir -p $cg/pids/mocker-test/web/a/b $cg/freezer/mocker-test/web/c
	sh -c "echo \$\$ >$cg/pids/mocker-test/web/a/b/tasks; exec sleep 1000" &
	check wait_until 60 grep -q . $cg/pids/mocker-test/web/a/b/tasks
	kill $!
	wait $! 2>/dev/null
	delete web
	check_missing $cg/pids/mocker-test/web
}
test_case "cgroups that were made inside the container's are removed with it" \
	nested_cgroups_go_too

updating() {
	sleeper web '.linux.resources.memory = {"limit": 20971520}'
	start web
	run mocker-runtime update --memory 40m --cpu-share 100 --pids-limit 9 web
	check_status 0
	value memory memory.limit_in_bytes 41943040
	value cpu cpu.shares 100
	value pids pids.max 9
	run mocker-runtime update web --pids-limit=-1
	check_status 0
	value pids pids.max max
	echo '{"memory": {"limit": 31457280}, "cpu": {"shares": 0, "quota": 20000}}' >"$tmp/limits"
	run mocker-runtime update --resources="$tmp/limits" web
	check_status 0
	value memory memory.limit_in_bytes 31457280
	value cpu cpu.shares 100
	value cpu cpu.cfs_quota_us 20000
	run_input=$tmp/limits run mocker-runtime update --resources - web
	check_status 0
	run mocker-runtime update --cpu-burst 50000 web
	check_fails_with /cpu/burst
	run mocker-runtime update --memory 1x web
	check_fails_with "1x"
	delete web
	run mocker-runtime update --memory 40m web
	check_fails_with "container does not exist"
}
test_case "update changes what is given and leaves the rest" updating

idle_and_back() {
	sleeper web
	start web
	run mocker-runtime update --cpu-idle 1 --cpu-share 400 web
	check_status 0
	value cpu cpu.idle 1
	run mocker-runtime update --cpu-share 500 web
	check_fails_with /cpu/shares "an idle cgroup has no shares"
	run mocker-runtime update --cpu-idle 0 --cpu-share 500 web
	check_status 0
	value cpu cpu.idle 0
	value cpu cpu.shares 500
	delete web
}
test_case "update makes a container idle, and gives it shares again" idle_and_back

memory_and_swap() {
	[ -e $cg/memory/memory.memsw.limit_in_bytes ] ||
		{ skip "this kernel does not account for swap" && return; }
	sleeper web '.linux.resources.memory = {"limit": 41943040, "swap": 52428800}'
	start web
	run mocker-runtime update --memory 60m web
	check_fails_with /memory/limit "together (memory/swap, --memory-swap)"
	run mocker-runtime update --memory-swap 30m web
	check_fails_with /memory/swap "memory alone (memory/limit, --memory)"
	run mocker-runtime update --memory 60m --memory-swap 70m web
	check_status 0
	value memory memory.limit_in_bytes 62914560
	delete web
}
test_case "update tells which of the two limits of memory stands in the way" memory_and_swap

# lines_of FILE COUNT: it has that many at least.
lines_of() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# By the specification until 1.3.0; podman 4 writes it so.
zero_pids_of_old() {
	sleeper web '.ociVersion = "1.0.2-dev" | .linux.resources.pids.limit = 0'
	start web
	value pids pids.max max
	run mocker-runtime update web --pids-limit 7
	check_status 0
	run mocker-runtime update web --pids-limit 0
	check_status 0
	value pids pids.max 7
	echo '{"pids": {"limit": 0}}' >"$tmp/zero"
	run mocker-runtime update web --resources "$tmp/zero"
	check_status 0
	value pids pids.max 7
	delete web
	sleeper web '.ociVersion = "1.3.0" | .linux.resources.pids.limit = 7'
	start web
	run mocker-runtime update web --pids-limit 0
	check_status 0
	value pids pids.max 0
	delete web
}
test_case "a pids limit of 0 is none for a config of before 1.3.0" zero_pids_of_old

telling_figures() {
	sleeper web '.linux.resources.pids.limit = 20'
	start web
	run mocker-runtime events --stats web
	check_status 0
	check_equal "$(jq -r .type <<<"$output")" stats
	check_equal "$(jq .data.pids.limit <<<"$output")" 20
	check [ "$(jq .data.memory.usage.usage <<<"$output")" -gt 0 ]
	check [ "$(jq .data.cpu.usage.total <<<"$output")" -gt 0 ]
	mocker-runtime events --interval 100ms web >"$tmp/figures" &
	check wait_until 60 lines_of "$tmp/figures" 3
	kill $!
	wait $! 2>/dev/null
	run mocker-runtime events --interval 0 web
	check_fails_with "expected a duration from 1ms"
	run timeout -k 1 1 mocker-runtime events --interval 1m30s web
	check_status 124
	delete web
}
test_case "events prints what a container uses" telling_figures

# The memory runs out once somebody watches: the first figures come after that began.
out_of_memory() {
	sh_bundle "$tmp/web" 'until [ -e /go ]; do usleep 10000; done
		x=xxxxxxxx; while :; do x=$x$x; done' \
		'.linux.resources.memory = {"limit": 8388608, "swap": 8388608}'
	start web
	mocker-runtime events --interval 100ms web >"$tmp/events" &
	check wait_until 60 grep -q '"type":"stats"' "$tmp/events"
	touch "$tmp/web/rootfs/go"
	wait $!
	check_equal $? 0 "the status of events"
	check_has "$(cat "$tmp/events")" '"type":"oom"'
	delete web
}
test_case "events tells when the memory ran out, and ends with the container" out_of_memory

without_cgroups() {
	sh_bundle "$tmp/web" 'cat /proc/self/cgroup'
	run mocker-runtime --cgroup-manager disabled run --bundle "$tmp/web" web
	check_status 0
	check_lacks "$output" mocker-test/web
	edit_bundle "$tmp/web" '.linux.resources.pids.limit = 5'
	run mocker-runtime --cgroup-manager disabled run --bundle "$tmp/web" web
	check_fails_with "/linux/resources/pids/limit: this container has no cgroup to limit"
}
test_case "--cgroup-manager disabled makes none, and refuses limits" without_cgroups

systemd_is_absent() {
	make_bundle "$tmp/web" '.linux.cgroupsPath = "a.slice:b:c"'
	run mocker-runtime --systemd-cgroup run --bundle "$tmp/web" web
	[ "$status" != 0 ] || failed "it ran"
	check_errors_have systemd
}
[ -d /run/systemd/system ] ||
	test_case "the systemd driver says that systemd is not there" systemd_is_absent
