#!/bin/bash
# podman of a user without privilege, who has no cgroup, or (MOCKER_TEST_CGROUPS=v2) was
# handed all that are in sight, as systemd does it at a login.
# shellcheck source=tests/clients/podman-rootless-lib.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/podman-rootless-lib.sh"

set_up() {
	! cgroups_are_the_users ||
		chown "$user:$user" /sys/fs/cgroup /sys/fs/cgroup/cgroup.{procs,subtree_control}
	podman_user_setup
}

cgroups_are_the_users() {
	[ "$MOCKER_TEST_CGROUPS" = v2 ]
}

# Version 2 has no controller of memory on a machine whose version 1 has it.
limits() {
	run podman run --rm $image true
	check_status 0
	if cgroups_are_the_users; then
		client_is_runc || : # which says so in other words
		run podman run --rm --memory 64m $image cat /sys/fs/cgroup/memory.max
		if grep -q memory /sys/fs/cgroup/cgroup.controllers; then
			check_output 67108864
		else
			check_not [ "$status" = 0 ]
		fi
	else
		run podman run --rm --memory 64m --pids-limit 7 --cpus 0.5 $image true
		check_status 0
		check_errors_have "not supported and ignored"
	fi
}

own_cgroups() {
	run podman run --rm --cgroupns private $image tail -n 1 /proc/self/cgroup
	check_status 0
	if cgroups_are_the_users; then
		check_output 0::/
		run podman run --rm --systemd=always $image sh -c 'mkdir /sys/fs/cgroup/inner && echo writable'
		check_output writable
	fi
}

without_cgroups() {
	local ended=7

	! client_is_runc || ended=125
	run podman run --rm --cgroups disabled $image sh -c 'exit 7'
	check_status $ended
}

pauses() {
	client_is_runc || : # which warns
	run podman run -d --name web $image sleep 1000
	run podman pause web
	if cgroups_are_the_users; then
		check_status 0
		run podman ps -a --format '{{.State}}'
		check_output Paused
		run podman unpause web
		check_status 0
		run podman exec web true
		check_status 0
		run podman pause web
		check_status 0
	else
		check_status 125
	fi
	podman_remove web
}

# As an engine may ask for that is not podman. Without a cgroup nobody dies who may be
# another's; runc and crun kill nobody at all then.
kill_all() {
	local id

	client_is mocker-runtime || return 0
	run podman run -d --name one $image sleep 1000
	run podman run -d --name two --pid container:one $image sleep 1001
	id=$(podman inspect -f '{{.Id}}' two)
	run podman unshare "$client_runtime" kill --all "$id" 0
	check_status 0
	run podman unshare "$client_runtime" kill --all "$id" KILL
	check_status 0
	run podman wait two
	check_output 137
	run podman exec one ps -o args
	check_output $'COMMAND\nsleep 1000\nps -o args'
	podman_remove two
	podman_remove one
}

# With a cgroup it is known who is whose.
removed_with_all() {
	cgroups_are_the_users || {
		skip "the user has no cgroups"
		return
	}
	client_is_runc || : # whose rmdir may come too early
	run podman run -d --name one $image sh -c 'trap : CHLD; while :; do sleep 0.1; done'
	run podman run -d --name two --pid container:one $image sh -c 'sleep 1002 & sleep 1003'
	check wait_until 20 bash -c 'podman exec one ps | grep -q "sleep 1003"'
	run podman rm -f -t 0 two
	check_status 0
	check wait_until 20 bash -c '! podman exec one ps | grep -q "sleep 100[23]"'
	podman_remove one
}

test_setup check set_up
test_case "limits hold, or podman says that they do not" limits
test_case "the cgroup namespace is private" own_cgroups
test_case "no cgroup is made when podman asks for none" without_cgroups
test_case "pause and unpause, or that they cannot be" pauses
test_case "kill --all of a container that shares its pids" kill_all
test_case "rm -f takes all of such a container, where it has a cgroup" removed_with_all
