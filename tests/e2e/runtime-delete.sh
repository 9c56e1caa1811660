#!/bin/bash
# delete where processes do not end: it says what holds the container, keeps what is left to
# be removed, and removes it when it is asked again.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# What hangs in `start` holds the container until its init is gone.
while_start_waits() {
	local began starting

	sleep_bundle
	run mocker-runtime create -b "$tmp/web" web
	check_status 0
	mocker-runtime start web </dev/null >/dev/null 2>"$tmp/said" &
	starting=$!
	check wait_until 60 test -e "$tmp/web/rootfs/tmp/hooked"
	began=$SECONDS
	run mocker-runtime delete --force web
	check_status 0
	wait $starting
	check test $((SECONDS - began)) -lt 10 # as long it would wait for the lock of start
	run mocker-runtime list -q
	check_output ""
}

sleep_bundle() {
	make_bundle "$tmp/web" '.hooks.startContainer = [{"path": "/bin/sh",
		"args": ["sh", "-c", "echo >/tmp/hooked; exec sleep 1000"]}]'
}
test_case "delete --force ends what a start waits for" while_start_waits

while_create_waits() {
	local began creating

	make_bundle "$tmp/web" ".hooks.createRuntime = [{\"path\": \"/bin/sh\",
		\"args\": [\"sh\", \"-c\", \"echo >$tmp/hooked; exec sleep 1000\"]}]"
	mocker-runtime create -b "$tmp/web" web </dev/null >/dev/null 2>"$tmp/said" &
	creating=$!
	check wait_until 60 test -e "$tmp/hooked"
	began=$SECONDS
	run mocker-runtime delete --force web
	check_status 0
	wait $creating
	check_equal $? 1 "the status of create"
	check_has "$(cat "$tmp/said")" "/hooks/createRuntime/0: /bin/sh was killed"
	check_has "$(cat "$tmp/said")" "the container's init has ended"
	check test $((SECONDS - began)) -lt 10
	run mocker-runtime list -q
	check_output ""
}
test_case "and what a create waits for" while_create_waits

# Who asks create to end: it undoes what it has made.
create_is_asked_to_end() {
	local creating

	make_bundle "$tmp/web" ".hooks.createRuntime = [{\"path\": \"/bin/sh\",
		\"args\": [\"sh\", \"-c\", \"echo >$tmp/hooked; exec sleep 1000\"]}]"
	rm -f "$tmp/hooked"
	mocker-runtime create -b "$tmp/web" web </dev/null >/dev/null 2>"$tmp/said" &
	creating=$!
	check wait_until 20 test -e "$tmp/hooked"
	kill $creating
	wait $creating
	check_equal $? 1 "the status of create"
	check_has "$(cat "$tmp/said")" "/bin/sh was killed; ended by signal 15 before it began"
	check_missing /run/mocker/web

	make_bundle "$tmp/web" ".hooks = {\"createContainer\": [{\"path\": \"/bin/sh\",
		\"args\": [\"sh\", \"-c\", \"echo >$tmp/hooked; exec sleep 1000\"]}]}"
	rm -f "$tmp/hooked"
	mocker-runtime run -b "$tmp/web" web </dev/null >/dev/null 2>"$tmp/said" &
	creating=$!
	check wait_until 20 test -e "$tmp/hooked"
	kill -HUP $creating
	wait $creating
	check_has "$(cat "$tmp/said")" "ended by signal 1 before it began"
	check_missing /run/mocker/web
}
test_case "create and run undo all when they are asked to end" create_is_asked_to_end

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
	check wait_until 60 test ! -e "/proc/$pid"
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

# A process of the host that somebody has put into one hierarchy only.
held_in_one_hierarchy() {
	local stranger memory=/sys/fs/cgroup/memory/mocker-test/web

	[ -d /sys/fs/cgroup/memory ] || { skip "version 1 only has several hierarchies" && return; }
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" web
	sleep 1000 &
	stranger=$!
	echo $stranger >"$memory/cgroup.procs"
	run mocker-runtime delete --force web
	check_status 1
	check_fails_with "removing the cgroup $memory" "held by 1 processes: $stranger (sleep"
	kill $stranger
	wait $stranger 2>/dev/null
	run mocker-runtime delete --force web
	check_status 0
}
test_case "who holds the cgroup of one hierarchy only is named too" held_in_one_hierarchy

# without_cgroup [JQ FILTER...]: a container "web" of three processes, which no cgroup tells.
without_cgroup() {
	sh_bundle "$tmp/web" 'sleep 1001 & sleep 1002 & wait; exec sleep 1003' "$@"
	run mocker-runtime --cgroup-manager disabled run -d -b "$tmp/web" web
	check_status 0
	check wait_until 20 has_processes 3
}

has_processes() {
	[ "$(mocker-runtime ps --format json web | jq length)" = "$1" ]
}

processes_without_cgroup() {
	local shared='.linux.namespaces |= map(select(.type != "pid"))'

	without_cgroup
	run mocker-runtime ps web -o pid,args
	check_output_has "sleep 1001"
	check_output_has "sleep 1002"
	run mocker-runtime kill --all web USR1
	check_status 0
	check wait_until 20 has_processes 1 # the first of a pid namespace has no default actions
	run mocker-runtime delete --force web
	check_status 0

	without_cgroup "$shared"
	run mocker-runtime kill web KILL
	check_status 0
	check wait_until 20 test -z "$(pgrep -f 'sleep 100[12]')"
	run mocker-runtime kill web KILL
	check_fails_with "container not running"
	run mocker-runtime delete web
	check_status 0

	without_cgroup "$shared"
	run mocker-runtime delete --force web
	check_status 0
	check_equal "$(pgrep -f 'sleep 100[12]')" "" "what runs still"
}
test_case "without a cgroup the mount namespace tells who is in the container" \
	processes_without_cgroup
