#!/bin/bash
# kill -9 at each named step of create (mocker-runtime steps lists them; MOCKER_STOP_AT stops
# there): whatever stands at that moment, `delete --force` removes all of it.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# A bundle that goes through every step: limits, id mappings, hooks, a network.
make_whole_bundle() {
	make_bundle "$tmp/whole" \
		'.process.args = ["sleep", "1000"]' \
		'.linux.namespaces += [{"type": "user"}, {"type": "cgroup"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings' \
		'.linux.resources.pids = {"limit": 50}' \
		'.linux.resources.memory = {"limit": 67108864}' \
		'.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW"}' \
		'.mounts += [{"destination": "/data", "type": "tmpfs", "source": "tmpfs"}]' \
		".hooks.createRuntime = [{\"path\": \"$(command -v mocker-netsetup)\",
			\"args\": [\"mocker-netsetup\", \"hook\", \"--network\", \"mocker0\"]}]" \
		'.hooks.poststop = .hooks.createRuntime'
}
make_whole_bundle
store_stays
network_stays

# The runtime's processes, "PID STATE" a line.
runtime_processes() {
	local stat line name

	for stat in /proc/[0-9]*/stat; do
		{ read -r line <"$stat"; } 2>/dev/null || continue
		name=${line#*(}
		if [[ ${name%%)*} == mocker-runtime* ]]; then
			line=${line##*) }
			[[ $name != *!* ]] || line=T # see runtime/steps.c
			echo "${stat//[!0-9]/} ${line::1}"
		fi
	done
}

stopped_process() {
	runtime_processes | awk '$2 == "T" { print $1; found = 1 } END { exit !found }'
}

# stop_at STEP: create, and for the steps after it start, until a process stands at STEP.
stop_at() {
	MOCKER_STOP_AT=$1 mocker-runtime create --bundle "$tmp/whole" killed \
		</dev/null >"$tmp/create.log" 2>&1 &
	creator=$!
	disown
	if [ "$1" = starting ]; then
		wait_until 60 eval '[ "$(container_status killed)" = created ]'
		mocker-runtime start killed </dev/null >"$tmp/start.log" 2>&1 &
		creator=$!
		disown
	fi
	wait_until 60 stopped_process || {
		failed "no process stands at $1: $(cat "$tmp/create.log")"
		return 1
	}
}

# The command dies; what is left, also the stopped process, is for delete --force.
command_dies() {
	stop_at "$1" || return
	kill -KILL "$creator"
	run mocker-runtime delete --force killed
	check_status 0
	check_equal "$errors" "" "the standard error"
}

# All of the runtime's processes die at once.
all_die() {
	stop_at "$1" || return
	runtime_processes | awk '{ print $1 }' | xargs -r kill -KILL
	run mocker-runtime delete --force killed
	check_status 0
	run mocker-runtime state killed
	check_fails_with "container does not exist"
}

# The same name can be used at once, with nothing in its way.
name_is_free() {
	run mocker-runtime run --detach --bundle "$tmp/whole" killed
	check_status 0
	run mocker-runtime delete --force killed
	check_status 0
}

steps=$(mocker-runtime steps)
test_case "the bundle of these cases runs, and goes without a trace" name_is_free
for step in $steps; do
	test_case "killed at $step, delete --force removes everything" command_dies "$step"
	test_case "all killed at $step, delete --force removes everything" all_die "$step"
done
test_case "after all that the name can be used again" name_is_free

has_steps() {
	check test "$(wc -w <<<"$steps")" -ge 10
}
test_case "create has ten steps or more" has_steps

# A process of the middle that dies is an error of create, which cleans up by itself.
init_dies() {
	local init

	stop_at "$1" || return
	init=$(stopped_process)
	[ "$init" != "$creator" ] || {
		skip "at $1 it is the command itself that stands"
		kill -KILL "$creator"
		mocker-runtime delete --force killed
		return
	}
	kill -KILL "$init"
	wait_until 60 eval '! kill -0 $creator' || failed "create goes on without its init"
	check_equal "$(container_status killed)" none "the status"
}
for step in entered mounted pivoted settled; do
	test_case "init killed at $step: create fails and leaves nothing" init_dies "$step"
done
