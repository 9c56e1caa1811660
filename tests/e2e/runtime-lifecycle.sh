#!/bin/bash
# The runtime's verbs in the order in which a container lives: create, start, state, kill,
# delete; run; pause and resume; list and ps. Statuses, output and exit codes as runc's.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# sleeper NAME: a bundle whose process sleeps until it is told to end.
sleeper() {
	sh_bundle "$tmp/$1" 'trap "exit 3" TERM; echo began; while :; do sleep 0.1; done'
}

create_sleeper() {
	sleeper "$1"
	run mocker-runtime create --bundle "$tmp/$1" --pid-file "$tmp/$1.pid" "$1"
	check_status 0
}

runs_to_its_end() {
	sh_bundle "$tmp/end" 'echo out; echo err >&2; exit 7'
	run mocker-runtime run --bundle "$tmp/end" end
	check_status 7
	check_output out
	check_equal "$errors" err "the standard error"
	run mocker-runtime state end
	check_status 1
	check_errors_have "container does not exist"
}
test_case "run shows output, returns the exit status, and deletes" runs_to_its_end

dies_by_signal() {
	sh_bundle "$tmp/sig" 'kill -SEGV $$' '.linux.namespaces |= map(select(.type != "pid"))'
	run mocker-runtime run --bundle "$tmp/sig" sig
	check_status 139
}
test_case "a process that a signal ends gives 128 + n" dies_by_signal

goes_through_its_states() {
	create_sleeper life
	check_equal "$(container_status life)" created "the status"
	check_equal "$(cat "$tmp/life.pid")" "$(container_pid life)" "the pid file"
	check_lacks "$(cat "$tmp/.output")" began "the output before start"
	run mocker-runtime start life
	check_status 0
	check_equal "$(container_status life)" running "the status"
	run mocker-runtime start life
	check_fails_with "cannot start an already running container"
	run mocker-runtime delete life
	check_fails_with "not stopped"
	run mocker-runtime kill life TERM
	check_status 0
	check wait_stopped life
	run mocker-runtime kill life KILL
	check_status 1
	check_errors_have "container not running"
	run mocker-runtime kill --all life KILL
	check_status 0
	run mocker-runtime start life
	check_fails_with "cannot start a container that has stopped"
	run mocker-runtime ps --format json life
	check_output null
	run mocker-runtime exec life true
	check_status 255
	run mocker-runtime delete life
	check_status 0
	check_equal "$(container_status life)" none "the status"
}
wait_stopped() {
	wait_until 60 is_stopped "$1"
}
is_stopped() {
	[ "$(container_status "$1")" = stopped ]
}
test_case "created, running, stopped, gone" goes_through_its_states

state_is_as_runc_prints_it() {
	needs runc || return
	make_bundle "$tmp/st" '.process.args = ["sleep", "100"]' \
		'.annotations = {"a.b": "c", "d": ""}'
	run mocker-runtime run --detach --bundle "$tmp/st" st
	check_status 0
	run mocker-runtime state st
	jq -S 'del(.ociVersion, .pid, .created, .id, .owner)' <<<"$output" >"$tmp/ours"
	jq -r 'keys[]' <<<"$output" | sort >"$tmp/our-keys"
	check_matches "$(jq -r .created <<<"$output")" '^20[0-9-]+T[0-9:]+\.[0-9]+Z$'
	mocker-runtime delete --force st
	run runc --root "$tmp/runc" run --detach --bundle "$tmp/st" st
	runc --root "$tmp/runc" state st >"$tmp/theirs.json"
	jq -S 'del(.ociVersion, .pid, .created, .id, .owner)' "$tmp/theirs.json" >"$tmp/theirs"
	jq -r 'keys[]' "$tmp/theirs.json" | sort >"$tmp/their-keys"
	runc --root "$tmp/runc" delete --force st
	check_equal "$(cat "$tmp/ours")" "$(cat "$tmp/theirs")" "the state"
	check_equal "$(cat "$tmp/our-keys")" "$(cat "$tmp/their-keys")" "its members"
}
test_case "the state has runc's members and values" state_is_as_runc_prints_it

one_id_once() {
	create_sleeper once
	run mocker-runtime create --bundle "$tmp/once" once
	check_fails_with "container with given ID already exists"
	check_equal "$(container_status once)" created "the status of the first"
	run mocker-runtime delete once
	check_status 0
}
test_case "a second create of one id fails and leaves the first alone" one_id_once

force_is_patient() {
	run mocker-runtime delete --force nobody
	check_status 0
	run mocker-runtime delete nobody
	check_fails_with "container does not exist"
	create_sleeper forced
	mocker-runtime start forced
	mocker-runtime pause forced
	run mocker-runtime delete --force forced
	check_status 0
}
test_case "delete --force takes what runs, what is paused, what is not there" force_is_patient

pauses() {
	create_sleeper pausing
	mocker-runtime start pausing
	run mocker-runtime pause pausing
	check_status 0
	check_equal "$(container_status pausing)" paused "the status"
	run mocker-runtime pause pausing
	check_fails_with "container not running: it is paused"
	run mocker-runtime exec pausing true
	check_status 255
	check_errors_have "cannot exec in a paused container"
	run mocker-runtime resume pausing
	check_status 0
	check_equal "$(container_status pausing)" running "the status"
	run mocker-runtime resume pausing
	check_fails_with "container not paused"
	mocker-runtime pause pausing
	run mocker-runtime kill pausing KILL
	check_status 0
	check wait_stopped pausing
	mocker-runtime delete pausing
}
test_case "pause, resume, and a kill that reaches the frozen" pauses

# first_of TABLE: the title and the first process, each word a blank apart, less its share of
# the CPU, which changes, and the minute of its start, which whoever reckons it in seconds may
# see on either side.
first_of() {
	awk 'NR < 3 { $4 = $5 = ""; $1 = $1; print }' <<<"$1"
}

lists() {
	run mocker-runtime list --format json
	check_output null
	create_sleeper one
	create_sleeper two
	mocker-runtime start two
	run mocker-runtime list --quiet
	check_output $'one\ntwo'
	run mocker-runtime list --format json
	check_equal "$(jq -r '.[] | .id + " " + .status' <<<"$output")" \
		$'one created\ntwo running'
	run mocker-runtime list
	check_matches "$output" 'ID +PID +STATUS +BUNDLE +CREATED +OWNER'
	check_matches "$output" "two +[0-9]+ +running +$tmp/two +20[^ ]+ +root"
	run mocker-runtime ps two
	check_matches "$output" 'UID +PID'
	check_has "$output" "$(container_pid two)"
	check_lacks "$output" "$(container_pid one)"
	first_of "$output" >"$tmp/ours"
	run mocker-runtime ps two -ef
	check_equal "$(cat "$tmp/ours")" "$(first_of "$output")" "what ps says of it"
	run mocker-runtime ps two -o pid,comm
	check_has "$output" COMMAND
	run mocker-runtime ps two --nonsense
	check_fails_with "ps: "
	run mocker-runtime ps --format json two
	check_has "$output" "$(container_pid two)"
	run mocker-runtime delete --force --regex '^(one|two)$'
	check_status 0
	run mocker-runtime list --quiet
	check_output ""
}
test_case "list and ps show what there is" lists

deletes_by_pattern() {
	local id

	make_bundle "$tmp/many" '.process.args = ["sleep", "1000"]'
	for id in one-1 one-2 two; do
		edit_bundle "$tmp/many" ".linux.cgroupsPath = \"/mocker-test/$id\""
		run mocker-runtime run -d -b "$tmp/many" "$id"
		check_status 0
	done
	run mocker-runtime delete --regex 'one-[0-9'
	check_status 1
	check_fails_with 'no extended regular expression'
	run mocker-runtime delete --regex '^one-'
	check_status 1
	check_equal "$(grep -c 'that is not stopped: running' <<<"$errors")" 2
	run mocker-runtime delete --force --regex '^one-[0-9]$'
	check_status 0
	run mocker-runtime list --quiet
	check_output two
	run mocker-runtime delete --force --regex nothing
	check_status 0
	run mocker-runtime delete --force two
}
test_case "delete --regex takes those that match, and tells of each that it cannot" \
	deletes_by_pattern

config_elsewhere() {
	local verb

	make_bundle "$tmp/conf" '.process.args = ["echo", "bundle"]'
	jq '.process.args = ["echo", "elsewhere"]' "$tmp/conf/config.json" >"$tmp/other.json"
	run mocker-runtime run --config "$tmp/other.json" -b "$tmp/conf" conf
	check_output elsewhere
	cd "$tmp" || return
	run mocker-runtime create --config other.json -b "$tmp/conf" conf
	check_status 0
	run mocker-runtime delete conf
	check_status 0
	for verb in create run; do
		run mocker-runtime "$verb" --config "$tmp/none.json" -b "$tmp/conf" conf
		check_status 1
		check_fails_with "$tmp/none.json"
		check_missing /run/mocker/conf
	done
}
test_case "run and create read another configuration with --config" config_elsewhere

survives_its_creator() {
	make_bundle "$tmp/bg" '.process.args = ["sleep", "100"]'
	run mocker-runtime run -d --pid-file "$tmp/bg.pid" -b "$tmp/bg" bg
	check_status 0
	check test -d "/proc/$(cat "$tmp/bg.pid")"
	run mocker-runtime kill --all bg 9
	check_status 0
	check wait_stopped bg
	run mocker-runtime delete bg
	check_status 0
}
test_case "run --detach leaves it in the background" survives_its_creator

keeps() {
	sh_bundle "$tmp/kept" 'exit 4'
	run mocker-runtime run --keep --detach -b "$tmp/kept" kept
	check_status 0
	run mocker-runtime delete --force kept
	run mocker-runtime run --keep -b "$tmp/kept" kept
	check_status 4
	check_equal "$(container_status kept)" stopped
	run mocker-runtime delete kept
	check_status 0
}
test_case "run --keep leaves the stopped container" keeps

forwards() {
	sleeper fw
	mocker-runtime run -b "$tmp/fw" fw >"$tmp/fw.out" &
	wait_until 60 grep -q began "$tmp/fw.out"
	kill -TERM $!
	wait $!
	check_equal $? 3 "the exit status"
}
test_case "signals to run reach the process" forwards
