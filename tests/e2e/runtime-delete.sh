#!/bin/bash
# delete where processes do not end: it says what holds the container, keeps what is left to
# be removed, and removes it when it is asked again.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# What hangs in `start` holds the container until its init is gone.
while_start_waits() {
	local began=$SECONDS starting

	sleep_bundle
	run mocker-runtime create -b "$tmp/web" web
	check_status 0
	mocker-runtime start web </dev/null >/dev/null 2>"$tmp/said" &
	starting=$!
	check wait_until 20 test -e "$tmp/web/rootfs/tmp/hooked"
	run mocker-runtime delete --force web
	check_status 0
	wait $starting
	check_equal "$((SECONDS - began < 8))" 1 "whether it was soon"
	run mocker-runtime list -q
	check_output ""
}

sleep_bundle() {
	make_bundle "$tmp/web" '.hooks.startContainer = [{"path": "/bin/sh",
		"args": ["sh", "-c", "echo >/tmp/hooked; sleep 30"]}]'
}
test_case "delete --force ends what a start waits for" while_start_waits

is_stuck() {
	grep -q swallowed "$tmp/fuse.log"
}

begin_stuck() {
	mkdir -p "$tmp/stuck"
	python3 "$e2e/stuck-fuse.py" "$tmp/stuck" </dev/null >"$tmp/fuse.log" 2>&1 &
	server=$!
	disown
	wait_until 10 mountpoint -q "$tmp/stuck" || {
		skip "no FUSE here: $(tail -n 1 "$tmp/fuse.log")"
		kill "$server" 2>/dev/null
		return 1
	}
}

end_stuck() {
	kill -KILL "$server" 2>/dev/null
	umount -l "$tmp/stuck" 2>/dev/null
	rmdir "$tmp/stuck"
}

in_state_d() {
	local pid

	needs python3 || return
	begin_stuck || return
	make_bundle "$tmp/web" '.process.args = ["cat", "/mnt/file"]' \
		'.mounts += [{"destination": "/mnt", "source": "'"$tmp"'/stuck", "options": ["bind"]}]'
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
	pid=$(container_pid web)
	check wait_until 20 is_stuck
	run mocker-runtime delete --force web
	check_status 1
	check_fails_with "process $pid (cat, state D" "does not end though it was killed" \
		"delete again once it ends"
	run mocker-runtime list --quiet
	check_output web
	check test -n "$(find /sys/fs/cgroup -type d -name web)"
	end_stuck
	run mocker-runtime delete --force web
	check_status 0
	check_equal "$(find /sys/fs/cgroup -type d -name web)" "" "the cgroups"
	check_missing /run/mocker/web
}
test_case "a process in state D is named, and nothing of it is left in the end" in_state_d

# The first process has ended; another one, of a shared pid namespace, holds the cgroup.
another_in_state_d() {
	local pid

	needs python3 || return
	begin_stuck || return
	make_bundle "$tmp/web" '.process.args = ["sh", "-c", "cat /mnt/file & sleep 1000"]' \
		'.linux.namespaces |= map(select(.type != "pid"))' \
		'.mounts += [{"destination": "/mnt", "source": "'"$tmp"'/stuck", "options": ["bind"]}]'
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
	check wait_until 20 is_stuck
	pid=$(pgrep -x cat)
	run mocker-runtime delete --force web
	check_status 1
	check_fails_with "removing the cgroup" "held by 1 processes: $pid (cat, state D" \
		"delete again once they end"
	check_equal "$(container_status web)" stopped
	end_stuck
	check wait_until 10 test ! -e "/proc/$pid"
	run mocker-runtime delete web
	check_status 0
	check_equal "$(find /sys/fs/cgroup -type d -name web)" "" "the cgroups"
}
test_case "so is one that holds the cgroup of a container that has ended" another_in_state_d

needs_freezer() {
	[ -d /sys/fs/cgroup/freezer ] || {
		skip "only version 1 lets nobody die who is frozen"
		return 1
	}
}

# Somebody has frozen a directory below the container's.
frozen_below() {
	local below=/sys/fs/cgroup/freezer/mocker-test/web/below

	needs_freezer || return
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" web
	mkdir "$below"
	container_pid web >"$below/cgroup.procs"
	echo FROZEN >"$below/freezer.state"
	run mocker-runtime delete --force web
	check_status 0
}
test_case "what is frozen below the container's cgroup is thawed, to die" frozen_below

frozen_above() {
	local above=/sys/fs/cgroup/freezer/mocker-test/above

	needs_freezer || return
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' \
		'.linux.cgroupsPath = "/mocker-test/above/web"'
	run mocker-runtime run -d -b "$tmp/web" web
	echo FROZEN >"$above/freezer.state"
	run mocker-runtime delete --force web
	check_status 1
	check_fails_with "does not end though it was killed" \
		"the cgroup $above is frozen; thaw it and delete again"
	run mocker-runtime list --quiet
	check_output web
	echo THAWED >"$above/freezer.state"
	run mocker-runtime delete --force web
	check_status 0
	find /sys/fs/cgroup -type d -name above -exec rmdir {} + 2>/dev/null
}
test_case "a cgroup above that is frozen is named, for it is not ours to thaw" frozen_above
