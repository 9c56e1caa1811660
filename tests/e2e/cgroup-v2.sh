#!/bin/bash
# The same with cgroup version 2 alone: on a machine whose controllers are version 1's, its
# core files, the freezer, cgroup.kill and the eBPF allow-list of devices.
test_cgroups=v2
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/sleeper.sh
. "$e2e/sleeper.sh"

cg=/sys/fs/cgroup

has_controller() {
	grep -qw "$1" $cg/cgroup.controllers
}

the_process_is_in_it() {
	sh_bundle "$tmp/web" 'grep ^0: /proc/self/cgroup'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_output "0::/mocker-test/web"
	sleeper web 'del(.linux.cgroupsPath)'
	start web
	check_equal "$(cat $cg/mocker/web/cgroup.procs)" "$(container_pid web)"
	delete web
	check_missing $cg/mocker
}
test_case "the container is cloned into its cgroup" the_process_is_in_it

its_namespace_hides_the_path() {
	sh_bundle "$tmp/web" 'grep ^0: /proc/self/cgroup' \
		'.linux.namespaces += [{"type": "cgroup"}]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_output "0::/"
}
test_case "a cgroup namespace begins at the container's cgroup" its_namespace_hides_the_path

# owners [JQ FILTER...]: of the cgroup and its files, while its container runs.
owners() {
	sleeper web '.linux.namespaces += [{"type": "cgroup"}, {"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] |
		.linux.gidMappings = .linux.uidMappings | .process.user = {"uid": 5, "gid": 5}' \
		'.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup",
		"source": "cgroup", "options": ["rw"]}]' "$@"
	chown -R -h 100000:100000 "$tmp/web/rootfs"
	chmod 755 "$tmp"
	start web
	stat -c '%u %n' $cg/mocker-test/web $cg/mocker-test/web/* | sed "s|$cg/mocker-test/||" \
		>"$tmp/owners"
	delete web
}

it_is_the_users() {
	owners
	check_equal "$(grep '^100005 ' "$tmp/owners" | cut -d' ' -f2 | sort | xargs)" \
		"$({ echo web && sed 's|^|web/|' /sys/kernel/cgroup/delegate; } | sort |
			grep -xF -f <(cut -d' ' -f2 "$tmp/owners") | xargs)" "what is the user's"
	owners '.mounts[-1].options = ["ro"]'
	check_equal "$(grep -c '^100005 ' "$tmp/owners")" 0 "read-only: what is the user's"
	owners '.mounts |= .[:-1]'
	check_equal "$(grep -c '^100005 ' "$tmp/owners")" 0 "not mounted: what is the user's"
}
test_case "a writable cgroup namespace's cgroup is handed to its user" it_is_the_users

# There is room for the directory above it, and not for its own.
no_room_for_it() {
	mkdir $cg/narrow
	echo 1 >$cg/narrow/cgroup.max.descendants
	make_bundle "$tmp/web" '.linux.cgroupsPath = "/narrow/above/web"'
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with "/narrow/above/web"
	check_missing $cg/narrow/above
	rmdir $cg/narrow
}
test_case "where a cgroup cannot be made, those above it are removed" no_room_for_it

# Its own directory, or one above.
frozen_before() {
	local frozen

	make_bundle "$tmp/web" '.linux.cgroupsPath = "/frozen/web"'
	for frozen in $cg/frozen/web $cg/frozen; do
		mkdir -p $cg/frozen/web
		echo 1 >"$frozen/cgroup.freeze"
		run mocker-runtime run --bundle "$tmp/web" web
		check_status 1
		check_fails_with "container's cgroup unexpectedly frozen: by $frozen;"
		check_equal "$(container_status web)" none
		echo 0 >"$frozen/cgroup.freeze"
		run mocker-runtime run --bundle "$tmp/web" web
		check_status 0
	done
	find $cg/frozen -depth -type d -exec rmdir {} +
}
test_case "nothing is started where it would be frozen" frozen_before

# Linux kills who is cloned between two cgroups of which but one was killed before.
killed_before() {
	local caller=$cg/caller joined

	mkdir -p $cg/killed/web $caller
	sleeper web '.linux.cgroupsPath = "/killed/web"'
	echo 1 >$cg/killed/web/cgroup.kill
	start web
	check_equal "$(cat $cg/killed/web/cgroup.procs)" "$(container_pid web)"
	run mocker-runtime exec web grep ^0: /proc/self/cgroup
	check_output "0::/killed/web"
	delete web
	sleeper web
	echo 1 >$caller/cgroup.kill
	for joined in "" '(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/1/ns/ipc"'; do
		[ -z "$joined" ] || edit_bundle "$tmp/web" "$joined"
		run sh -c 'echo $$ >"$0" && exec mocker-runtime run -d -b "$1" web' \
			$caller/cgroup.procs "$tmp/web"
		check_status 0
		check_equal "$(cat $cg/mocker-test/web/cgroup.procs)" "$(container_pid web)"
		run sh -c 'echo $$ >"$0" && exec mocker-runtime exec web grep ^0: /proc/self/cgroup' \
			$caller/cgroup.procs
		check_output "0::/mocker-test/web"
		delete web
	done
	rmdir $cg/killed/web $cg/killed $caller
}
test_case "a cgroup that was killed before, and a caller from such a one" killed_before

raw_files() {
	sleeper web '.linux.resources.unified = {"cgroup.max.depth": "3"}'
	start web
	check_equal "$(cat $cg/mocker-test/web/cgroup.max.depth)" 3
	delete web
	edit_bundle "$tmp/web" '.linux.resources.unified = {"memory.nosuch": "3"}'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with /linux/resources/unified/memory.nosuch
}
test_case "unified writes files as they are named" raw_files

managing_files() {
	local file

	sleep 1000 &
	for file in procs threads kill freeze type subtree_control; do
		sleeper web ".linux.resources.unified = {\"cgroup.$file\": \"$!\"}"
		run mocker-runtime run --bundle "$tmp/web" web
		check_fails_with "/linux/resources/unified/cgroup.$file: it is no limit"
	done
	sleeper web
	start web
	echo '{"unified": {"cgroup.freeze": "1"}}' >"$tmp/limits"
	run mocker-runtime update --resources "$tmp/limits" web
	check_fails_with /unified/cgroup.freeze
	check_equal "$(container_status web)" running
	delete web
	kill $!
	wait $! 2>/dev/null
}
test_case "unified: files that manage cgroups are refused" managing_files

huge_pages() {
	has_controller hugetlb || {
		skip "this kernel's cgroup v2 has no hugetlb controller"
		return
	}
	sleeper web '.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 4194304}]'
	# Version 2 hands controllers down only from a cgroup without processes.
	echo +hugetlb 2>/dev/null >$cg/cgroup.subtree_control || {
		run mocker-runtime run --bundle "$tmp/web" web
		check_fails_with "/linux/resources/hugepageLimits/0: writing \"+hugetlb\"" \
			"has processes of its own"
		return
	}
	start web
	check_equal "$(cat $cg/mocker-test/web/hugetlb.2MB.max)" 4194304
	delete web
	edit_bundle "$tmp/web" '.linux.resources.hugepageLimits = [{"pageSize": "3MB", "limit": 1}]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with "/linux/resources/hugepageLimits/0: this kernel's cgroup v2 has no"
}
test_case "huge pages are limited by size, or it is said why not" huge_pages

absent_controllers_are_named() {
	has_controller memory && {
		skip "this machine has the memory controller in cgroup v2"
		return
	}
	make_bundle "$tmp/web" '.linux.resources.memory.limit = 52428800'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with "/linux/resources/memory/limit: no cgroup hierarchy of this machine" \
		'"memory"'
	sleeper web '.linux.resources = {"memory": {"limit": -1, "swap": -1, "reservation": -1},
		"pids": {"limit": -1}, "cpu": {"quota": -1}}'
	start web
	run mocker-runtime update --memory=-1 --pids-limit=-1 web
	check_status 0
	run mocker-runtime update --pids-limit 5 web
	check_fails_with /pids/limit '"pids"'
	delete web
}
test_case "a limit without its controller is refused by name, and none is none" absent_controllers_are_named

devices_are_denied() {
	sh_bundle "$tmp/web" 'mknod /tmp/mem c 1 1 && cat /tmp/mem; cat /dev/null && echo fine' \
		'.process.capabilities[] += ["CAP_MKNOD"]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_errors_have "can't open '/tmp/mem': Operation not permitted"
	check_output fine
	edit_bundle "$tmp/web" '.linux.resources.devices = [{"allow": true}, {"allow": false,
		"type": "c", "major": 1, "minor": 5, "access": "w"}]'
	in_bundle "$tmp/web" sh -c 'head -c 1 /dev/zero >/dev/null && echo reads
		echo >/dev/zero || echo denied'
	run mocker-runtime run --bundle "$tmp/web" web
	check_output "reads
denied"
}
test_case "the eBPF program denies devices that are not allowed" devices_are_denied

locked_memory_is_not_needed() {
	sh_bundle "$tmp/web" 'echo fine'
	run sh -c "ulimit -l 0; exec mocker-runtime run --bundle $tmp/web web"
	check_status 0
	check_output fine
}
test_case "RLIMIT_MEMLOCK of zero is enough" locked_memory_is_not_needed

devices_are_updated() {
	sleeper web
	start web
	run mocker-runtime exec web sh -c 'head -c 1 /dev/full >/dev/null && echo reads'
	check_output reads
	echo '{"devices": [{"allow": false}, {"allow": false, "type": "c", "major": 1,
		"minor": 7}]}' >"$tmp/limits"
	run mocker-runtime update --resources "$tmp/limits" web
	check_status 0
	run mocker-runtime exec web sh -c 'head -c 1 /dev/full >/dev/null && echo reads'
	check_output ""
	delete web
}
test_case "update puts another program in the place of the first" devices_are_updated

pausing() {
	sleeper web
	start web
	run mocker-runtime pause web
	check_status 0
	check_equal "$(container_status web)" paused
	check_has "$(cat $cg/mocker-test/web/cgroup.events)" "frozen 1"
	run mocker-runtime resume web
	check_status 0
	check_equal "$(container_status web)" running
	run mocker-runtime pause web
	delete web
}
test_case "pause, resume, and a paused container can be deleted" pausing

killing_all() {
	sh_bundle "$tmp/web" 'for i in 1 2 3 4 5; do setsid sleep 1000 & done; sleep 1000' \
		'.linux.namespaces |= map(select(.type != "pid"))'
	start web
	check wait_until 60 sh -c "[ \$(wc -l <$cg/mocker-test/web/cgroup.procs) -ge 6 ]"
	run mocker-runtime kill --all web TERM
	check_status 0
	run mocker-runtime kill --all web KILL
	check_status 0
	check wait_until 60 grep -q 'populated 0' $cg/mocker-test/web/cgroup.events
	delete web
}
test_case "kill --all reaches every process of a shared PID namespace" killing_all

nested_cgroups_go_too() {
	sleeper web
	start web
	mkdir -p $cg/mocker-test/web/a/b
	delete web
	check_missing $cg/mocker-test/web
}
test_case "cgroups that were made inside the container's are removed with it" \
	nested_cgroups_go_too
