#!/bin/bash
# checkpoint and restore with cgroup version 1. In the virtual machine's second boot
# (check.sh).
test_limit=900
test_cgroups=v1
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/vm/checkpoint-lib.sh
. "$top_srcdir/tests/vm/checkpoint-lib.sh"
cg=/sys/fs/cgroup

[ -d $cg/memory ] || host_skip "this machine's cgroups are not of version 1"

# dir_of CONTROLLER: the container's directory; systemd mounts some two by two.
dir_of() {
	echo "$(find $cg -maxdepth 1 -type d \( -name "$1" -o -name "$1,*" -o -name "*,$1" \) | head -n 1)/mocker-test/web"
}

# The container's process is in its directory of every hierarchy with limits.
in_all() {
	local controller pid

	pid=$(container_pid web)
	for controller in memory cpu pids freezer devices cpuset blkio; do
		check grep -qx "$pid" "$(dir_of $controller)/cgroup.procs"
	done
}

limited() {
	local before

	counter web '.linux.resources += {"memory": {"limit": 52428800}, "pids": {"limit": 30},
		"cpu": {"shares": 512}}'
	begin web
	check wait_until 40 counts_from web 2
	in_all
	save web
	check_missing $cg/memory/mocker-test/web
	before=$(count web)
	restore web
	check wait_until 40 counts_from web "$before"
	in_all
	check_equal "$(cat $cg/memory/mocker-test/web/memory.limit_in_bytes)" 52428800
	check_equal "$(cat $cg/pids/mocker-test/web/pids.max)" 30
	check_equal "$(cat "$(dir_of cpu)/cpu.shares")" 512
	check_has "$(cat $cg/devices/mocker-test/web/devices.list)" "c 1:3 rwm"
	run mocker-runtime exec web sh -c 'mknod /tmp/mem c 1 1; cat /tmp/mem; echo >/dev/null && echo fine'
	check_output fine
	delete web
	forget_images
}
test_case "a container goes on in its cgroups of version 1, with its limits and devices" limited

paused() {
	counter web
	begin web
	check wait_until 40 counts_from web 2
	run mocker-runtime pause web
	save web --leave-running
	check_equal "$(container_status web)" paused
	run mocker-runtime resume web
	check wait_until 40 counts_from web "$(count web)"
	delete web
	restore web
	check_equal "$(container_status web)" running
	delete web
	forget_images
}
test_case "a paused container is saved, and still paused" paused

views() {
	local namespace

	for namespace in yes no; do
		counter web '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup",
			"source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"]}]'
		[ $namespace = no ] || edit_bundle "$tmp/web" '.linux.namespaces += [{"type": "cgroup"}]'
		begin web
		check wait_until 40 counts_from web 1
		save web
		restore web
		run mocker-runtime exec web sh -c 'head -n 1 /sys/fs/cgroup/memory/cgroup.procs
			head -n 1 /sys/fs/cgroup/pids/cgroup.procs; mkdir /sys/fs/cgroup/pids/x'
		check_output $'1\n1'
		check_errors_have "Read-only file system"
		delete web
		forget_images
	done
}
test_case "cgroups are mounted again, with a namespace and without" views
